/*
 * A session for JavaScript. What it tells is appended to an array that the caller empties after each call, three elements an
 * event: its kind, the stream, and what belongs to it.
 */
#define _GNU_SOURCE
#include "answers.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define NAPI_VERSION 8
#include <node_api.h>

enum { CALL, MESSAGE, COMPRESSED, TOO_LARGE, HALF_CLOSED, CUT_OFF, SENT, CLOSED };
enum { ARGUMENTS_MAX = 4, COPIED_BYTES_MAX = 8 * 1024 };

struct holder {
  struct wh_grpc_session *session;
  napi_env env;
  napi_ref events;
};

/* ---- events ---- */

static void tell(struct holder *holder, uint32_t kind, int32_t stream, napi_value detail) {
  napi_env env = holder->env;
  napi_value events, value;
  uint32_t length = 0;
  if (!holder->events || napi_get_reference_value(env, holder->events, &events) != napi_ok) return;
  napi_get_array_length(env, events, &length);
  napi_create_uint32(env, kind, &value);
  napi_set_element(env, events, length, value);
  napi_create_int32(env, stream, &value);
  napi_set_element(env, events, length + 1, value);
  if (!detail) napi_get_undefined(env, &detail);
  napi_set_element(env, events, length + 2, detail);
}

static void on_call(void *owner, int32_t stream, const char *headers, size_t length) {
  struct holder *holder = owner;
  napi_value text = NULL;
  napi_create_string_latin1(holder->env, headers, length, &text);
  tell(holder, CALL, stream, text);
}

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

static void on_message(void *owner, int32_t stream, uint8_t *bytes, size_t length, int compressed) {
  struct holder *holder = owner;
  tell(holder, compressed ? COMPRESSED : MESSAGE, stream, buffer_of(holder->env, bytes, length));
}

static void on_too_large(void *owner, int32_t stream, size_t length) {
  struct holder *holder = owner;
  napi_value value = NULL;
  napi_create_double(holder->env, (double)length, &value);
  tell(holder, TOO_LARGE, stream, value);
}

static void on_half_closed(void *owner, int32_t stream, int whole) {
  tell(owner, whole ? HALF_CLOSED : CUT_OFF, stream, NULL);
}

static void on_sent(void *owner, int32_t stream, void *reply) {
  struct holder *holder = owner;
  napi_value bytes = NULL;
  if (holder->events && napi_get_reference_value(holder->env, reply, &bytes) == napi_ok && bytes) give_back(holder->env, bytes);
  napi_delete_reference(holder->env, reply);
  tell(holder, SENT, stream, NULL);
}

static void on_closed(void *owner, int32_t stream, uint32_t error) {
  struct holder *holder = owner;
  napi_value value = NULL;
  napi_create_uint32(holder->env, error, &value);
  tell(holder, CLOSED, stream, value);
}

/* ---- functions ---- */

struct call {
  napi_env env;
  napi_value arguments[ARGUMENTS_MAX];
  struct holder *holder;
  int wrong;
};

static struct call begin(napi_env env, napi_callback_info info) {
  struct call call = {.env = env};
  size_t count = ARGUMENTS_MAX;
  void *holder = NULL;
  call.wrong = napi_get_cb_info(env, info, &count, call.arguments, NULL, NULL) != napi_ok ||
               napi_get_value_external(env, call.arguments[0], &holder) != napi_ok;
  call.holder = holder;
  if (!call.wrong && !call.holder->session) call.wrong = 1;
  return call;
}

static int32_t take_int(struct call *call, int index) {
  int32_t value = 0;
  if (napi_get_value_int32(call->env, call->arguments[index], &value) != napi_ok) call->wrong = 1;
  return value;
}

static const void *take_bytes(struct call *call, int index, size_t *length) {
  void *bytes = NULL;
  if (napi_get_buffer_info(call->env, call->arguments[index], &bytes, length) != napi_ok) call->wrong = 1;
  return bytes;
}

static napi_value outcome(struct call *call, long value) {
  napi_value out = NULL;
  napi_create_int64(call->env, value, &out);
  return out;
}

/* Whoever gives a closed session or something else than asked for has made a mistake. */
static int is_wrong(struct call *call) {
  if (call->wrong) napi_throw_type_error(call->env, NULL, "wharfd grpc: an argument has the wrong type, or the session is closed");
  return call->wrong;
}

static void close_session(struct holder *holder) {
  if (holder->events) napi_delete_reference(holder->env, holder->events);
  holder->events = NULL;
  if (holder->session) wh_grpc_close(holder->session);
  holder->session = NULL;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_session(data);
  free(data);
}

typedef struct wh_grpc_session *opener(const struct wh_grpc_events *events, size_t message_bytes_max);

static napi_value open_by(napi_env env, napi_callback_info info, opener *open) {
  napi_value arguments[3], out = NULL;
  size_t count = 3;
  uint32_t message_bytes_max = 0;
  bool is_array = false;
  void *answers = NULL;
  struct holder *holder = calloc(1, sizeof *holder);
  if (holder && napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok &&
      napi_is_array(env, arguments[0], &is_array) == napi_ok && is_array &&
      napi_get_value_uint32(env, arguments[1], &message_bytes_max) == napi_ok) {
    holder->env = env;
    struct wh_grpc_events events = {holder, on_call, on_message, on_too_large, on_half_closed, on_sent, on_closed};
    holder->session = open(&events, message_bytes_max);
    if (holder->session && napi_get_value_external(env, arguments[2], &answers) == napi_ok)
      wh_grpc_use_answers(holder->session, answers);
    if (holder->session && napi_create_reference(env, arguments[0], 1, &holder->events) == napi_ok &&
        napi_create_external(env, holder, on_collected, NULL, &out) == napi_ok)
      return out;
    close_session(holder);
  }
  free(holder);
  napi_throw_error(env, NULL, "wharfd grpc: no session can be opened");
  return NULL;
}

