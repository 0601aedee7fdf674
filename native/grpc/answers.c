#define _GNU_SOURCE
#include "answers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 512 };

struct answer {
  struct answer *next;
  uint64_t hash;
  int64_t made_ms;
  unsigned topic;
  size_t key_length, length;
  uint8_t bytes[]; /* key, reply */
};

struct wh_answers {
  int owners;
  struct {
    char *text;
    unsigned topic;
  } paths[WH_ANSWERS_PATHS_MAX];
  int path_count;
  uint64_t generations[WH_ANSWERS_TOPICS_MAX];
  size_t count, bytes;
  struct answer *buckets[BUCKETS];
};

struct wh_answers *wh_answers_new(void) {
  struct wh_answers *answers = calloc(1, sizeof *answers);
  if (answers) answers->owners = 1;
  return answers;
}

struct wh_answers *wh_answers_share(struct wh_answers *answers) {
  answers->owners++;
  return answers;
}

/* Takes out what `link` leads to. */
static void drop(struct wh_answers *answers, struct answer **link) {
  struct answer *answer = *link;
  *link = answer->next;
  answers->count--;
  answers->bytes -= answer->key_length + answer->length;
  free(answer);
}

static void drop_all(struct wh_answers *answers) {
  for (int i = 0; i < BUCKETS; i++)
    while (answers->buckets[i]) drop(answers, &answers->buckets[i]);
}

void wh_answers_release(struct wh_answers *answers) {
  if (--answers->owners > 0) return;
  drop_all(answers);
  for (int i = 0; i < answers->path_count; i++) free(answers->paths[i].text);
  free(answers);
}

int wh_answers_add_path(struct wh_answers *answers, const char *path, unsigned topic) {
  int is_room = answers->path_count < WH_ANSWERS_PATHS_MAX && topic < WH_ANSWERS_TOPICS_MAX;
  char *copy = is_room ? strdup(path) : NULL;
  if (!copy) return -1;
  answers->paths[answers->path_count].text = copy;
  answers->paths[answers->path_count++].topic = topic;
  return 0;
}

int wh_answers_topic_of(const struct wh_answers *answers, const char *path) {
  for (int i = 0; i < answers->path_count; i++)
    if (strcmp(answers->paths[i].text, path) == 0) return (int)answers->paths[i].topic;
  return -1;
}

void wh_answers_forget(struct wh_answers *answers, unsigned topic) {
  if (topic >= WH_ANSWERS_TOPICS_MAX) return;
  answers->generations[topic]++;
  for (int i = 0; i < BUCKETS && answers->count > 0; i++) {
    for (struct answer **link = &answers->buckets[i]; *link;) {
      if ((*link)->topic == topic) drop(answers, link);
      else link = &(*link)->next;
    }
  }
}

uint64_t wh_answers_generation(const struct wh_answers *answers, unsigned topic) {
  return topic < WH_ANSWERS_TOPICS_MAX ? answers->generations[topic] : 0;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* FNV-1a. */
static uint64_t hash_of(const uint8_t *bytes, size_t length) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

static struct answer **find(struct wh_answers *answers, const void *key, size_t key_length, uint64_t hash) {
  struct answer **link = &answers->buckets[hash % BUCKETS];
  while (*link && !((*link)->hash == hash && (*link)->key_length == key_length && !memcmp((*link)->bytes, key, key_length)))
    link = &(*link)->next;
  return link;
}

const uint8_t *wh_answers_find(struct wh_answers *answers, const void *key, size_t key_length, size_t *length) {
  if (answers->count == 0) return NULL;
  struct answer *answer = *find(answers, key, key_length, hash_of(key, key_length));
  if (!answer || now_ms() - answer->made_ms > WH_ANSWERS_AGE_MAX) return NULL;
  *length = answer->length;
  return answer->bytes + answer->key_length;
}

void wh_answers_remember(struct wh_answers *answers, unsigned topic, const void *key, size_t key_length, const void *reply,
                         size_t length) {
  if (topic >= WH_ANSWERS_TOPICS_MAX || key_length > WH_ANSWERS_KEY_MAX || length > WH_ANSWERS_REPLY_MAX) return;
  uint64_t hash = hash_of(key, key_length);
  struct answer **former = find(answers, key, key_length, hash);
  if (*former) drop(answers, former);
  if (answers->count >= WH_ANSWERS_COUNT_MAX || answers->bytes + key_length + length > WH_ANSWERS_BYTES_MAX) drop_all(answers);
  struct answer *answer = malloc(sizeof *answer + key_length + length);
  if (!answer) return;
  struct answer **bucket = &answers->buckets[hash % BUCKETS];
  *answer = (struct answer){.next = *bucket, .hash = hash, .made_ms = now_ms(), .topic = topic, .key_length = key_length, .length = length};
  memcpy(answer->bytes, key, key_length);
  memcpy(answer->bytes + key_length, reply, length);
  *bucket = answer;
  answers->count++;
  answers->bytes += key_length + length;
}
