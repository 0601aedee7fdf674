/* Both ends of a connection, for the tests: a server that counts what it is told, and a client. */
#ifndef WHARFD_GRPC_PEERS_H
#define WHARFD_GRPC_PEERS_H

#include "session.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

enum { MESSAGE_MAX = 1 << 20, RECORD_MAX = 1 << 16 };

extern int failures;

#define EXPECT(actual, expected)                                                                                       \
  do {                                                                                                                 \
    long got_ = (long)(actual), want_ = (long)(expected);                                                              \
    if (got_ != want_) {                                                                                               \
      fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #actual, got_, want_);                        \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

struct server {
  struct wh_grpc_session *session;
  int calls, messages, compressed, too_large, half_closed, cut_off, sent, closed;
  size_t bytes; /* of all messages */
  int32_t last_stream;
  uint32_t last_error;
  int answering; /* what each half-closed call gets; 0 nothing */
  char seen[256];
};

struct client {
  nghttp2_session *http;
  const uint8_t *body;
  size_t length, done;
  int half_close; /* when the body has gone */
  const char *header, *value; /* one more of each call; NULL for none */
  char status[64], http_status[64];
  size_t received;
  int closed;
  uint8_t *record; /* what it has sent */
  size_t recorded;
};

void open_server(struct server *server);
/* A client's session of ours, which counts in the same way. */
void connect_client(struct server *client);
void open_client(struct client *client);
void close_client(struct client *client);
int32_t begin_call(struct client *client, const char *path, const uint8_t *body, size_t length);
/* Moves bytes in pieces of at most `piece` until both ends are silent. */
void talk(struct client *client, struct server *server, size_t piece);
/* The five bytes before a message. */
void put_prefix(uint8_t *at, int compressed, size_t length);

/* answers-test.c */
void test_answers(void);

#endif
