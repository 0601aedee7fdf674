#define _GNU_SOURCE
#include "session.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PREFIX = 5, /* of a message: one byte tells whether it is compressed, four its length */
  STREAM_WINDOW = 1 << 20,
  CONNECTION_WINDOW = 4 << 20,
  FIRST_ROOM = 64 * 1024,
  FRAME_HEAD = 9,
  UNTOLD_MAX = 64 * 1024, /* bytes of the client for which its new window may wait */
  STATUS_DIGITS = 12,
};

/* A reply that waits to be sent. */
struct reply {
  struct reply *next;
  const uint8_t *bytes;
  size_t length, done; /* without and with the prefix */
  void *token;
  uint8_t prefix[PREFIX];
};

struct call {
  struct call *next, **link; /* among those of the session */
  int32_t stream;

  char *headers;
  size_t headers_length, headers_room;

  uint8_t prefix[PREFIX];
  size_t prefix_length;
  uint8_t *message; /* NULL between messages */
  size_t message_length, message_room, message_size;
  int deaf;        /* requests are no longer listened to */
  int ended;       /* the client has half-closed */
  unsigned waiting; /* requests that the handler has not taken */
  size_t withheld;  /* bytes for which the client gets no new window yet */

  struct reply *first, **last;
  int opened;   /* response headers are submitted */
  int deferred; /* the sender waits for replies */
  int finished; /* the status is known */
  unsigned status;
  char *details;
};

struct wh_grpc_session {
  nghttp2_session *http;
  struct wh_grpc_events events;
  size_t message_bytes_max;
  struct call *calls;
  uint8_t *out;
  size_t out_length, out_room, out_wanted;
  size_t unsent; /* replies */
  size_t untold; /* bytes that came since the last take */
  int urgent;    /* the client waits for what is to be sent */
  int closing;
};

static struct call *call_of(struct wh_grpc_session *session, int32_t stream) {
  return nghttp2_session_get_stream_user_data(session->http, stream);
}

static void drop_reply(struct wh_grpc_session *session, struct call *call) {
  struct reply *reply = call->first;
  call->first = reply->next;
  if (!call->first) call->last = &call->first;
  session->unsent--;
  session->events.sent(session->events.owner, call->stream, reply->token);
  free(reply);
}

static void free_call(struct wh_grpc_session *session, struct call *call) {
  while (call->first) drop_reply(session, call);
  *call->link = call->next;
  if (call->next) call->next->link = call->link;
  free(call->headers);
  free(call->message);
  free(call->details);
  free(call);
}

/* ---- what comes in ---- */

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  struct wh_grpc_session *session = owner;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  struct call *call = calloc(1, sizeof *call);
  if (!call) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  call->stream = frame->hd.stream_id;
  call->last = &call->first;
  call->next = session->calls;
  call->link = &session->calls;
  if (call->next) call->next->link = &call->next;
  session->calls = call;
  nghttp2_session_set_stream_user_data(http, call->stream, call);
  return 0;
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *owner) {
  (void)flags;
  struct call *call = call_of(owner, frame->hd.stream_id);
  (void)http;
  if (!call || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  size_t more = name_length + value_length + 2;
  if (call->headers_length + more > WH_GRPC_HEADERS_MAX) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (call->headers_length + more > call->headers_room) {
    size_t room = 2 * call->headers_room + more + 512;
    char *headers = realloc(call->headers, room);
    if (!headers) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    call->headers = headers;
    call->headers_room = room;
  }
  char *at = call->headers + call->headers_length;
  memcpy(at, name, name_length);
  at[name_length] = '\0';
  memcpy(at + name_length + 1, value, value_length);
  at[more - 1] = '\0';
  call->headers_length += more;
  return 0;
}

static void half_close(struct wh_grpc_session *session, struct call *call) {
  if (call->ended) return;
  call->ended = 1;
  if (!call->deaf)
    session->events.half_closed(session->events.owner, call->stream, call->message == NULL && call->prefix_length == 0);
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  (void)http;
  struct wh_grpc_session *session = owner;
  if (frame->hd.type == NGHTTP2_SETTINGS || frame->hd.type == NGHTTP2_GOAWAY) session->urgent = 1;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  struct call *call = call_of(session, frame->hd.stream_id);
  if (!call) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    session->events.call(session->events.owner, call->stream, call->headers ? call->headers : "", call->headers_length);
    free(call->headers);
    call->headers = NULL;
    call->headers_length = call->headers_room = 0;
  }
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) half_close(session, call);
  return 0;
}

