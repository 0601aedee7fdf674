/* What comes in: the headers and messages of calls. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
  FIRST_ROOM = 64 * 1024,
  UNTOLD_MAX = 64 * 1024, /* bytes of the client for which its new window may wait */
};

/* Of a request, or to a client of a response: its trailers as well, which say how it ended. */
static int are_of_interest(const struct wh_grpc_session *session, const nghttp2_frame *frame) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (!session->is_client) return frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  return frame->headers.cat == NGHTTP2_HCAT_RESPONSE || frame->headers.cat == NGHTTP2_HCAT_HEADERS;
}

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  struct wh_grpc_session *session = owner;
  if (session->is_client || !are_of_interest(session, frame)) return 0;
  struct call *call = wh_grpc_new_call(session);
  if (!call) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  call->stream = frame->hd.stream_id;
  nghttp2_session_set_stream_user_data(http, call->stream, call);
  return 0;
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *owner) {
  (void)flags;
  struct call *call = wh_grpc_call(owner, frame->hd.stream_id);
  (void)http;
  if (!call || !are_of_interest(owner, frame)) return 0;
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

void wh_grpc_tell_call(struct wh_grpc_session *session, struct call *call) {
  session->events.call(session->events.owner, call->stream, call->headers ? call->headers : "", call->headers_length);
  free(call->headers);
  call->headers = NULL;
  call->headers_length = call->headers_room = 0;
}

static void half_close(struct wh_grpc_session *session, struct call *call) {
  if (call->ended) return;
  call->ended = 1;
  int whole = call->message == NULL && call->prefix_length == 0;
  if (!call->deaf && !wh_grpc_answer_again(session, call, whole))
    session->events.half_closed(session->events.owner, call->stream, whole);
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  (void)http;
  struct wh_grpc_session *session = owner;
  if (frame->hd.type == NGHTTP2_SETTINGS || frame->hd.type == NGHTTP2_GOAWAY) session->urgent = 1;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  struct call *call = wh_grpc_call(session, frame->hd.stream_id);
  if (!call) return 0;
  if (are_of_interest(session, frame) && !wh_grpc_hold(session, call)) wh_grpc_tell_call(session, call);
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) half_close(session, call);
  return 0;
}

int wh_grpc_release(struct wh_grpc_session *session, struct call *call) {
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
    wh_grpc_let_go(session, call);
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
  if (wh_grpc_hold_request(session, call, message, call->message_size, call->prefix[0] & 1)) return;
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
  struct call *call = wh_grpc_call(session, stream);
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
  wh_grpc_release(session, call);
  return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream, uint32_t error, void *owner) {
  struct wh_grpc_session *session = owner;
  struct call *call = wh_grpc_call(session, stream);
  if (!call) return 0;
  nghttp2_session_set_stream_user_data(http, stream, NULL);
  int untold = call->untold;
  wh_grpc_free_call(session, call);
  if (!session->closing && !untold) session->events.closed(session->events.owner, stream, error);
  return 0;
}

/* A request that could not be sent: its stream never was. */
static int on_frame_not_sent(nghttp2_session *http, const nghttp2_frame *frame, int error, void *owner) {
  (void)error;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  return on_stream_close(http, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM, owner);
}

void wh_grpc_set_receivers(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
}

int wh_grpc_taken(struct wh_grpc_session *session, int32_t stream) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->waiting == 0) return 0;
  call->waiting--;
  return wh_grpc_release(session, call);
}

int wh_grpc_receive(struct wh_grpc_session *session, const uint8_t *bytes, size_t length) {
  session->urgent = 0;
  ssize_t used = nghttp2_session_mem_recv(session->http, bytes, length);
  if (used < 0) return (int)used;
  return session->urgent || session->unsent > 0 || session->untold > UNTOLD_MAX;
}
