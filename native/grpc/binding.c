/*
 * A session for JavaScript. What it tells comes outside of JavaScript, too, where no value can be made: it is kept as it is until it is asked
 * for, and becomes an array then, three elements an event: its kind, the stream, and what belongs to it.
 */
#define _GNU_SOURCE
#include "binding.h"

#include <stdlib.h>
#include <string.h>

enum { CALL, MESSAGE, COMPRESSED, TOO_LARGE, HALF_CLOSED, CUT_OFF, SENT, CLOSED };
enum { COPIED_BYTES_MAX = 8 * 1024 };

/* ---- events ---- */

struct event {
  uint32_t kind;
  int32_t stream;
  void *data; /* of CALL text, of MESSAGE bytes, from malloc; of SENT a reference to the reply */
  size_t length; /* or another number */
};

static void drop_event(const struct holder *holder, const struct event *event) {
  if (event->kind != SENT) free(event->data);
  else if (event->data) napi_delete_reference(holder->env, event->data);
}

static void tell(struct holder *holder, struct event event) {
  if (holder->event_count == holder->event_room) {
    size_t room = 2 * holder->event_room + 16;
    struct event *events = holder->session ? realloc(holder->events, room * sizeof *events) : NULL;
    if (!events) {
      drop_event(holder, &event);
      fail_socket(holder);
      return;
    }
    holder->events = events;
    holder->event_room = room;
  }
  holder->events[holder->event_count++] = event;
}

static void on_call(void *owner, int32_t stream, const char *headers, size_t length) {
  char *copy = malloc(length + 1);
  if (!copy) {
    fail_socket(owner);
    return;
  }
  memcpy(copy, headers, length);
  tell(owner, (struct event){CALL, stream, copy, length});
}

static void on_message(void *owner, int32_t stream, uint8_t *bytes, size_t length, int compressed) {
  tell(owner, (struct event){compressed ? COMPRESSED : MESSAGE, stream, bytes, length});
}

static void on_too_large(void *owner, int32_t stream, size_t length) {
  tell(owner, (struct event){TOO_LARGE, stream, NULL, length});
}

static void on_half_closed(void *owner, int32_t stream, int whole) {
  tell(owner, (struct event){whole ? HALF_CLOSED : CUT_OFF, stream, NULL, 0});
}

static void on_sent(void *owner, int32_t stream, void *reply) { tell(owner, (struct event){SENT, stream, reply, 0}); }

static void on_closed(void *owner, int32_t stream, uint32_t error) {
  tell(owner, (struct event){CLOSED, stream, NULL, error});
}

static void drop_events(struct holder *holder) {
  for (size_t i = 0; i < holder->event_count; i++) drop_event(holder, &holder->events[i]);
  free(holder->events);
  holder->events = NULL;
  holder->event_count = holder->event_room = 0;
}

/* ---- events for JavaScript ---- */

static void free_bytes(napi_env env, void *bytes, void *hint) {
  (void)env;
  (void)hint;
  free(bytes);
}

/* Takes the block. */
static napi_value buffer_of(napi_env env, uint8_t *bytes, size_t length) {
  napi_value buffer = NULL;
  if (length <= COPIED_BYTES_MAX) {
    napi_create_buffer_copy(env, length, bytes, NULL, &buffer);
    free(bytes);
  } else if (napi_create_external_buffer(env, length, bytes, free_bytes, NULL, &buffer) != napi_ok) {
    free(bytes);
  }
  return buffer;
}

/*
 * Frees the block that a buffer lies in, which nobody uses any more. V8 would do so at its next full collection, and makes one for
 * each few MiB of such memory: with a heap like the daemon's that costs more than to move the bytes. Small blocks are left to it; one
 * that several small buffers share (Node's pool) has no more than 8 KiB.
 */
static void give_back(napi_env env, napi_value buffer) {
  napi_typedarray_type type;
  size_t length = 0, offset = 0;
  void *bytes = NULL;
  napi_value block = NULL;
  if (napi_get_typedarray_info(env, buffer, &type, &length, &bytes, &block, &offset) != napi_ok) return;
  if (napi_get_arraybuffer_info(env, block, &bytes, &length) != napi_ok) return;
  if (length > COPIED_BYTES_MAX) napi_detach_arraybuffer(env, block);
}

