/*
 * Sessions against a client made of libnghttp2, and against bytes that no client would send. Built with the address and
 * undefined-behaviour sanitizers, which also find what is not freed.
 */
#define _GNU_SOURCE
#include "answers.h"
#include "peers.h"

#include <stdlib.h>
#include <string.h>

enum { FUZZ_RUNS = 3000, UNTOLD = 60000 + 16384, BODY_MAX = 4 << 20 };

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
  struct wh_answers *answers = wh_answers_new();
  wh_answers_add_path(answers, "/a.B/C", 0);
  for (int run = 0; run < FUZZ_RUNS; run++) {
    state = (uint64_t)run + 1;
    memcpy(bytes, client.record, client.recorded);
    for (uint32_t changes = random_below(8); changes > 0; changes--)
      bytes[NGHTTP2_CLIENT_MAGIC_LEN + random_below((uint32_t)client.recorded - NGHTTP2_CLIENT_MAGIC_LEN)] =
          (uint8_t)random_below(256);
    open_server(&server);
    if (run % 2) wh_grpc_use_answers(server.session, answers);
    int failed = 0;
    for (size_t at = 0; at < client.recorded && failed >= 0;) {
      size_t part = 1 + random_below(400);
      if (part > client.recorded - at) part = client.recorded - at;
      failed = wh_grpc_receive(server.session, bytes + at, part);
      at += part;
      int32_t stream = 1 + 2 * (int32_t)random_below(12);
      uint32_t what = random_below(6);
      if (what == 0) wh_grpc_reply(server.session, stream, body, 20, NULL);
      if (what == 1) wh_grpc_finish(server.session, stream, 5 * random_below(2), "x");
      if (what == 2) wh_grpc_headers(server.session, stream);
      if (what == 3) wh_grpc_taken(server.session, stream);
      const uint8_t *out;
      if (what > 3) while (wh_grpc_take(server.session, 100, &out) > 0) continue;
    }
    wh_grpc_close(server.session);
  }
  free(bytes);
  wh_answers_release(answers);
  close_client(&client);
}

/* Gives one end what the other has to send, in pieces. Returns whether there was anything. */
static int pass_on(struct wh_grpc_session *from, struct wh_grpc_session *to, size_t piece) {
  const uint8_t *bytes;
  long length = wh_grpc_take(from, 1 << 20, &bytes);
  for (size_t at = 0; length > 0 && at < (size_t)length; at += piece) {
    size_t left = (size_t)length - at;
    EXPECT(wh_grpc_receive(to, bytes + at, left < piece ? left : piece) >= 0, 1);
  }
  return length > 0;
}

static void talk_both(struct wh_grpc_session *client, struct wh_grpc_session *server, size_t piece) {
  while (pass_on(client, server, piece) | pass_on(server, client, piece)) continue;
}

static const char HEADERS[] = ":method\0POST\0:scheme\0http\0:path\0/a.B/C\0:authority\0localhost\0te\0trailers";

