/*
 * Calls that may be answered again (answers.h). Such a call is held, untold, until its request is whole: nobody could begin with it before.
 * Then it is either answered or told to the owner as any other, and what the owner answers is remembered.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* What a call has to have for that. */
struct again {
  int held;
  unsigned topic;
  uint8_t *request; /* that came while it was held */
  size_t request_length;
  uint8_t *key; /* the length of the headers that count, these headers, request */
  size_t key_length;
  uint64_t generation;
  uint8_t *reply; /* the only one so far */
  size_t reply_length;
};

/* Its answer is not looked up, nor remembered, from here on. */
void wh_grpc_drop_again(struct call *call) {
  struct again *again = call->again;
  if (!again) return;
  call->again = NULL;
  free(again->request);
  free(again->key);
  free(again->reply);
  free(again);
}

/* Goes on to the next header; at first *name is NULL. Whether there is one. */
static int next_header(const struct call *call, const char **name, const char **value) {
  const char *end = call->headers + call->headers_length;
  *name = *name ? *value + strlen(*value) + 1 : call->headers;
  if (!*name || *name >= end) return 0;
  *value = *name + strlen(*name) + 1;
  return *value < end;
}

static const char *path_of(const struct call *call) {
  const char *name = NULL, *value;
  while (next_header(call, &name, &value))
    if (strcmp(name, ":path") == 0) return value;
  return "";
}

/*
 * What is read is the same whatever these say: a client's deadline, what it traces, and the lease under which it will write something. They
 * differ from call to call, or from one run of a client to the next.
 */
static int counts(const char *name) {
  static const char *const passing[] = {"grpc-timeout", "containerd-lease", "traceparent", "tracestate"};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    if (strcmp(name, passing[i]) == 0) return 0;
  return 1;
}

int wh_grpc_hold(struct wh_grpc_session *session, struct call *call) {
  if (!session->answers || call->headers_length == 0 || call->headers_length > WH_ANSWERS_KEY_MAX) return 0;
  int topic = wh_answers_topic_of(session->answers, path_of(call));
  if (topic < 0) return 0;
  call->again = calloc(1, sizeof *call->again);
  if (!call->again) return 0;
  call->again->topic = (unsigned)topic;
  call->again->held = call->untold = 1;
  return 1;
}

/* The owner has to answer it. */
static void tell(struct wh_grpc_session *session, struct call *call) {
  struct again *again = call->again;
  uint8_t *request = again->request;
  again->held = call->untold = 0;
  again->request = NULL;
  wh_grpc_tell_call(session, call);
  if (!request) return;
  call->waiting++;
  session->events.message(session->events.owner, call->stream, request, again->request_length, 0);
}

void wh_grpc_let_go(struct wh_grpc_session *session, struct call *call) {
  if (!call->again || !call->again->held) return;
  tell(session, call);
  wh_grpc_drop_again(call);
}

void wh_grpc_refuse_held(struct wh_grpc_session *session) {
  for (struct call *call = session->calls; call; call = call->next)
    if (call->again && call->again->held)
      nghttp2_submit_rst_stream(session->http, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_REFUSED_STREAM);
}

int wh_grpc_hold_request(struct wh_grpc_session *session, struct call *call, uint8_t *request, size_t length, int compressed) {
  struct again *again = call->again;
  if (!again || !again->held) return 0;
  if (again->request || compressed || length > WH_ANSWERS_KEY_MAX) {
    wh_grpc_let_go(session, call);
    return 0;
  }
  again->request = request;
  again->request_length = length;
  return 1;
}

/* 0, or -1 when memory is short or it is too long. */
static int make_key(struct call *call) {
  struct again *again = call->again;
  uint32_t headers_length = 0;
  size_t room = sizeof headers_length + call->headers_length + again->request_length;
  again->key = room <= WH_ANSWERS_KEY_MAX ? malloc(room) : NULL;
  if (!again->key) return -1;
  uint8_t *headers = again->key + sizeof headers_length;
  const char *name = NULL, *value;
  while (next_header(call, &name, &value)) {
    size_t length = (size_t)(value - name) + strlen(value) + 1;
    if (!counts(name)) continue;
    memcpy(headers + headers_length, name, length);
    headers_length += (uint32_t)length;
  }
  memcpy(again->key, &headers_length, sizeof headers_length);
  memcpy(headers + headers_length, again->request, again->request_length);
  again->key_length = sizeof headers_length + headers_length + again->request_length;
  return 0;
}

int wh_grpc_answer_again(struct wh_grpc_session *session, struct call *call, int whole) {
  struct again *again = call->again;
  if (!again || !again->held) return 0;
  if (!whole || !again->request || make_key(call)) {
    wh_grpc_let_go(session, call);
    return 0;
  }
  size_t length = 0;
  const uint8_t *reply = wh_answers_find(session->answers, again->key, again->key_length, &length);
  if (!reply) {
    again->generation = wh_answers_generation(session->answers, again->topic);
    tell(session, call);
    return 0;
  }
  wh_grpc_drop_again(call);
  if (wh_grpc_reply_with_copy(session, call, reply, length) || wh_grpc_finish(session, call->stream, 0, ""))
    nghttp2_submit_rst_stream(session->http, NGHTTP2_FLAG_NONE, call->stream, NGHTTP2_INTERNAL_ERROR);
  return 1;
}

void wh_grpc_note_reply(struct call *call, const void *bytes, size_t length) {
  struct again *again = call->again;
  if (!again) return;
  uint8_t *copy = again->reply || length > WH_ANSWERS_REPLY_MAX ? NULL : malloc(length + 1);
  if (!copy) {
    wh_grpc_drop_again(call);
    return;
  }
  if (length > 0) memcpy(copy, bytes, length);
  again->reply = copy;
  again->reply_length = length;
}

void wh_grpc_note_finish(struct wh_grpc_session *session, struct call *call, unsigned status) {
  struct again *again = call->again;
  if (!again) return;
  int is_current = again->generation == wh_answers_generation(session->answers, again->topic);
  if (status == 0 && again->reply && again->key && is_current)
    wh_answers_remember(session->answers, again->topic, again->key, again->key_length, again->reply, again->reply_length);
  wh_grpc_drop_again(call);
}
