/*
 * Sessions against a client made of libnghttp2, and against bytes that no client would send. Built with the address and
 * undefined-behaviour sanitizers, which also find what is not freed.
 */
#define _GNU_SOURCE
#include "session.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 1 << 20, RECORD_MAX = 1 << 16, FUZZ_RUNS = 3000, UNTOLD = 60000 + 16384, BODY_MAX = 4 << 20 };

static int failures;

#define EXPECT(actual, expected)                                                                                       \
  do {                                                                                                                 \
    long got_ = (long)(actual), want_ = (long)(expected);                                                              \
    if (got_ != want_) {                                                                                               \
      fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #actual, got_, want_);                        \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

/* ---- a server that counts what it is told ---- */

struct server {
  struct wh_grpc_session *session;
  int calls, messages, compressed, too_large, half_closed, cut_off, sent, closed;
  size_t bytes; /* of all messages */
  int32_t last_stream;
  uint32_t last_error;
  int answering; /* what each half-closed call gets; 0 nothing */
  char seen[256];
};

static void on_call(void *owner, int32_t stream, const char *headers, size_t length) {
  struct server *server = owner;
  server->calls++;
  server->last_stream = stream;
  snprintf(server->seen, sizeof server->seen, "%.*s", (int)length, headers);
  for (size_t at = 0; at < length; at++)
    if (strcmp(headers + at, ":path") == 0) snprintf(server->seen, sizeof server->seen, "%s", headers + at + 6);
}

static void on_message(void *owner, int32_t stream, uint8_t *bytes, size_t length, int compressed) {
  struct server *server = owner;
  (void)stream;
  server->messages++;
  server->compressed += compressed;
  server->bytes += length;
  free(bytes);
}

static void on_too_large(void *owner, int32_t stream, size_t length) {
  struct server *server = owner;
  (void)stream;
  (void)length;
  server->too_large++;
}

static void on_half_closed(void *owner, int32_t stream, int whole) {
  struct server *server = owner;
  (void)stream;
  if (whole)
    server->half_closed++;
  else
    server->cut_off++;
}

static void on_sent(void *owner, int32_t stream, void *reply) {
  struct server *server = owner;
  (void)stream;
  (void)reply;
  server->sent++;
}

static void on_closed(void *owner, int32_t stream, uint32_t error) {
  struct server *server = owner;
  (void)stream;
  server->closed++;
  server->last_error = error;
}

static void open_server(struct server *server) {
  *server = (struct server){0};
  struct wh_grpc_events events = {server, on_call, on_message, on_too_large, on_half_closed, on_sent, on_closed};
  server->session = wh_grpc_open(&events, MESSAGE_MAX);
  if (!server->session) exit(1);
}

/* ---- a client ---- */

struct client {
  nghttp2_session *http;
  const uint8_t *body;
  size_t length, done;
  int half_close; /* when the body has gone */
  char status[64], http_status[64];
  size_t received;
  int closed;
  uint8_t *record; /* what it has sent */
  size_t recorded;
};

static int on_client_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                            const uint8_t *value, size_t value_length, uint8_t flags, void *owner) {
  (void)http, (void)frame, (void)flags, (void)value_length;
  struct client *client = owner;
  if (name_length == 11 && !memcmp(name, "grpc-status", 11)) snprintf(client->status, sizeof client->status, "%s", value);
  if (name_length == 7 && !memcmp(name, ":status", 7)) snprintf(client->http_status, sizeof client->http_status, "%s", value);
  return 0;
}

static int on_client_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length, void *owner) {
  (void)http, (void)flags, (void)stream, (void)bytes;
  ((struct client *)owner)->received += length;
  return 0;
}

static int on_client_close(nghttp2_session *http, int32_t stream, uint32_t error, void *owner) {
  (void)http, (void)stream, (void)error;
  ((struct client *)owner)->closed++;
  return 0;
}

static ssize_t read_request(nghttp2_session *http, int32_t stream, uint8_t *bytes, size_t length, uint32_t *flags,
                            nghttp2_data_source *source, void *owner) {
  (void)http, (void)stream, (void)source;
  struct client *client = owner;
  size_t part = client->length - client->done;
  if (part > length) part = length;
  memcpy(bytes, client->body + client->done, part);
  client->done += part;
  if (client->done == client->length) {
    if (!client->half_close) return part ? (ssize_t)part : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return (ssize_t)part;
}

static void open_client(struct client *client) {
  *client = (struct client){.half_close = 1, .record = malloc(RECORD_MAX)};
  nghttp2_session_callbacks *callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_client_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_client_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_client_close);
  nghttp2_session_client_new(&client->http, callbacks, client);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(client->http, 0, NULL, 0);
}