/* Gives the client new window for what it has sent, unless it is ahead of the handler. Whether it did. */
static int release(struct wh_grpc_session *session, struct call *call) {
  if (call->withheld == 0 || (call->waiting >= WH_GRPC_WAITING_MAX && !call->deaf)) return 0;
  nghttp2_session_consume_stream(session->http, call->stream, call->withheld);
  call->withheld = 0;
  return 1;
}

/* Begins a message when its prefix is there. Returns 0, or -1 when memory is short. */
static int begin_message(struct wh_grpc_session *session, struct call *call) {
  const uint8_t *prefix = call->prefix;
  size_t size = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
  if (size > session->message_bytes_max) {
    call->deaf = 1;
    session->events.too_large(session->events.owner, call->stream, size);
    return 0;
  }
  call->message_size = size;
  call->message_length = 0;
  call->message_room = size < FIRST_ROOM ? size : FIRST_ROOM;
  call->message = malloc(call->message_room ? call->message_room : 1);
  return call->message ? 0 : -1;
}

static void end_message(struct wh_grpc_session *session, struct call *call) {
  uint8_t *message = call->message;
  call->message = NULL;
  call->prefix_length = 0;
  call->waiting++;
  session->events.message(session->events.owner, call->stream, message, call->message_size, call->prefix[0] & 1);
}

/* Room for `more` bytes of the message, which grows as they come: a length alone costs nothing. */
static int make_room(struct call *call, size_t more) {
  if (call->message_length + more <= call->message_room) return 0;
  size_t room = 4 * call->message_room;
  if (room < call->message_length + more) room = call->message_length + more;
  if (room > call->message_size) room = call->message_size;
  uint8_t *message = realloc(call->message, room);
  if (!message) return -1;
  call->message = message;
  call->message_room = room;
  return 0;
}

/* Takes what belongs to the prefix or the message at hand. Returns how much that was; -1 when memory is short. */
static long take_part(struct wh_grpc_session *session, struct call *call, const uint8_t *bytes, size_t length) {
  size_t part;
  if (!call->message) {
    part = PREFIX - call->prefix_length;
    if (part > length) part = length;
    memcpy(call->prefix + call->prefix_length, bytes, part);
    call->prefix_length += part;
    if (call->prefix_length == PREFIX && begin_message(session, call)) return -1;
  } else {
    part = call->message_size - call->message_length;
    if (part > length) part = length;
    if (make_room(call, part)) return -1;
    memcpy(call->message + call->message_length, bytes, part);
    call->message_length += part;
  }
  if (call->message && call->message_length == call->message_size) end_message(session, call);
  return (long)part;
}

static int on_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length, void *owner) {
  (void)flags;
  struct wh_grpc_session *session = owner;
  nghttp2_session_consume_connection(http, length);
  session->untold += length;
  struct call *call = call_of(session, stream);
  if (!call) return 0;
  call->withheld += length;
  for (size_t at = 0; at < length && !call->deaf;) {
    long part = take_part(session, call, bytes + at, length - at);
    if (part < 0) {
      call->deaf = 1;
      return nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, stream, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    at += (size_t)part;
  }
  release(session, call);
  return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream, uint32_t error, void *owner) {
  struct wh_grpc_session *session = owner;
  struct call *call = call_of(session, stream);
  if (!call) return 0;
  nghttp2_session_set_stream_user_data(http, stream, NULL);
  free_call(session, call);
  if (!session->closing) session->events.closed(session->events.owner, stream, error);
  return 0;
}

/* ---- what goes out ---- */

static int append(struct wh_grpc_session *session, const void *bytes, size_t length) {
  if (session->out_length + length > session->out_room) {
    size_t room = 2 * session->out_room + length + 4096;
    uint8_t *out = realloc(session->out, room);
    if (!out) return -1;
    session->out = out;
    session->out_room = room;
  }
  memcpy(session->out + session->out_length, bytes, length);
  session->out_length += length;
  return 0;
}

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                      NGHTTP2_NV_FLAG_NONE};
}