/* Both ends are ours: the server counts, and so does what stands for a client. */
static void test_client(size_t piece) {
  struct server server, client;
  open_server(&server);
  connect_client(&client);
  for (int i = 1; i <= 3; i++) {
    int32_t stream = wh_grpc_begin(client.session, HEADERS, sizeof HEADERS);
    EXPECT(stream, 2 * i - 1);
    EXPECT(wh_grpc_reply(client.session, stream, "first", 5, NULL), 0);
    talk_both(client.session, server.session, piece);
    EXPECT(strcmp(server.seen, "/a.B/C"), 0);
    EXPECT(server.messages, 2 * i - 1);
    EXPECT(server.half_closed, i - 1);
    EXPECT(wh_grpc_reply(client.session, stream, "second", 6, NULL), 0);
    EXPECT(wh_grpc_end(client.session, stream), 0);
    talk_both(client.session, server.session, piece);
    EXPECT(server.messages, 2 * i);
    EXPECT(server.half_closed, i);
    EXPECT(client.sent, 2 * i);
    EXPECT(wh_grpc_reply(server.session, stream, "reply", 5, NULL), 0);
    EXPECT(wh_grpc_finish(server.session, stream, 3, "why"), 0);
    talk_both(client.session, server.session, piece);
    EXPECT(client.messages, i);
    EXPECT(client.calls, 2 * i); /* headers and trailers */
    EXPECT(memcmp(client.seen, "grpc-status", 11), 0);
    EXPECT(client.half_closed, i);
    EXPECT(client.closed, i);
    EXPECT(server.closed, i);
  }
  /* Cancelled before anything has gone, and after. */
  int32_t stream = wh_grpc_begin(client.session, HEADERS, sizeof HEADERS);
  EXPECT(wh_grpc_reply(client.session, stream, "first", 5, NULL), 0);
  EXPECT(wh_grpc_cancel(client.session, stream), 0);
  talk_both(client.session, server.session, piece);
  EXPECT(client.closed, 4);
  EXPECT(client.sent, 7);
  EXPECT(server.calls, 3);
  stream = wh_grpc_begin(client.session, HEADERS, sizeof HEADERS);
  talk_both(client.session, server.session, piece);
  EXPECT(server.calls, 4);
  EXPECT(wh_grpc_cancel(client.session, stream), 0);
  EXPECT(wh_grpc_cancel(client.session, stream), 0);
  talk_both(client.session, server.session, piece);
  EXPECT(client.closed, 5);
  EXPECT(server.closed, 4);
  EXPECT(wh_grpc_end(client.session, stream), 0);
  /* No headers, half of one, and a server that takes no more. */
  EXPECT(wh_grpc_begin(client.session, "", 0) < 0, 1);
  EXPECT(wh_grpc_begin(client.session, "name", 5) < 0, 1);
  EXPECT(wh_grpc_goaway(server.session), 0);
  talk_both(client.session, server.session, piece);
  stream = wh_grpc_begin(client.session, HEADERS, sizeof HEADERS);
  if (stream > 0) talk_both(client.session, server.session, piece);
  EXPECT(client.closed, stream > 0 ? 6 : 5);
  EXPECT(server.calls, 4);
  /* One that is under way when the client goes. */
  wh_grpc_close(client.session);
  wh_grpc_close(server.session);
}

/* A server that sends anything. */
static void test_client_fuzz(void) {
  uint8_t recorded[4096];
  size_t length = 0;
  struct server server, client;
  for (int run = -1; run < FUZZ_RUNS; run++) {
    state = (uint64_t)run + 2;
    connect_client(&client);
    int32_t stream = wh_grpc_begin(client.session, HEADERS, sizeof HEADERS);
    wh_grpc_reply(client.session, stream, "request", 7, NULL);
    const uint8_t *bytes;
    long taken = wh_grpc_take(client.session, 1 << 20, &bytes);
    if (run < 0) { /* What a good server answers. */
      open_server(&server);
      wh_grpc_receive(server.session, bytes, (size_t)taken);
      wh_grpc_reply(server.session, stream, "reply", 5, NULL);
      wh_grpc_finish(server.session, stream, 0, "");
      length = (size_t)wh_grpc_take(server.session, sizeof recorded, &bytes);
      memcpy(recorded, bytes, length);
      wh_grpc_close(server.session);
    } else {
      uint8_t changed[sizeof recorded];
      memcpy(changed, recorded, length);
      for (uint32_t changes = random_below(8); changes > 0; changes--)
        changed[random_below((uint32_t)length)] = (uint8_t)random_below(256);
      int failed = 0;
      for (size_t at = 0; at < length && failed >= 0;) {
        size_t part = 1 + random_below(60);
        if (part > length - at) part = length - at;
        failed = wh_grpc_receive(client.session, changed + at, part);
        at += part;
        uint32_t what = random_below(5);
        if (what == 0) wh_grpc_reply(client.session, stream, "more", 4, NULL);
        if (what == 1) wh_grpc_end(client.session, stream);
        if (what == 2) wh_grpc_cancel(client.session, stream);
        if (what == 3) wh_grpc_taken(client.session, stream);
        if (what == 4) while (wh_grpc_take(client.session, 100, &bytes) > 0) continue;
      }
    }
    wh_grpc_close(client.session);
  }
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
  test_client(1);
  test_client(1 << 20);
  test_client_fuzz();
  test_answers();
  if (failures == 0) puts("all well");
  return failures != 0;
}