/* What belongs to an event, of which nothing is left. */
static napi_value detail_of(napi_env env, const struct event *event) {
  napi_value value = NULL;
  switch (event->kind) {
    case CALL:
      napi_create_string_latin1(env, event->data, event->length, &value);
      free(event->data);
      break;
    case MESSAGE:
    case COMPRESSED:
      value = buffer_of(env, event->data, event->length);
      break;
    case SENT:
      if (napi_get_reference_value(env, event->data, &value) == napi_ok && value) give_back(env, value);
      napi_delete_reference(env, event->data);
      value = NULL;
      break;
    case TOO_LARGE:
    case CLOSED:
      napi_create_double(env, (double)event->length, &value);
      break;
  }
  if (!value) napi_get_undefined(env, &value);
  return value;
}

/* happened(session) → kind, stream and detail of each event since the last time; undefined for none */
static napi_value bind_happened(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  napi_value out = NULL, value;
  if (is_wrong(&call)) return NULL;
  struct holder *holder = call.holder;
  if (holder->event_count == 0) return NULL;
  napi_create_array_with_length(env, 3 * holder->event_count, &out);
  for (uint32_t i = 0; i < holder->event_count; i++) {
    const struct event *event = &holder->events[i];
    napi_create_uint32(env, event->kind, &value);
    napi_set_element(env, out, 3 * i, value);
    napi_create_int32(env, event->stream, &value);
    napi_set_element(env, out, 3 * i + 1, value);
    napi_set_element(env, out, 3 * i + 2, detail_of(env, event));
  }
  holder->event_count = 0;
  return out;
}

/* ---- functions ---- */

struct call begin(napi_env env, napi_callback_info info) {
  struct call call = {.env = env};
  size_t count = ARGUMENTS_MAX;
  void *holder = NULL;
  call.wrong = napi_get_cb_info(env, info, &count, call.arguments, NULL, NULL) != napi_ok ||
               napi_get_value_external(env, call.arguments[0], &holder) != napi_ok;
  call.holder = holder;
  if (!call.wrong && !call.holder->session) call.wrong = 1;
  return call;
}

int32_t take_int(struct call *call, int index) {
  int32_t value = 0;
  if (napi_get_value_int32(call->env, call->arguments[index], &value) != napi_ok) call->wrong = 1;
  return value;
}

static const void *take_bytes(struct call *call, int index, size_t *length) {
  void *bytes = NULL;
  if (napi_get_buffer_info(call->env, call->arguments[index], &bytes, length) != napi_ok) call->wrong = 1;
  return bytes;
}

napi_value outcome(struct call *call, long value) {
  napi_value out = NULL;
  napi_create_int64(call->env, value, &out);
  return out;
}

int is_wrong(struct call *call) {
  if (call->wrong) napi_throw_type_error(call->env, NULL, "wharfd grpc: an argument has the wrong type, or the session is closed");
  return call->wrong;
}

static void close_session(struct holder *holder) {
  close_socket(holder);
  if (holder->session) wh_grpc_close(holder->session);
  holder->session = NULL;
  drop_events(holder);
}

void release_holder(struct holder *holder) {
  if (--holder->owners == 0) free(holder);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_session(data);
  release_holder(data);
}

typedef struct wh_grpc_session *opener(const struct wh_grpc_events *events, size_t message_bytes_max);

static napi_value open_by(napi_env env, napi_callback_info info, opener *open) {
  napi_value arguments[2], out = NULL;
  size_t count = 2;
  uint32_t message_bytes_max = 0;
  void *answers = NULL;
  struct holder *holder = calloc(1, sizeof *holder);
  if (holder && napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok &&
      napi_get_value_uint32(env, arguments[0], &message_bytes_max) == napi_ok) {
    holder->env = env;
    holder->owners = 1;
    struct wh_grpc_events events = {holder, on_call, on_message, on_too_large, on_half_closed, on_sent, on_closed};
    holder->session = open(&events, message_bytes_max);
    if (holder->session && napi_get_value_external(env, arguments[1], &answers) == napi_ok)
      wh_grpc_use_answers(holder->session, answers);
    if (holder->session && napi_create_external(env, holder, on_collected, NULL, &out) == napi_ok) return out;
    close_session(holder);
  }
  free(holder);
  napi_throw_error(env, NULL, "wharfd grpc: no session can be opened");
  return NULL;
}

/* open(messageBytesMax, answers?) → session */
static napi_value bind_open(napi_env env, napi_callback_info info) { return open_by(env, info, wh_grpc_open); }

