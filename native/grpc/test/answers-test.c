/* Calls that are answered again, and those that are not. */
#define _GNU_SOURCE
#include "answers.h"
#include "peers.h"

#include <stdlib.h>
#include <string.h>

enum { ALL = 1 << 20 };

struct pair {
  struct wh_answers *answers;
  struct server server;
  struct client client;
};

static void open_pair(struct pair *pair) {
  pair->answers = wh_answers_new();
  EXPECT(wh_answers_add_path(pair->answers, "/a.B/C", 1), 0);
  open_server(&pair->server);
  wh_grpc_use_answers(pair->server.session, pair->answers);
  open_client(&pair->client);
}

static void close_pair(struct pair *pair) {
  close_client(&pair->client);
  wh_answers_release(pair->answers); /* the session is the last owner */
  wh_grpc_close(pair->server.session);
}

/* One call with a request of one byte. Returns its stream if the owner was told of it, 0 if it was answered. */
static int32_t ask(struct pair *pair, const char *path, char request, size_t piece) {
  uint8_t body[6] = {0, 0, 0, 0, 1, (uint8_t)request};
  int calls = pair->server.calls, messages = pair->server.messages, half_closed = pair->server.half_closed;
  int32_t stream = begin_call(&pair->client, path, body, sizeof body);
  talk(&pair->client, &pair->server, piece);
  int told = pair->server.calls - calls;
  EXPECT(pair->server.messages - messages, told);
  EXPECT(pair->server.half_closed - half_closed, told);
  return told ? stream : 0;
}

static void reply(struct pair *pair, int32_t stream, const char *text, int times, unsigned status) {
  while (times-- > 0) EXPECT(wh_grpc_reply(pair->server.session, stream, text, strlen(text), NULL), 0);
  EXPECT(wh_grpc_finish(pair->server.session, stream, status, ""), 0);
  talk(&pair->client, &pair->server, ALL);
}

static void test_again(void) {
  struct pair pair;
  open_pair(&pair);
  reply(&pair, ask(&pair, "/a.B/C", 'x', ALL), "four", 1, 0);
  int told = pair.server.closed, sent = pair.server.sent;
  for (int i = 0; i < 3; i++) {
    EXPECT(ask(&pair, "/a.B/C", 'x', ALL), 0);
    EXPECT(pair.client.received, 9);
    EXPECT(strcmp(pair.client.status, "0"), 0);
    EXPECT(pair.client.closed, i + 2);
  }
  EXPECT(pair.server.closed, told);
  EXPECT(pair.server.sent, sent);
  EXPECT(ask(&pair, "/a.B/C", 'y', ALL) != 0, 1);
  EXPECT(ask(&pair, "/a.B/D", 'x', ALL) != 0, 1);
  reply(&pair, ask(&pair, "/a.B/C", 'z', 1), "four", 1, 0);
  EXPECT(ask(&pair, "/a.B/C", 'z', 1), 0);
  close_pair(&pair);
}

/* The reply is the same whatever some headers say, and another one with others. */
static void test_headers(void) {
  struct pair pair;
  open_pair(&pair);
  reply(&pair, ask(&pair, "/a.B/C", 'x', ALL), "four", 1, 0);
  const char *const passing[] = {"grpc-timeout", "containerd-lease", "traceparent", "tracestate"};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
    pair.client.header = passing[i];
    pair.client.value = "1S";
    EXPECT(ask(&pair, "/a.B/C", 'x', ALL), 0);
    EXPECT(pair.client.received, 9);
  }
  pair.client.header = "containerd-namespace";
  pair.client.value = "a";
  reply(&pair, ask(&pair, "/a.B/C", 'x', ALL), "a's", 1, 0);
  EXPECT(ask(&pair, "/a.B/C", 'x', ALL), 0);
  EXPECT(pair.client.received, 8);
  pair.client.value = "b";
  EXPECT(ask(&pair, "/a.B/C", 'x', ALL) != 0, 1);
  close_pair(&pair);
}

