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
  uint8_t *request; /* that came while it was held */
  size_t request_length;
  uint8_t *key; /* the length of the headers, headers, request */
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

static const char *path_of(const struct call *call) {
  const char *end = call->headers + call->headers_length;
  for (const char *name = call->headers; name && name < end;) {
    const char *value = name + strlen(name) + 1;
    if (value >= end) break;
    if (strcmp(name, ":path") == 0) return value;
    name = value + strlen(value) + 1;
  }
  return "";
}

int wh_grpc_hold(struct wh_grpc_session *session, struct call *call) {
  if (!session->answers || call->headers_length == 0 || call->headers_length > WH_ANSWERS_KEY_MAX) return 0;
  if (!wh_answers_has_path(session->answers, path_of(call))) return 0;
  call->again = calloc(1, sizeof *call->again);
  if (!call->again) return 0;
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
  uint32_t headers_length = (uint32_t)call->headers_length;
  again->key_length = sizeof headers_length + headers_length + again->request_length;
  again->key = again->key_length <= WH_ANSWERS_KEY_MAX ? malloc(again->key_length) : NULL;
  if (!again->key) return -1;
  memcpy(again->key, &headers_length, sizeof headers_length);
  memcpy(again->key + sizeof headers_length, call->headers, headers_length);
  memcpy(again->key + sizeof headers_length + headers_length, again->request, again->request_length);
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
    again->generation = wh_answers_generation(session->answers);
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
  if (status == 0 && again->reply && again->key && again->generation == wh_answers_generation(session->answers))
    wh_answers_remember(session->answers, again->key, again->key_length, again->reply, again->reply_length);
  wh_grpc_drop_again(call);
}