/* connect(messageBytesMax) → session of a client */
static napi_value bind_connect(napi_env env, napi_callback_info info) { return open_by(env, info, wh_grpc_connect); }

static napi_value bind_close(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  if (!is_wrong(&call)) close_session(call.holder);
  return NULL;
}

/* (session, stream) → what the function says of it */
static napi_value of_stream(napi_env env, napi_callback_info info, int (*function)(struct wh_grpc_session *, int32_t)) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  return is_wrong(&call) ? NULL : outcome(&call, function(call.holder->session, stream));
}

static napi_value bind_taken(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_taken); }

static napi_value bind_headers(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_headers); }

static int reply(struct call *call, int32_t stream, const void *bytes, size_t length) {
  napi_ref kept = NULL;
  if (!call->wrong && napi_create_reference(call->env, call->arguments[2], 1, &kept) != napi_ok) call->wrong = 1;
  return call->wrong ? -1 : wh_grpc_reply(call->holder->session, stream, bytes, length, kept);
}

/* reply(session, stream, bytes): one of several. */
static napi_value bind_reply(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  size_t length = 0;
  const void *bytes = take_bytes(&call, 2, &length);
  int failed = reply(&call, stream, bytes, length);
  return is_wrong(&call) ? NULL : outcome(&call, failed);
}

/* answer(session, stream, bytes): the only one, and the status 0. */
static napi_value bind_answer(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  size_t length = 0;
  const void *bytes = take_bytes(&call, 2, &length);
  if (!call.wrong && length <= COPIED_BYTES_MAX)
    return outcome(&call, wh_grpc_answer(call.holder->session, stream, bytes, length));
  int failed = reply(&call, stream, bytes, length);
  if (is_wrong(&call)) return NULL;
  return outcome(&call, failed ? failed : wh_grpc_finish(call.holder->session, stream, 0, ""));
}

/* finish(session, stream, status, details) */
static napi_value bind_finish(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1), status = take_int(&call, 2);
  size_t length = 0;
  if (napi_get_value_string_latin1(env, call.arguments[3], NULL, 0, &length) != napi_ok) call.wrong = 1;
  if (is_wrong(&call)) return NULL;
  char *details = malloc(length + 1);
  if (!details) return outcome(&call, -1);
  napi_get_value_string_latin1(env, call.arguments[3], details, length + 1, &length);
  int failed = wh_grpc_finish(call.holder->session, stream, (unsigned)status, details);
  free(details);
  return outcome(&call, failed);
}

/* refuse(session, stream, httpStatus) */
static napi_value bind_refuse(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1), status = take_int(&call, 2);
  return is_wrong(&call) ? NULL : outcome(&call, wh_grpc_refuse(call.holder->session, stream, (unsigned)status));
}

static napi_value bind_goaway(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  return is_wrong(&call) ? NULL : outcome(&call, wh_grpc_goaway(call.holder->session));
}

/* begin(session, headers) → stream, or a negative number */
static napi_value bind_begin(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  size_t length = 0;
  const char *headers = take_bytes(&call, 1, &length);
  return is_wrong(&call) ? NULL : outcome(&call, wh_grpc_begin(call.holder->session, headers, length));
}

static napi_value bind_end(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_end); }

static napi_value bind_cancel(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_cancel); }

/* release(bytes) */
static napi_value bind_release(napi_env env, napi_callback_info info) {
  napi_value buffer = NULL;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) == napi_ok) give_back(env, buffer);
  return NULL;
}

void add_bindings(napi_env env, napi_value exports, const struct binding *bindings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value function = NULL;
    napi_create_function(env, bindings[i].name, NAPI_AUTO_LENGTH, bindings[i].function, NULL, &function);
    napi_set_named_property(env, exports, bindings[i].name, function);
  }
}

NAPI_MODULE_INIT() {
  static const struct binding bindings[] = {
      {"open", bind_open},       {"close", bind_close},   {"taken", bind_taken},   {"headers", bind_headers},
      {"reply", bind_reply},     {"answer", bind_answer}, {"finish", bind_finish}, {"refuse", bind_refuse},
      {"goaway", bind_goaway},   {"connect", bind_connect}, {"begin", bind_begin}, {"end", bind_end},
      {"cancel", bind_cancel},   {"release", bind_release}, {"happened", bind_happened}};
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
  add_socket_bindings(env, exports);
  add_answers_bindings(env, exports);
  return exports;
}
