/* Small files made by a thread of their own while the caller reads on; a caller that has to wait for them makes some itself. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITING_BYTES_MAX = 4 << 20 };

struct job {
  struct job *next;
  int dir;
  mode_t mode;
  uid_t uid;
  gid_t gid;
  struct timespec mtime;
  uint64_t number; /* of those since wh_queue_settle, from 0 */
  size_t name_length, length;
  char bytes[]; /* the name, NUL, the content */
};

struct wh_queue {
  pthread_mutex_t lock;
  pthread_cond_t more, less;
  pthread_t thread;
  struct job *first, *last;
  size_t bytes;  /* of all jobs that are not done */
  size_t wanted; /* the caller waits until `bytes` is no more than this; SIZE_MAX when it does not */
  int idle, stopping;
  int failed; /* negated errno of the first job that failed since wh_queue_settle; those that are not begun yet are left out */
  uint64_t taken_in, failed_at;
};

static size_t size_of(const struct job *job) { return sizeof *job + job->name_length + 1 + job->length; }

/* What has the name and is no directory gives way. */
static int make_file(const struct job *job) {
  const char *name = job->bytes, *content = job->bytes + job->name_length + 1;
  for (int attempt = 0;; attempt++) {
    int failed = wh_create_file(job->dir, name, job->mode, job->uid, job->gid, job->mtime, content, job->length);
    if (failed != -EEXIST || attempt > 0) return failed;
    failed = wh_unlinkat(job->dir, name, 0);
    if (failed) return failed;
  }
}

/* The next job, if there is one. With the lock held. */
static struct job *take(struct wh_queue *queue) {
  struct job *job = queue->first;
  if (job) queue->first = job->next;
  return job;
}

/* With the lock held, which is given up for the work. */
static void do_job(struct wh_queue *queue, struct job *job) {
  int failed = queue->failed;
  pthread_mutex_unlock(&queue->lock);
  int outcome = failed ? 0 : make_file(job);
  uint64_t number = job->number;
  size_t size = size_of(job);
  free(job);
  pthread_mutex_lock(&queue->lock);
  if (outcome && (!queue->failed || number < queue->failed_at)) {
    queue->failed = outcome;
    queue->failed_at = number;
  }
  queue->bytes -= size;
  if (queue->bytes <= queue->wanted && queue->wanted != SIZE_MAX) pthread_cond_signal(&queue->less);
}

static void *work(void *data) {
  struct wh_queue *queue = data;
  pthread_mutex_lock(&queue->lock);
  while (!queue->stopping) {
    struct job *job = take(queue);
    if (job) {
      do_job(queue, job);
    } else {
      queue->idle = 1;
      pthread_cond_wait(&queue->more, &queue->lock);
      queue->idle = 0;
    }
  }
  pthread_mutex_unlock(&queue->lock);
  return NULL;
}

static int start(struct wh_queue *queue) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&queue->thread, NULL, work, queue);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return -failed;
}

int wh_queue_open(struct wh_queue **out) {
  struct wh_queue *queue = calloc(1, sizeof *queue);
  if (!queue) return -ENOMEM;
  queue->wanted = SIZE_MAX;
  pthread_mutex_init(&queue->lock, NULL);
  pthread_cond_init(&queue->more, NULL);
  pthread_cond_init(&queue->less, NULL);
  int failed = start(queue);
  if (failed)
    free(queue);
  else
    *out = queue;
  return failed;
}

/* With the lock held. */
static void wait_for(struct wh_queue *queue, size_t bytes) {
  while (queue->bytes > bytes) {
    struct job *job = take(queue);
    if (!job) break;
    do_job(queue, job);
  }
  queue->wanted = bytes;
  while (queue->bytes > bytes) pthread_cond_wait(&queue->less, &queue->lock);
  queue->wanted = SIZE_MAX;
}

int wh_queue_create_file(struct wh_queue *queue, int dir, const char *name, mode_t mode, uid_t uid, gid_t gid,
                         struct timespec mtime, const void *bytes, size_t length) {
  size_t name_length = strlen(name);
  struct job *job = malloc(sizeof *job + name_length + 1 + length);
  if (!job) return -ENOMEM;
  *job = (struct job){NULL, dir, mode, uid, gid, mtime, 0, name_length, length};
  memcpy(job->bytes, name, name_length + 1);
  if (length > 0) memcpy(job->bytes + name_length + 1, bytes, length);
  pthread_mutex_lock(&queue->lock);
  if (queue->bytes > WAITING_BYTES_MAX) wait_for(queue, WAITING_BYTES_MAX / 2);
  if (queue->first)
    queue->last->next = job;
  else
    queue->first = job;
  queue->last = job;
  job->number = queue->taken_in++;
  queue->bytes += size_of(job);
  if (queue->idle) pthread_cond_signal(&queue->more);
  pthread_mutex_unlock(&queue->lock);
  return 0;
}

int wh_queue_settle(struct wh_queue *queue, uint64_t *failed_at) {
  pthread_mutex_lock(&queue->lock);
  wait_for(queue, 0);
  int failed = queue->failed;
  *failed_at = queue->failed_at;
  queue->failed = 0;
  queue->taken_in = 0;
  pthread_mutex_unlock(&queue->lock);
  return failed;
}

void wh_queue_close(struct wh_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->stopping = 1;
  pthread_cond_signal(&queue->more);
  pthread_mutex_unlock(&queue->lock);
  pthread_join(queue->thread, NULL);
  for (struct job *job = queue->first, *next; job; job = next) {
    next = job->next;
    free(job);
  }
  pthread_cond_destroy(&queue->less);
  pthread_cond_destroy(&queue->more);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}
