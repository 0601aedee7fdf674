/*
 * One side of a gRPC connection, without a socket and without JavaScript: bytes of the peer go in, calls and
 * messages come out by callbacks, and what is to be sent is taken when the socket has room. HTTP/2 itself (RFC 9113, HPACK,
 * flow control, pings, settings) is libnghttp2's; here are gRPC's messages, headers and trailers on top of it
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 *
 * Functions return 0 or more on success and a negative number on failure. A stream that is over is no error: what is sent to
 * it is dropped. For one thread at a time; callbacks must not call back into the session.
 */
#ifndef WHARFD_GRPC_SESSION_H
#define WHARFD_GRPC_SESSION_H

#include <stddef.h>
#include <stdint.h>

enum {
  /* Bytes of the request headers of one call. */
  WH_GRPC_HEADERS_MAX = 64 * 1024,
  /* Requests of one call that wait for their handler before the client has to wait, too. */
  WH_GRPC_WAITING_MAX = 4,
  /* Calls of one connection at a time. */
  WH_GRPC_CALLS_MAX = 10000,
};

struct wh_answers;
struct wh_grpc_session;

/*
 * What the session tells, in order. `owner` is the one given with them. The words are a server's: to a client its requests are what it
 * replies with, and a call "begins" with the headers and with the trailers of the response.
 */
struct wh_grpc_events {
  void *owner;
  /* A call begins: name NUL value NUL for each header, pseudo-headers first. */
  void (*call)(void *owner, int32_t stream, const char *headers, size_t length);
  /* A whole request; the bytes (from malloc) become the owner's. */
  void (*message)(void *owner, int32_t stream, uint8_t *bytes, size_t length, int compressed);
  /* A request of more bytes than the session takes: no further one of this call comes. */
  void (*too_large)(void *owner, int32_t stream, size_t length);
  /* No further request comes; `whole` is 0 when the last one was cut off. */
  void (*half_closed)(void *owner, int32_t stream, int whole);
  /* A reply has been taken to be sent; its bytes are no longer used. */
  void (*sent)(void *owner, int32_t stream, void *reply);
  /* The call is over, for whatever reason; 0 is none. */
  void (*closed)(void *owner, int32_t stream, uint32_t error);
};

/* A server's session. NULL when memory is short. */
struct wh_grpc_session *wh_grpc_open(const struct wh_grpc_events *events, size_t message_bytes_max);
/* A client's. */
struct wh_grpc_session *wh_grpc_connect(const struct wh_grpc_events *events, size_t message_bytes_max);
/* Some calls of the server's session are answered by what was answered before (answers.h). The session becomes an owner of it. */
void wh_grpc_use_answers(struct wh_grpc_session *session, struct wh_answers *answers);
/* Tells nothing more but `sent` of replies that wait. */
void wh_grpc_close(struct wh_grpc_session *session);

/*
 * Bytes of the client. Negative: the connection is beyond help; what is still to be sent says why. 1: the client waits for
 * what is to be sent now. 0: nothing is, or only what may wait a little for company, such as the answer to a ping.
 */
int wh_grpc_receive(struct wh_grpc_session *session, const uint8_t *bytes, size_t length);

/*
 * Copies up to about `length` bytes that are to be sent into a block that is the session's until the next call. Returns how
 * many there are; 0 when there is nothing to send now.
 */
long wh_grpc_take(struct wh_grpc_session *session, size_t length, const uint8_t **bytes);
/* The block of the last take becomes the caller's, who frees it. */
uint8_t *wh_grpc_keep(struct wh_grpc_session *session);
/* Nothing will come and nothing is to be sent any more. */
int wh_grpc_over(const struct wh_grpc_session *session);

/* The handler has taken a request of this call. 1: the client, which had to wait for that, may go on. */
int wh_grpc_taken(struct wh_grpc_session *session, int32_t stream);
/* Response headers, if they are not sent yet. */
int wh_grpc_headers(struct wh_grpc_session *session, int32_t stream);
/* A reply: the bytes stay as they are until `sent` is told with this `reply`, which happens in any case. */
int wh_grpc_reply(struct wh_grpc_session *session, int32_t stream, const void *bytes, size_t length, void *reply);
/* The only reply, of bytes that may change at once, and that all is well. Nobody is told when it has gone. */
int wh_grpc_answer(struct wh_grpc_session *session, int32_t stream, const void *bytes, size_t length);
/* The status, after all replies; `details` is percent-encoded already, "" for none. */
int wh_grpc_finish(struct wh_grpc_session *session, int32_t stream, unsigned status, const char *details);
/* An answer of plain HTTP, to what is no gRPC call. */
int wh_grpc_refuse(struct wh_grpc_session *session, int32_t stream, unsigned http_status);
/* No further calls are taken; those that run may end. */
int wh_grpc_goaway(struct wh_grpc_session *session);

/* ---- of a client ---- */

enum { WH_GRPC_FIELDS_MAX = 64 };

/* Begins a call: name NUL value NUL for each request header, pseudo-headers first. Returns its stream. Requests go by wh_grpc_reply. */
int32_t wh_grpc_begin(struct wh_grpc_session *session, const char *headers, size_t length);
/* No further request comes. */
int wh_grpc_end(struct wh_grpc_session *session, int32_t stream);
/* The client does not wait for the call any more. */
int wh_grpc_cancel(struct wh_grpc_session *session, int32_t stream);

#endif
