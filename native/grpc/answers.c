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
  size_t key_length, length;
  uint8_t bytes[]; /* key, reply */
};

struct wh_answers {
  int owners;
  char *paths[WH_ANSWERS_PATHS_MAX];
  int path_count;
  uint64_t generation;
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

void wh_answers_release(struct wh_answers *answers) {
  if (--answers->owners > 0) return;
  wh_answers_forget(answers);
  for (int i = 0; i < answers->path_count; i++) free(answers->paths[i]);
  free(answers);
}

int wh_answers_add_path(struct wh_answers *answers, const char *path) {
  char *copy = answers->path_count < WH_ANSWERS_PATHS_MAX ? strdup(path) : NULL;
  if (!copy) return -1;
  answers->paths[answers->path_count++] = copy;
  return 0;
}

int wh_answers_has_path(const struct wh_answers *answers, const char *path) {
  for (int i = 0; i < answers->path_count; i++)
    if (strcmp(answers->paths[i], path) == 0) return 1;
  return 0;
}

void wh_answers_forget(struct wh_answers *answers) {
  answers->generation++;
  for (int i = 0; i < BUCKETS && answers->count > 0; i++) {
    while (answers->buckets[i]) {
      struct answer *answer = answers->buckets[i];
      answers->buckets[i] = answer->next;
      answers->count--;
      free(answer);
    }
  }
  answers->bytes = 0;
}

uint64_t wh_answers_generation(const struct wh_answers *answers) { return answers->generation; }

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

static struct answer *find(const struct wh_answers *answers, const void *key, size_t key_length, uint64_t hash) {
  struct answer *answer = answers->buckets[hash % BUCKETS];
  while (answer && !(answer->hash == hash && answer->key_length == key_length && !memcmp(answer->bytes, key, key_length)))
    answer = answer->next;
  return answer;
}

const uint8_t *wh_answers_find(const struct wh_answers *answers, const void *key, size_t key_length, size_t *length) {
  if (answers->count == 0) return NULL;
  struct answer *answer = find(answers, key, key_length, hash_of(key, key_length));
  if (!answer || now_ms() - answer->made_ms > WH_ANSWERS_AGE_MAX) return NULL;
  *length = answer->length;
  return answer->bytes + answer->key_length;
}

static void drop(struct wh_answers *answers, struct answer *former) {
  struct answer **link = &answers->buckets[former->hash % BUCKETS];
  while (*link != former) link = &(*link)->next;
  *link = former->next;
  answers->count--;
  answers->bytes -= former->key_length + former->length;
  free(former);
}

void wh_answers_remember(struct wh_answers *answers, const void *key, size_t key_length, const void *reply, size_t length) {
  if (key_length > WH_ANSWERS_KEY_MAX || length > WH_ANSWERS_REPLY_MAX) return;
  uint64_t hash = hash_of(key, key_length);
  struct answer *former = find(answers, key, key_length, hash);
  if (former) drop(answers, former);
  if (answers->count >= WH_ANSWERS_COUNT_MAX || answers->bytes + key_length + length > WH_ANSWERS_BYTES_MAX)
    wh_answers_forget(answers);
  struct answer *answer = malloc(sizeof *answer + key_length + length);
  if (!answer) return;
  struct answer **bucket = &answers->buckets[hash % BUCKETS];
  *answer = (struct answer){.next = *bucket, .hash = hash, .made_ms = now_ms(), .key_length = key_length, .length = length};
  memcpy(answer->bytes, key, key_length);
  memcpy(answer->bytes + key_length, reply, length);
  *bucket = answer;
  answers->count++;
  answers->bytes += key_length + length;
}