/* The owner answers at once. */
static void test_short_answers(void) {
  struct pair pair;
  open_pair(&pair);
  int32_t stream = ask(&pair, "/a.B/C", 'x', ALL);
  char bytes[] = "bytes";
  EXPECT(wh_grpc_answer(pair.server.session, stream, bytes, 5), 0);
  EXPECT(wh_grpc_answer(pair.server.session, stream, bytes, 5), 0); /* it has been answered */
  memset(bytes, 'x', sizeof bytes);
  talk(&pair.client, &pair.server, ALL);
  EXPECT(pair.client.received, 10);
  EXPECT(strcmp(pair.client.status, "0"), 0);
  EXPECT(pair.server.sent, 0);
  EXPECT(pair.server.closed, 1);
  EXPECT(ask(&pair, "/a.B/C", 'x', ALL), 0);
  EXPECT(pair.client.received, 10);
  stream = ask(&pair, "/a.B/D", 'x', ALL);
  EXPECT(wh_grpc_answer(pair.server.session, stream, "", 0), 0);
  talk(&pair.client, &pair.server, ALL);
  EXPECT(pair.client.received, 5);
  EXPECT(wh_grpc_answer(pair.server.session, stream, bytes, 5), 0); /* it is over */
  close_pair(&pair);
}

static void test_not_again(void) {
  struct pair pair;
  open_pair(&pair);
  reply(&pair, ask(&pair, "/a.B/D", 'x', ALL), "other path", 1, 0);
  EXPECT(ask(&pair, "/a.B/D", 'x', ALL) != 0, 1);
  reply(&pair, ask(&pair, "/a.B/C", '1', ALL), "several", 2, 0);
  EXPECT(ask(&pair, "/a.B/C", '1', ALL) != 0, 1);
  reply(&pair, ask(&pair, "/a.B/C", '2', ALL), "error", 1, 5);
  EXPECT(ask(&pair, "/a.B/C", '2', ALL) != 0, 1);
  reply(&pair, ask(&pair, "/a.B/C", '3', ALL), "", 0, 0);
  EXPECT(ask(&pair, "/a.B/C", '3', ALL) != 0, 1);
  char *large = malloc(WH_ANSWERS_REPLY_MAX + 2);
  memset(large, 'l', WH_ANSWERS_REPLY_MAX + 1);
  large[WH_ANSWERS_REPLY_MAX + 1] = '\0';
  reply(&pair, ask(&pair, "/a.B/C", '4', ALL), large, 1, 0);
  EXPECT(ask(&pair, "/a.B/C", '4', ALL) != 0, 1);
  large[WH_ANSWERS_REPLY_MAX] = '\0';
  reply(&pair, ask(&pair, "/a.B/C", '5', ALL), large, 1, 0);
  EXPECT(ask(&pair, "/a.B/C", '5', ALL), 0);
  EXPECT(pair.client.received, 5 + WH_ANSWERS_REPLY_MAX);
  free(large);
  close_pair(&pair);
}

static void test_forget(void) {
  struct pair pair;
  open_pair(&pair);
  reply(&pair, ask(&pair, "/a.B/C", 'x', ALL), "before", 1, 0);
  wh_answers_forget(pair.answers, 1);
  int32_t stream = ask(&pair, "/a.B/C", 'x', ALL);
  EXPECT(stream != 0, 1);
  wh_answers_forget(pair.answers, 1); /* what is answered now was read before */
  reply(&pair, stream, "stale by now", 1, 0);
  reply(&pair, ask(&pair, "/a.B/C", 'x', ALL), "fresh", 1, 0);
  EXPECT(ask(&pair, "/a.B/C", 'x', ALL), 0);
  EXPECT(pair.client.received, 10);
  close_pair(&pair);
}

/* Each topic is forgotten for itself, and what is of none is not kept. */
static void test_topics(void) {
  struct wh_answers *answers = wh_answers_new();
  size_t length = 0;
  EXPECT(wh_answers_add_path(answers, "/a", 0), 0);
  EXPECT(wh_answers_add_path(answers, "/b", 1), 0);
  EXPECT(wh_answers_add_path(answers, "/c", WH_ANSWERS_TOPICS_MAX) < 0, 1);
  EXPECT(wh_answers_topic_of(answers, "/b"), 1);
  EXPECT(wh_answers_topic_of(answers, "/c") < 0, 1);
  for (int i = 0; i < 1000; i++) wh_answers_remember(answers, (unsigned)i % 2, &i, sizeof i, "reply", 5);
  wh_answers_forget(answers, 1);
  wh_answers_forget(answers, WH_ANSWERS_TOPICS_MAX);
  for (int i = 0; i < 1000; i++) EXPECT(wh_answers_find(answers, &i, sizeof i, &length) != NULL, i % 2 == 0);
  EXPECT(wh_answers_generation(answers, 0), 0);
  EXPECT(wh_answers_generation(answers, 1), 1);
  wh_answers_remember(answers, WH_ANSWERS_TOPICS_MAX, "x", 1, "reply", 5);
  EXPECT(wh_answers_find(answers, "x", 1, &length) == NULL, 1);
  wh_answers_release(answers);
}

