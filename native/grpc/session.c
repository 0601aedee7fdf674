/* A session from its opening to its end. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>

enum { STREAM_WINDOW = 1 << 20, CONNECTION_WINDOW = 4 << 20 };

struct call *wh_grpc_call(struct wh_grpc_session *session, int32_t stream) {
  if (!session->is_client) return nghttp2_session_get_stream_user_data(session->http, stream);
  /* There is no stream yet while its request waits to be sent. A client has few calls at a time. */
  struct call *call = session->calls;
  while (call && call->stream != stream) call = call->next;
  return call;
}

struct call *wh_grpc_new_call(struct wh_grpc_session *session) {
  struct call *call = calloc(1, sizeof *call);
  if (!call) return NULL;
  call->last = &call->first;
  call->next = session->calls;
  call->link = &session->calls;
  if (call->next) call->next->link = &call->next;
  session->calls = call;
  return call;
}

void wh_grpc_drop_reply(struct wh_grpc_session *session, struct call *call) {
  struct reply *reply = call->first;
  call->first = reply->next;
  if (!call->first) call->last = &call->first;
  session->unsent--;
  if (!reply->is_copy) session->events.sent(session->events.owner, call->stream, reply->token);
  free(reply);
}

void wh_grpc_free_call(struct wh_grpc_session *session, struct call *call) {
  while (call->first) wh_grpc_drop_reply(session, call);
  wh_grpc_drop_again(call);
  *call->link = call->next;
  if (call->next) call->next->link = call->link;
  free(call->headers);
  free(call->message);
  free(call->details);
  free(call);
}

int wh_grpc_goaway(struct wh_grpc_session *session) {
  wh_grpc_refuse_held(session); /* the owner, who ends the others, knows nothing of them */
  int32_t last = nghttp2_session_get_last_proc_stream_id(session->http);
  return nghttp2_submit_goaway(session->http, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

static nghttp2_session *new_http(struct wh_grpc_session *owner) {
  nghttp2_session_callbacks *callbacks = NULL;
  nghttp2_option *option = NULL;
  nghttp2_session *http = NULL;
  if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
    wh_grpc_set_receivers(callbacks);
    wh_grpc_set_senders(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    int failed = owner->is_client ? nghttp2_session_client_new2(&http, callbacks, owner, option)
                                  : nghttp2_session_server_new2(&http, callbacks, owner, option);
    if (failed) http = NULL;
  }
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
  return http;
}

static struct wh_grpc_session *open_session(const struct wh_grpc_events *events, size_t message_bytes_max, int is_client) {
  struct wh_grpc_session *session = calloc(1, sizeof *session);
  if (!session) return NULL;
  session->is_client = is_client;
  session->events = *events;
  session->message_bytes_max = message_bytes_max;
  session->http = new_http(session);
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, WH_GRPC_HEADERS_MAX},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, WH_GRPC_CALLS_MAX},
  };
  if (is_client) settings[2] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  if (session->http && !nghttp2_submit_settings(session->http, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) &&
      !nghttp2_session_set_local_window_size(session->http, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW))
    return session;
  wh_grpc_close(session);
  return NULL;
}

struct wh_grpc_session *wh_grpc_open(const struct wh_grpc_events *events, size_t message_bytes_max) {
  return open_session(events, message_bytes_max, 0);
}

struct wh_grpc_session *wh_grpc_connect(const struct wh_grpc_events *events, size_t message_bytes_max) {
  return open_session(events, message_bytes_max, 1);
}

void wh_grpc_use_answers(struct wh_grpc_session *session, struct wh_answers *answers) {
  session->answers = wh_answers_share(answers);
}

void wh_grpc_close(struct wh_grpc_session *session) {
  session->closing = 1;
  while (session->calls) {
    struct call *call = session->calls;
    if (session->http) nghttp2_session_set_stream_user_data(session->http, call->stream, NULL);
    wh_grpc_free_call(session, call);
  }
  nghttp2_session_del(session->http);
  if (session->answers) wh_answers_release(session->answers);
  free(session->out);
  free(session);
}