static size_t status_fields(const struct call *call, nghttp2_nv *fields, char *digits) {
  snprintf(digits, STATUS_DIGITS, "%u", call->status);
  fields[0] = field("grpc-status", digits);
  if (!call->details || !*call->details) return 1;
  fields[1] = field("grpc-message", call->details);
  return 2;
}

/* How much of the replies may go now; the bytes themselves go by send_body. */
static ssize_t read_body(nghttp2_session *http, int32_t stream, uint8_t *bytes, size_t length, uint32_t *flags,
                         nghttp2_data_source *source, void *owner) {
  (void)bytes;
  (void)owner;
  struct call *call = source->ptr;
  size_t ready = 0;
  struct reply *reply = call->first;
  for (; reply && ready < length; reply = reply->next) ready += PREFIX + reply->length - reply->done;
  if (ready == 0 && !call->finished) {
    call->deferred = 1;
    return NGHTTP2_ERR_DEFERRED;
  }
  if (ready <= length && !reply && call->finished) {
    char digits[STATUS_DIGITS];
    nghttp2_nv fields[2];
    size_t count = status_fields(call, fields, digits);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    int failed = nghttp2_submit_trailer(http, stream, fields, count);
    if (failed) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return (ssize_t)(ready < length ? ready : length);
}

static int send_body(nghttp2_session *http, nghttp2_frame *frame, const uint8_t *head, size_t length,
                     nghttp2_data_source *source, void *owner) {
  (void)http;
  (void)frame;
  struct wh_grpc_session *session = owner;
  struct call *call = source->ptr;
  if (append(session, head, FRAME_HEAD)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  while (length > 0) {
    struct reply *reply = call->first;
    int in_prefix = reply->done < PREFIX;
    const uint8_t *from = in_prefix ? reply->prefix + reply->done : reply->bytes + (reply->done - PREFIX);
    size_t part = (in_prefix ? PREFIX : PREFIX + reply->length) - reply->done;
    if (part > length) part = length;
    if (append(session, from, part)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    reply->done += part;
    length -= part;
    if (reply->done == PREFIX + reply->length) drop_reply(session, call);
  }
  return session->out_length < session->out_wanted ? 0 : NGHTTP2_ERR_PAUSE;
}

/* When the status has gone and the client still sends, it is told that nobody listens. */
static int on_frame_sent(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  if (frame->hd.type != NGHTTP2_HEADERS || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  struct call *call = call_of(owner, frame->hd.stream_id);
  if (call && !call->ended)
    nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

static int wake(struct wh_grpc_session *session, struct call *call) {
  if (!call->deferred) return 0;
  call->deferred = 0;
  return nghttp2_session_resume_data(session->http, call->stream);
}

long wh_grpc_take(struct wh_grpc_session *session, size_t length, const uint8_t **bytes) {
  session->out_length = 0;
  session->out_wanted = length;
  session->untold = 0;
  while (session->out_length < length) {
    const uint8_t *frame; /* but for those of bodies, which go by send_body */
    ssize_t size = nghttp2_session_mem_send(session->http, &frame);
    if (size < 0) return size;
    if (size == 0) break;
    if (append(session, frame, (size_t)size)) return NGHTTP2_ERR_NOMEM;
  }
  *bytes = session->out;
  return (long)session->out_length;
}

uint8_t *wh_grpc_keep(struct wh_grpc_session *session) {
  uint8_t *out = session->out;
  session->out = NULL;
  session->out_room = session->out_length = 0;
  return out;
}

int wh_grpc_over(const struct wh_grpc_session *session) {
  return !nghttp2_session_want_read(session->http) && !nghttp2_session_want_write(session->http);
}

int wh_grpc_headers(struct wh_grpc_session *session, int32_t stream) {
  struct call *call = call_of(session, stream);
  if (!call || call->opened) return 0;
  call->opened = 1;
  nghttp2_nv fields[] = {field(":status", "200"), field("content-type", "application/grpc"),
                         field("grpc-accept-encoding", "identity,gzip,deflate")};
  nghttp2_data_provider body = {.source = {.ptr = call}, .read_callback = read_body};
  return nghttp2_submit_response(session->http, stream, fields, sizeof fields / sizeof *fields, &body);
}

int wh_grpc_reply(struct wh_grpc_session *session, int32_t stream, const void *bytes, size_t length, void *token) {
  struct call *call = call_of(session, stream);
  struct reply *reply = call && !call->finished ? malloc(sizeof *reply) : NULL;
  if (!reply) {
    session->events.sent(session->events.owner, stream, token);
    return call && !call->finished ? NGHTTP2_ERR_NOMEM : 0;
  }
  *reply = (struct reply){.bytes = bytes, .length = length, .token = token,
                          .prefix = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                                     (uint8_t)length}};
  *call->last = reply;
  call->last = &reply->next;
  session->unsent++;
  int failed = wh_grpc_headers(session, stream);
  return failed ? failed : wake(session, call);
}

int wh_grpc_finish(struct wh_grpc_session *session, int32_t stream, unsigned status, const char *details) {
  struct call *call = call_of(session, stream);
  if (!call || call->finished) return 0;
  call->status = status;
  call->details = strdup(details);
  if (!call->details) return NGHTTP2_ERR_NOMEM;
  call->finished = 1;
  call->deaf = 1;
  release(session, call);
  if (call->opened) return wake(session, call);
  call->opened = 1;
  char digits[STATUS_DIGITS];
  nghttp2_nv fields[4] = {field(":status", "200"), field("content-type", "application/grpc")};
  size_t count = status_fields(call, fields + 2, digits);
  return nghttp2_submit_response(session->http, stream, fields, 2 + count, NULL);
}

int wh_grpc_refuse(struct wh_grpc_session *session, int32_t stream, unsigned http_status) {
  struct call *call = call_of(session, stream);
  if (!call || call->opened) return 0;
  call->opened = call->finished = call->deaf = 1;
  release(session, call);
  char digits[STATUS_DIGITS];
  snprintf(digits, sizeof digits, "%u", http_status);
  nghttp2_nv fields[] = {field(":status", digits)};
  return nghttp2_submit_response(session->http, stream, fields, 1, NULL);
}

int wh_grpc_taken(struct wh_grpc_session *session, int32_t stream) {
  struct call *call = call_of(session, stream);
  if (!call || call->waiting == 0) return 0;
  call->waiting--;
  return release(session, call);
}

int wh_grpc_receive(struct wh_grpc_session *session, const uint8_t *bytes, size_t length) {
  session->urgent = 0;
  ssize_t used = nghttp2_session_mem_recv(session->http, bytes, length);
  if (used < 0) return (int)used;
  return session->urgent || session->unsent > 0 || session->untold > UNTOLD_MAX;
}

int wh_grpc_goaway(struct wh_grpc_session *session) {
  int32_t last = nghttp2_session_get_last_proc_stream_id(session->http);
  return nghttp2_submit_goaway(session->http, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- opening and closing ---- */

static nghttp2_session *new_http(void *owner) {
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *option = NULL;
  nghttp2_session *http = NULL;
  if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_body);
    nghttp2_option_set_no_auto_window_update(option, 1);
    if (nghttp2_session_server_new2(&http, callbacks, owner, option) != 0) http = NULL;
  }
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  return http;
}

struct wh_grpc_session *wh_grpc_open(const struct wh_grpc_events *events, size_t message_bytes_max) {
  struct wh_grpc_session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  session->events = *events;
  session->message_bytes_max = message_bytes_max;
  session->http = new_http(session);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, WH_GRPC_CALLS_MAX},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, WH_GRPC_HEADERS_MAX},
  };
  if (session->http && !nghttp2_submit_settings(session->http, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) &&
      !nghttp2_session_set_local_window_size(session->http, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW))
    return session;
  wh_grpc_close(session);
  return NULL;
}

void wh_grpc_close(struct wh_grpc_session *session) {
  session->closing = 1;
  while (session->calls) {
    struct call *call = session->calls;
    if (session->http) nghttp2_session_set_stream_user_data(session->http, call->stream, NULL);
    free_call(session, call);
  }
  nghttp2_session_del(session->http);
  free(session->out);
  free(session);
}
