/* What goes out: headers, replies and the status of calls. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_HEAD = 9, STATUS_DIGITS = 12 };

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
  const struct wh_grpc_session *session = owner;
  struct call *call = source->ptr;
  size_t ready = 0;
  struct reply *reply = call->first;
  for (; reply && ready < length; reply = reply->next) ready += PREFIX + reply->length - reply->done;
  if (ready == 0 && !call->finished) {
    call->deferred = 1;
    return NGHTTP2_ERR_DEFERRED;
  }
  int is_last = ready <= length && !reply && call->finished;
  if (is_last && session->is_client) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (is_last) {
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
    if (reply->done == PREFIX + reply->length) wh_grpc_drop_reply(session, call);
  }
  return session->out_length < session->out_wanted ? 0 : NGHTTP2_ERR_PAUSE;
}

/* When the status has gone and the client still sends, it is told that nobody listens. */
static int on_frame_sent(nghttp2_session *http, const nghttp2_frame *frame, void *owner) {
  const struct wh_grpc_session *session = owner;
  if (session->is_client || frame->hd.type != NGHTTP2_HEADERS || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  struct call *call = wh_grpc_call(owner, frame->hd.stream_id);
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
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->opened) return 0;
  call->opened = 1;
  nghttp2_nv fields[] = {field(":status", "200"), field("content-type", "application/grpc"),
                         field("grpc-accept-encoding", "identity,gzip,deflate")};
  nghttp2_data_provider body = {.source = {.ptr = call}, .read_callback = read_body};
  return nghttp2_submit_response(session->http, stream, fields, sizeof fields / sizeof *fields, &body);
}

static int append_reply(struct wh_grpc_session *session, struct call *call, struct reply *reply) {
  size_t length = reply->length;
  uint8_t prefix[PREFIX] = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};
  memcpy(reply->prefix, prefix, PREFIX);
  *call->last = reply;
  call->last = &reply->next;
  session->unsent++;
  int failed = wh_grpc_headers(session, call->stream);
  return failed ? failed : wake(session, call);
}

int wh_grpc_reply(struct wh_grpc_session *session, int32_t stream, const void *bytes, size_t length, void *token) {
  struct call *call = wh_grpc_call(session, stream);
  struct reply *reply = call && !call->finished ? malloc(sizeof *reply) : NULL;
  if (!reply) {
    session->events.sent(session->events.owner, stream, token);
    return call && !call->finished ? NGHTTP2_ERR_NOMEM : 0;
  }
  *reply = (struct reply){.bytes = bytes, .length = length, .token = token};
  wh_grpc_note_reply(call, bytes, length);
  return append_reply(session, call, reply);
}

int wh_grpc_reply_with_copy(struct wh_grpc_session *session, struct call *call, const uint8_t *bytes, size_t length) {
  struct reply *reply = malloc(sizeof *reply + length);
  if (!reply) return NGHTTP2_ERR_NOMEM;
  uint8_t *copy = (uint8_t *)(reply + 1);
  *reply = (struct reply){.bytes = copy, .length = length, .is_copy = 1};
  if (length > 0) memcpy(copy, bytes, length);
  return append_reply(session, call, reply);
}

int wh_grpc_finish(struct wh_grpc_session *session, int32_t stream, unsigned status, const char *details) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->finished) return 0;
  wh_grpc_note_finish(session, call, status);
  call->status = status;
  call->details = strdup(details);
  if (!call->details) return NGHTTP2_ERR_NOMEM;
  call->finished = 1;
  call->deaf = 1;
  wh_grpc_release(session, call);
  if (call->opened) return wake(session, call);
  call->opened = 1;
  char digits[STATUS_DIGITS];
  nghttp2_nv fields[4] = {field(":status", "200"), field("content-type", "application/grpc")};
  size_t count = status_fields(call, fields + 2, digits);
  return nghttp2_submit_response(session->http, stream, fields, 2 + count, NULL);
}

int wh_grpc_answer(struct wh_grpc_session *session, int32_t stream, const void *bytes, size_t length) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->finished) return 0;
  wh_grpc_note_reply(call, bytes, length);
  int failed = wh_grpc_reply_with_copy(session, call, bytes, length);
  return failed ? failed : wh_grpc_finish(session, stream, 0, "");
}

int wh_grpc_refuse(struct wh_grpc_session *session, int32_t stream, unsigned http_status) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->opened) return 0;
  call->opened = call->finished = call->deaf = 1;
  wh_grpc_release(session, call);
  char digits[STATUS_DIGITS];
  snprintf(digits, sizeof digits, "%u", http_status);
  nghttp2_nv fields[] = {field(":status", digits)};
  return nghttp2_submit_response(session->http, stream, fields, 1, NULL);
}

/* Takes "name NUL value NUL…" apart. Returns how many fields there are, or -1. */
static int read_fields(const char *headers, size_t length, nghttp2_nv *fields) {
  int count = 0;
  if (length == 0 || headers[length - 1] != '\0') return -1;
  for (const char *at = headers, *end = headers + length; at < end; count++) {
    const char *value = at + strlen(at) + 1;
    if (count == WH_GRPC_FIELDS_MAX || value >= end) return -1;
    fields[count] = field(at, value);
    at = value + strlen(value) + 1;
  }
  return count;
}

int32_t wh_grpc_begin(struct wh_grpc_session *session, const char *headers, size_t length) {
  nghttp2_nv fields[WH_GRPC_FIELDS_MAX];
  int count = read_fields(headers, length, fields);
  if (count < 0) return NGHTTP2_ERR_INVALID_ARGUMENT;
  struct call *call = wh_grpc_new_call(session);
  if (!call) return NGHTTP2_ERR_NOMEM;
  call->opened = 1;
  nghttp2_data_provider body = {.source = {.ptr = call}, .read_callback = read_body};
  call->stream = nghttp2_submit_request(session->http, NULL, fields, (size_t)count, &body, NULL);
  int32_t stream = call->stream;
  if (stream < 0) wh_grpc_free_call(session, call);
  return stream;
}

int wh_grpc_end(struct wh_grpc_session *session, int32_t stream) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call || call->finished) return 0;
  call->finished = 1;
  return wake(session, call);
}

int wh_grpc_cancel(struct wh_grpc_session *session, int32_t stream) {
  struct call *call = wh_grpc_call(session, stream);
  if (!call) return 0;
  call->finished = call->deaf = 1;
  wh_grpc_release(session, call);
  return nghttp2_submit_rst_stream(session->http, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void wh_grpc_set_senders(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, send_body);
}