static void close_client(struct client *client) {
  nghttp2_session_del(client->http);
  free(client->record);
}

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0};
}

static int32_t begin_call(struct client *client, const char *path, const uint8_t *body, size_t length) {
  client->body = body;
  client->length = length;
  client->done = 0;
  client->received = 0;
  client->status[0] = '\0';
  nghttp2_nv fields[] = {field(":method", "POST"), field(":scheme", "http"), field(":path", path), field(":authority", "localhost"),
                         field("content-type", "application/grpc"), field("te", "trailers")};
  nghttp2_data_provider provider = {.read_callback = read_request};
  return nghttp2_submit_request(client->http, NULL, fields, sizeof fields / sizeof *fields, &provider, NULL);
}

/* Moves bytes in pieces of at most `piece` until both ends are silent. */
static void talk(struct client *client, struct server *server, size_t piece) {
  for (int moved = 1; moved;) {
    moved = 0;
    const uint8_t *bytes;
    for (ssize_t length; (length = nghttp2_session_mem_send(client->http, &bytes)) > 0; moved = 1) {
      if (client->recorded + (size_t)length <= RECORD_MAX) {
        memcpy(client->record + client->recorded, bytes, (size_t)length);
        client->recorded += (size_t)length;
      }
      for (size_t at = 0; at < (size_t)length; at += piece) {
        size_t part = (size_t)length - at < piece ? (size_t)length - at : piece;
        EXPECT(wh_grpc_receive(server->session, bytes + at, part) >= 0, 1);
      }
    }
    for (long length; (length = wh_grpc_take(server->session, 10000, &bytes)) > 0; moved = 1)
      EXPECT(nghttp2_session_mem_recv(client->http, bytes, (size_t)length), length);
  }
}

static void put_prefix(uint8_t *at, int compressed, size_t length) {
  at[0] = (uint8_t)compressed;
  at[1] = (uint8_t)(length >> 24), at[2] = (uint8_t)(length >> 16), at[3] = (uint8_t)(length >> 8), at[4] = (uint8_t)length;
}

/* ---- the cases ---- */

static void test_unary(size_t piece) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t body[5 + 100] = {0};
  put_prefix(body, 0, 100);
  for (int i = 1; i <= 3; i++) {
    int32_t stream = begin_call(&client, "/a.B/C", body, sizeof body);
    talk(&client, &server, piece);
    EXPECT(strcmp(server.seen, "/a.B/C"), 0);
    EXPECT(server.messages, i);
    EXPECT(server.half_closed, i);
    EXPECT(wh_grpc_reply(server.session, stream, "four", 4, NULL), 0);
    EXPECT(wh_grpc_finish(server.session, stream, 0, ""), 0);
    EXPECT(wh_grpc_finish(server.session, stream, 1, ""), 0);
    talk(&client, &server, piece);
    EXPECT(client.received, 9);
    EXPECT(strcmp(client.status, "0"), 0);
    EXPECT(client.closed, i);
    EXPECT(server.closed, i);
    EXPECT(server.sent, i);
    EXPECT(wh_grpc_reply(server.session, stream, "late", 4, NULL), 0);
    EXPECT(server.sent, i + 1);
    server.sent--;
  }
  EXPECT(wh_grpc_goaway(server.session), 0);
  talk(&client, &server, piece);
  EXPECT(wh_grpc_over(server.session), 1);
  wh_grpc_close(server.session);
  close_client(&client);
}

/* A status alone, an answer before the client has ended, an answer of plain HTTP. */
static void test_early(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t body[5] = {0};
  client.half_close = 0;
  int32_t stream = begin_call(&client, "/x", body, 3);
  talk(&client, &server, 1000);
  EXPECT(server.calls, 1);
  EXPECT(wh_grpc_finish(server.session, stream, 12, "no%20such"), 0);
  talk(&client, &server, 1000);
  EXPECT(strcmp(client.status, "12"), 0);
  EXPECT(client.closed, 1);
  EXPECT(server.closed, 1);
  stream = begin_call(&client, "/x", body, 5);
  talk(&client, &server, 1000);
  EXPECT(wh_grpc_refuse(server.session, stream, 415), 0);
  talk(&client, &server, 1000);
  EXPECT(strcmp(client.http_status, "415"), 0);
  close_client(&client);
  wh_grpc_close(server.session);
}

