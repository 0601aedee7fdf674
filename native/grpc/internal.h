/* What the halves of a session share. */
#ifndef WHARFD_GRPC_INTERNAL_H
#define WHARFD_GRPC_INTERNAL_H

#include "answers.h"
#include "session.h"

#include <nghttp2/nghttp2.h>

/* Before a message: one byte tells whether it is compressed, four its length. */
enum { PREFIX = 5 };

/* A reply that waits to be sent. */
struct reply {
  struct reply *next;
  const uint8_t *bytes;
  size_t length, done; /* without and with the prefix */
  void *token;
  int is_copy; /* nobody is told when it has gone */
  uint8_t prefix[PREFIX];
};

struct again;

struct call {
  struct call *next, **link; /* among those of the session */
  int32_t stream;

  char *headers;
  size_t headers_length, headers_room;

  uint8_t prefix[PREFIX];
  size_t prefix_length;
  uint8_t *message; /* NULL between messages */
  size_t message_length, message_room, message_size;
  struct again *again; /* for calls that may be answered again */
  int untold;          /* the owner knows nothing of it */

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
  int is_client;
  struct wh_grpc_events events;
  size_t message_bytes_max;
  struct call *calls;
  struct wh_answers *answers; /* NULL for none */
  uint8_t *out;
  size_t out_length, out_room, out_wanted;
  size_t unsent; /* replies */
  size_t untold; /* bytes that came since the last take */
  int urgent;    /* the client waits for what is to be sent */
  int closing;
};

/* session.c */
/* A new call, without a stream; NULL when memory is short. */
struct call *wh_grpc_new_call(struct wh_grpc_session *session);
/* NULL when the stream is over. */
struct call *wh_grpc_call(struct wh_grpc_session *session, int32_t stream);
/* The first reply of the call has gone, or never will. */
void wh_grpc_drop_reply(struct wh_grpc_session *session, struct call *call);
void wh_grpc_free_call(struct wh_grpc_session *session, struct call *call);

/* receive.c */
/* Tells the owner of the call by its headers, which are gone then. */
void wh_grpc_tell_call(struct wh_grpc_session *session, struct call *call);
/* Gives the client new window for what it has sent, unless it is ahead of the handler. Whether it did. */
int wh_grpc_release(struct wh_grpc_session *session, struct call *call);
void wh_grpc_set_receivers(nghttp2_session_callbacks *callbacks);

/* send.c */
/* As wh_grpc_reply, of bytes that may change at once; the owner does not hear of it. */
int wh_grpc_reply_with_copy(struct wh_grpc_session *session, struct call *call, const uint8_t *bytes, size_t length);
void wh_grpc_set_senders(nghttp2_session_callbacks *callbacks);

/* again.c */
/* The headers of the call are there: whether it is held. */
int wh_grpc_hold(struct wh_grpc_session *session, struct call *call);
/* Whether the call is held, and keeps the request. */
int wh_grpc_hold_request(struct wh_grpc_session *session, struct call *call, uint8_t *request, size_t length, int compressed);
/* No further request comes: whether the call is answered. Otherwise it is told. */
int wh_grpc_answer_again(struct wh_grpc_session *session, struct call *call, int whole);
/* Tells of the call if it is held. */
void wh_grpc_let_go(struct wh_grpc_session *session, struct call *call);
/* Nobody will answer the calls that are held now. */
void wh_grpc_refuse_held(struct wh_grpc_session *session);
/* The owner replies, and ends the call. */
void wh_grpc_note_reply(struct call *call, const void *bytes, size_t length);
void wh_grpc_note_finish(struct wh_grpc_session *session, struct call *call, unsigned status);
/* Its answer is neither looked up nor remembered from here on. */
void wh_grpc_drop_again(struct call *call);

#endif