static int32_t begin_with(struct pair *pair, const uint8_t *body, size_t length) {
  int32_t stream = begin_call(&pair->client, "/a.B/C", body, length);
  talk(&pair->client, &pair->server, ALL);
  return stream;
}

/* A request within which the client half-closes, two of them, one too large, one compressed, and one whose call is given up. */
static void test_odd_requests(void) {
  struct pair pair;
  open_pair(&pair);
  const uint8_t cut[] = {0, 0, 0, 0, 9, 'x'}, two[] = {0, 0, 0, 0, 1, 'x', 0, 0, 0, 0, 1, 'x'};
  const uint8_t large[] = {0, 0xff, 0, 0, 0, 'x'}, packed[] = {1, 0, 0, 0, 1, 'x'};
  begin_with(&pair, cut, sizeof cut);
  EXPECT(pair.server.cut_off, 1);
  begin_with(&pair, two, sizeof two);
  EXPECT(pair.server.messages, 2);
  EXPECT(pair.server.half_closed, 1);
  begin_with(&pair, large, sizeof large);
  EXPECT(pair.server.too_large, 1);
  begin_with(&pair, packed, sizeof packed);
  EXPECT(pair.server.compressed, 1);
  EXPECT(pair.server.calls, 4);
  pair.client.half_close = 0;
  int32_t stream = begin_with(&pair, two, 6);
  nghttp2_submit_rst_stream(pair.client.http, 0, stream, NGHTTP2_CANCEL);
  talk(&pair.client, &pair.server, ALL);
  EXPECT(pair.server.calls, 4);
  EXPECT(pair.server.closed, 0);
  close_pair(&pair);
}

/* A call that is held when the server takes no more, and one that is told. */
static void test_goaway(void) {
  struct pair pair;
  open_pair(&pair);
  const uint8_t request[] = {0, 0, 0, 0, 1, 'x'};
  int32_t told = ask(&pair, "/a.B/C", 'y', ALL);
  pair.client.half_close = 0;
  begin_with(&pair, request, sizeof request);
  EXPECT(pair.server.calls, 1);
  EXPECT(wh_grpc_goaway(pair.server.session), 0);
  talk(&pair.client, &pair.server, ALL);
  EXPECT(pair.client.closed, 1);
  EXPECT(pair.server.closed, 0);
  EXPECT(wh_grpc_over(pair.server.session), 0);
  reply(&pair, told, "last", 1, 0);
  EXPECT(pair.client.closed, 2);
  EXPECT(wh_grpc_over(pair.server.session), 1);
  close_pair(&pair);
}

static void test_table(void) {
  struct wh_answers *answers = wh_answers_new();
  size_t length = 0;
  for (int i = 0; i < WH_ANSWERS_PATHS_MAX; i++) EXPECT(wh_answers_add_path(answers, "/p", 0), 0);
  EXPECT(wh_answers_add_path(answers, "/p", 0) < 0, 1);
  for (int i = 0; i < 3 * WH_ANSWERS_COUNT_MAX; i++) {
    wh_answers_remember(answers, 0, &i, sizeof i, "reply", 5);
    wh_answers_remember(answers, 0, &i, sizeof i, "later", 6);
    const uint8_t *found = wh_answers_find(answers, &i, sizeof i, &length);
    EXPECT(found && length == 6 && !memcmp(found, "later", 6), 1);
  }
  int last = 3 * WH_ANSWERS_COUNT_MAX - 1, first = 0;
  EXPECT(wh_answers_find(answers, &last, sizeof last, &length) != NULL, 1);
  EXPECT(wh_answers_find(answers, &first, sizeof first, &length) == NULL, 1);
  char *large = calloc(1, WH_ANSWERS_REPLY_MAX);
  for (int i = 0; i < 2 * WH_ANSWERS_BYTES_MAX / WH_ANSWERS_REPLY_MAX; i++)
    wh_answers_remember(answers, 0, &i, sizeof i, large, WH_ANSWERS_REPLY_MAX);
  EXPECT(wh_answers_find(answers, &first, sizeof first, &length) == NULL, 1);
  free(large);
  wh_answers_release(answers);
}

void test_answers(void) {
  test_again();
  test_headers();
  test_short_answers();
  test_not_again();
  test_forget();
  test_odd_requests();
  test_goaway();
  test_topics();
  test_table();
}