/* Headers, replies and the status each for themselves: the client has each when it is there. */
static void test_one_by_one(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t body[5] = {0};
  int32_t stream = begin_call(&client, "/x", body, 5);
  talk(&client, &server, 1000);
  EXPECT(wh_grpc_headers(server.session, stream), 0);
  talk(&client, &server, 1000);
  EXPECT(strcmp(client.http_status, "200"), 0);
  for (int i = 1; i <= 3; i++) {
    EXPECT(wh_grpc_reply(server.session, stream, "12345", 5, NULL), 0);
    talk(&client, &server, 1000);
    EXPECT(client.received, i * 10);
    EXPECT(server.sent, i);
  }
  EXPECT(client.closed, 0);
  EXPECT(wh_grpc_finish(server.session, stream, 0, ""), 0);
  talk(&client, &server, 1000);
  EXPECT(strcmp(client.status, "0"), 0);
  EXPECT(client.closed, 1);
  close_client(&client);
  wh_grpc_close(server.session);
}

/* What the client waits for is urgent; a ping is not, unless replies wait for the window that comes with it. */
static void test_urgency(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  const uint8_t *bytes;
  ssize_t length = nghttp2_session_mem_send(client.http, &bytes); /* the preface */
  EXPECT(wh_grpc_receive(server.session, bytes, (size_t)length), 0);
  length = nghttp2_session_mem_send(client.http, &bytes); /* the settings */
  EXPECT(wh_grpc_receive(server.session, bytes, (size_t)length), 1);
  talk(&client, &server, 1000);
  nghttp2_submit_ping(client.http, 0, NULL);
  length = nghttp2_session_mem_send(client.http, &bytes);
  EXPECT(wh_grpc_receive(server.session, bytes, (size_t)length), 0);
  EXPECT(wh_grpc_take(server.session, 1000, &bytes), 17);
  EXPECT(nghttp2_session_mem_recv(client.http, bytes, 17), 17);
  uint8_t body[5 + UNTOLD] = {0};
  put_prefix(body, 0, UNTOLD);
  int32_t stream = begin_call(&client, "/x", body, sizeof body);
  int urgent = 0, pieces = 0;
  for (; (length = nghttp2_session_mem_send(client.http, &bytes)) > 0; pieces++)
    urgent += wh_grpc_receive(server.session, bytes, (size_t)length);
  EXPECT(urgent > 0 && urgent < pieces, 1);
  talk(&client, &server, 1000);
  EXPECT(wh_grpc_reply(server.session, stream, body, sizeof body, NULL), 0);
  nghttp2_submit_ping(client.http, 0, NULL);
  length = nghttp2_session_mem_send(client.http, &bytes);
  EXPECT(wh_grpc_receive(server.session, bytes, (size_t)length), 1);
  close_client(&client);
  wh_grpc_close(server.session);
}

static void test_bad_requests(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t body[64] = {0};
  put_prefix(body, 1, 3);
  put_prefix(body + 8, 0, MESSAGE_MAX + 1);
  int32_t stream = begin_call(&client, "/x", body, sizeof body);
  talk(&client, &server, 7);
  EXPECT(server.compressed, 1);
  EXPECT(server.too_large, 1);
  EXPECT(server.half_closed + server.cut_off, 0);
  wh_grpc_finish(server.session, stream, 8, "");
  talk(&client, &server, 7);
  put_prefix(body, 0, 1000);
  begin_call(&client, "/x", body, sizeof body);
  talk(&client, &server, 7);
  EXPECT(server.cut_off, 1);
  nghttp2_submit_rst_stream(client.http, 0, server.last_stream, NGHTTP2_CANCEL);
  talk(&client, &server, 7);
  EXPECT(server.last_error, NGHTTP2_CANCEL);
  EXPECT(server.closed, 2);
  close_client(&client);
  wh_grpc_close(server.session);
}