/* open(events, messageBytesMax, answers?) → session */
static napi_value bind_open(napi_env env, napi_callback_info info) { return open_by(env, info, wh_grpc_open); }

/* connect(events, messageBytesMax) → session of a client */
static napi_value bind_connect(napi_env env, napi_callback_info info) { return open_by(env, info, wh_grpc_connect); }

static napi_value bind_close(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  if (!is_wrong(&call)) close_session(call.holder);
  return NULL;
}

static napi_value bind_receive(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  size_t length = 0;
  const void *bytes = take_bytes(&call, 1, &length);
  if (is_wrong(&call)) return NULL;
  int result = wh_grpc_receive(call.holder->session, bytes, length);
  give_back(env, call.arguments[1]);
  return outcome(&call, result);
}

/* take(session, bytes) → Buffer, or 0 for nothing, or a negative number */
static napi_value bind_take(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t wanted = take_int(&call, 1);
  if (is_wrong(&call)) return NULL;
  const uint8_t *bytes = NULL;
  long length = wh_grpc_take(call.holder->session, (size_t)wanted, &bytes);
  if (length <= 0) return outcome(&call, length);
  if ((size_t)length > COPIED_BYTES_MAX) return buffer_of(env, wh_grpc_keep(call.holder->session), (size_t)length);
  napi_value out = NULL;
  napi_create_buffer_copy(env, (size_t)length, bytes, NULL, &out);
  return out;
}

static napi_value bind_over(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  return is_wrong(&call) ? NULL : outcome(&call, wh_grpc_over(call.holder->session));
}

/* (session, stream) → what the function says of it */
static napi_value of_stream(napi_env env, napi_callback_info info, int (*function)(struct wh_grpc_session *, int32_t)) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  return is_wrong(&call) ? NULL : outcome(&call, function(call.holder->session, stream));
}

static napi_value bind_taken(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_taken); }

static napi_value bind_headers(napi_env env, napi_callback_info info) { return of_stream(env, info, wh_grpc_headers); }

static int reply(struct call *call, int32_t stream) {
  size_t length = 0;
  const void *bytes = take_bytes(call, 2, &length);
  napi_ref kept = NULL;
  if (!call->wrong && napi_create_reference(call->env, call->arguments[2], 1, &kept) != napi_ok) call->wrong = 1;
  return call->wrong ? -1 : wh_grpc_reply(call->holder->session, stream, bytes, length, kept);
}

/* reply(session, stream, bytes): one of several. */
static napi_value bind_reply(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  int failed = reply(&call, stream);
  return is_wrong(&call) ? NULL : outcome(&call, failed);
}

/* answer(session, stream, bytes): the only one, and the status 0. */
static napi_value bind_answer(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t stream = take_int(&call, 1);
  int failed = reply(&call, stream);
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

/* ---- answers ---- */

static void on_answers_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  wh_answers_release(data);
}

/* -1 when it is no text, or there is no room. */
static int add_path(napi_env env, napi_value text, struct wh_answers *answers) {
  char path[256];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, text, path, sizeof path, &length) != napi_ok || length >= sizeof path - 1) return -1;
  return wh_answers_add_path(answers, path);
}

/* answers(paths) → answers */
static napi_value bind_answers(napi_env env, napi_callback_info info) {
  napi_value paths = NULL, out = NULL, path;
  size_t count = 1;
  uint32_t length = 0;
  struct wh_answers *answers = wh_answers_new();
  int failed = !answers || napi_get_cb_info(env, info, &count, &paths, NULL, NULL) != napi_ok ||
               napi_get_array_length(env, paths, &length) != napi_ok;
  for (uint32_t at = 0; !failed && at < length; at++)
    failed = napi_get_element(env, paths, at, &path) != napi_ok || add_path(env, path, answers);
  if (!failed && napi_create_external(env, answers, on_answers_collected, NULL, &out) == napi_ok) return out;
  if (answers) wh_answers_release(answers);
  napi_throw_error(env, NULL, "wharfd grpc: answers to these paths can't be kept");
  return NULL;
}

/* forget(answers) */
static napi_value bind_forget(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  size_t count = 1;
  void *answers = NULL;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == napi_ok &&
      napi_get_value_external(env, argument, &answers) == napi_ok)
    wh_answers_forget(answers);
  else
    napi_throw_type_error(env, NULL, "wharfd grpc: these are no answers");
  return NULL;
}

/* release(bytes) */
static napi_value bind_release(napi_env env, napi_callback_info info) {
  napi_value buffer = NULL;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) == napi_ok) give_back(env, buffer);
  return NULL;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {{"open", bind_open},       {"close", bind_close},   {"receive", bind_receive}, {"take", bind_take},
                   {"over", bind_over},       {"taken", bind_taken},   {"headers", bind_headers}, {"reply", bind_reply},
                   {"answer", bind_answer},   {"finish", bind_finish}, {"refuse", bind_refuse},   {"goaway", bind_goaway},
                   {"release", bind_release}, {"connect", bind_connect}, {"begin", bind_begin}, {"end", bind_end},
                   {"cancel", bind_cancel},   {"answers", bind_answers}, {"forget", bind_forget}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function = NULL;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
