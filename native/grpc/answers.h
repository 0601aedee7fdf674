/*
 * Answers that may be given again: the reply of a call of the kind that only reads, for whoever sends the very same request and the same
 * headers, as far as a reply depends on them, until somebody says that what they read from may have changed. A client such as containerd's
 * `ctr` asks for the same few documents again and again; they go out without anybody being woken who would have to look them up.
 *
 * For one thread at a time.
 */
#ifndef WHARFD_GRPC_ANSWERS_H
#define WHARFD_GRPC_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

enum {
  WH_ANSWERS_PATHS_MAX = 16,
  /* Kinds of what is read, which change at different times; 0, 1, … */
  WH_ANSWERS_TOPICS_MAX = 8,
  /* Bytes of headers and request together, and of a reply, of what is remembered. */
  WH_ANSWERS_KEY_MAX = 4 * 1024,
  WH_ANSWERS_REPLY_MAX = 64 * 1024,
  /* Of all that is remembered; when there is more, all is forgotten. */
  WH_ANSWERS_COUNT_MAX = 1024,
  WH_ANSWERS_BYTES_MAX = 4 * 1024 * 1024,
  /* So long at most is an answer given again, in milliseconds. */
  WH_ANSWERS_AGE_MAX = 10 * 1000,
};

struct wh_answers;

/* NULL when memory is short. It has one owner. */
struct wh_answers *wh_answers_new(void);
/* One owner more. */
struct wh_answers *wh_answers_share(struct wh_answers *answers);
/* One owner less; without any it is gone. */
void wh_answers_release(struct wh_answers *answers);

/* Calls of this path (`/package.Service/Method`) read of this topic, and are answered again. Negative: memory is short, or there are too many. */
int wh_answers_add_path(struct wh_answers *answers, const char *path, unsigned topic);
/* Negative: its calls are not answered again. */
int wh_answers_topic_of(const struct wh_answers *answers, const char *path);

/* What has been answered so far of this topic is not answered again, nor what is being answered. */
void wh_answers_forget(struct wh_answers *answers, unsigned topic);
/* Changes with each wh_answers_forget of this topic. */
uint64_t wh_answers_generation(const struct wh_answers *answers, unsigned topic);

/* The reply, the table's until its next change; NULL when there is none. */
const uint8_t *wh_answers_find(struct wh_answers *answers, const void *key, size_t key_length, size_t *length);
/* Copies both; what can't be remembered is not. */
void wh_answers_remember(struct wh_answers *answers, unsigned topic, const void *key, size_t key_length, const void *reply,
                         size_t length);

#endif