/* A handler that takes nothing holds the client up; one that replies faster than it is read has its replies wait. */
static void test_flow(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t *body = calloc(1, BODY_MAX);
  size_t each = 512 * 1024;
  for (size_t at = 0; at < BODY_MAX; at += each) put_prefix(body + at, 0, each - 5);
  int32_t stream = begin_call(&client, "/x", body, BODY_MAX);
  talk(&client, &server, 1 << 20);
  EXPECT(server.messages >= WH_GRPC_WAITING_MAX && server.messages <= WH_GRPC_WAITING_MAX + 3, 1);
  while (server.half_closed == 0 && server.messages < 100) {
    int before = server.messages;
    int freed = 0;
    for (int i = 0; i < WH_GRPC_WAITING_MAX + 3; i++) freed += wh_grpc_taken(server.session, stream);
    EXPECT(freed, 1);
    talk(&client, &server, 1 << 20);
    if (server.messages == before && server.half_closed == 0) break;
  }
  EXPECT(server.half_closed, 1);
  EXPECT(server.bytes, BODY_MAX - 5 * (BODY_MAX / each));
  for (int i = 0; i < 8; i++) EXPECT(wh_grpc_reply(server.session, stream, body, each, NULL), 0);
  const uint8_t *bytes;
  long length = wh_grpc_take(server.session, 10000, &bytes);
  EXPECT(length >= 10000 && length < 10000 + 2 * 16384, 1);
  EXPECT(server.sent, 0);
  EXPECT(nghttp2_session_mem_recv(client.http, bytes, (size_t)length), length);
  talk(&client, &server, 1 << 20);
  EXPECT(server.sent, 8);
  EXPECT(client.received, 8 * (each + 5));
  /* Closed in the middle: replies that wait are told. */
  EXPECT(wh_grpc_reply(server.session, stream, body, each, NULL), 0);
  close_client(&client);
  wh_grpc_close(server.session);
  EXPECT(server.sent, 9);
  EXPECT(server.closed, 0);
  free(body);
}

static uint64_t state;

static uint32_t random_below(uint32_t limit) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % limit;
}

/* Bytes of a real client, some of them changed, in pieces of any size; the server answers and ends at any time. */
static void test_fuzz(void) {
  struct server server;
  struct client client;
  open_server(&server);
  open_client(&client);
  uint8_t body[5 + 300] = {0};
  put_prefix(body, 0, 300);
  for (int i = 0; i < 10; i++) {
    int32_t stream = begin_call(&client, "/a.B/C", body, sizeof body);
    talk(&client, &server, 1000);
    wh_grpc_reply(server.session, stream, body, 20, NULL);
    wh_grpc_finish(server.session, stream, 0, "");
    talk(&client, &server, 1000);
  }
  wh_grpc_close(server.session);
  uint8_t *bytes = malloc(client.recorded);
  for (int run = 0; run < FUZZ_RUNS; run++) {
    state = (uint64_t)run + 1;
    memcpy(bytes, client.record, client.recorded);
    for (uint32_t changes = random_below(8); changes > 0; changes--)
      bytes[NGHTTP2_CLIENT_MAGIC_LEN + random_below((uint32_t)client.recorded - NGHTTP2_CLIENT_MAGIC_LEN)] =
          (uint8_t)random_below(256);
    open_server(&server);
    int failed = 0;
    for (size_t at = 0; at < client.recorded && failed >= 0;) {
      size_t part = 1 + random_below(400);
      if (part > client.recorded - at) part = client.recorded - at;
      failed = wh_grpc_receive(server.session, bytes + at, part);
      at += part;
      int32_t stream = 1 + 2 * (int32_t)random_below(12);
      uint32_t what = random_below(6);
      if (what == 0) wh_grpc_reply(server.session, stream, body, 20, NULL);
      if (what == 1) wh_grpc_finish(server.session, stream, 5, "x");
      if (what == 2) wh_grpc_headers(server.session, stream);
      if (what == 3) wh_grpc_taken(server.session, stream);
      const uint8_t *out;
      if (what > 3) while (wh_grpc_take(server.session, 100, &out) > 0) continue;
    }
    wh_grpc_close(server.session);
  }
  free(bytes);
  close_client(&client);
}

int main(void) {
  test_unary(1);
  test_unary(1 << 20);
  test_early();
  test_one_by_one();
  test_urgency();
  test_bad_requests();
  test_flow();
  test_fuzz();
  if (failures == 0) puts("all well");
  return failures != 0;
}
