/* Small files and links made by a thread of their own while the caller reads on; a caller that has to wait for them makes some itself. */
#define _GNU_SOURCE
#include "core.h"
#include "keys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITING_BYTES_MAX = 4 << 20, WAITING_MAX = 1024 };

struct job {
  struct job *next;
  struct wh_new what; /* its pointers are into `bytes` */
  uint64_t number;    /* of those since wh_queue_settle, from 0 */
  size_t size;        /* of all this */
  char bytes[];
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
  char *failed_entry;
  /* Of the caller alone: names that may wait, by directory, and the directories themselves. */
  struct keys waiting;
  uint64_t seed;
};

static int make_link(const struct wh_new *what) {
  struct wh_metadata metadata = {WH_SET_OWNER | WH_SET_TIMES, what->uid, what->gid, 0, {what->mtime, what->mtime}};
  int failed = wh_symlinkat(what->bytes, what->dir, what->name);
  return failed ? failed : wh_set_metadata(what->dir, what->name, &metadata);
}

static int make(const struct wh_new *what) {
  if (what->is_link) return make_link(what);
  return wh_create_file(what->dir, what->name, what->mode, what->uid, what->gid, what->mtime, what->bytes, what->length);
}

/* What has the name and is no directory gives way. */
static int make_anyway(const struct wh_new *what) {
  int failed = make(what);
  if (failed != -EEXIST) return failed;
  failed = wh_unlinkat(what->dir, what->name, 0);
  return failed ? failed : make(what);
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
  int outcome = failed ? 0 : make_anyway(&job->what);
  pthread_mutex_lock(&queue->lock);
  if (outcome && (!queue->failed || job->number < queue->failed_at)) {
    free(queue->failed_entry);
    queue->failed = outcome;
    queue->failed_at = job->number;
    queue->failed_entry = strdup(job->what.entry);
  }
  queue->bytes -= job->size;
  free(job);
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
  queue->seed = keys_seed();
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

static uint64_t name_key(const struct wh_queue *queue, int dir, const char *name) {
  return key_of(queue->seed + (uint64_t)dir, name, strlen(name));
}

/* With the lock held. What failed is kept until the caller asks. */
static void finish_all(struct wh_queue *queue) {
  wait_for(queue, 0);
  keys_clear(&queue->waiting);
}

static struct job *copy_of(const struct wh_new *what) {
  size_t name = strlen(what->name) + 1, entry = strlen(what->entry) + 1;
  size_t size = sizeof(struct job) + name + entry + what->length + 1;
  struct job *job = malloc(size);
  if (!job) return NULL;
  *job = (struct job){.what = *what, .size = size};
  job->what.name = memcpy(job->bytes, what->name, name);
  job->what.entry = memcpy(job->bytes + name, what->entry, entry);
  char *content = job->bytes + name + entry;
  if (what->length > 0) memcpy(content, what->bytes, what->length);
  content[what->length] = '\0';
  job->what.bytes = content;
  return job;
}

/* With the lock held. */
static void append(struct wh_queue *queue, struct job *job) {
  if (queue->first)
    queue->last->next = job;
  else
    queue->first = job;
  queue->last = job;
  job->number = queue->taken_in++;
  queue->bytes += job->size;
  if (queue->idle) pthread_cond_signal(&queue->more);
}

int wh_queue_add(struct wh_queue *queue, const struct wh_new *what) {
  struct job *job = copy_of(what);
  if (!job) return -ENOMEM;
  pthread_mutex_lock(&queue->lock);
  if (queue->waiting.used > WAITING_MAX)
    finish_all(queue);
  else if (queue->bytes > WAITING_BYTES_MAX)
    wait_for(queue, WAITING_BYTES_MAX / 2);
  int failed = keys_add(&queue->waiting, name_key(queue, what->dir, what->name));
  if (!failed) failed = keys_add(&queue->waiting, name_key(queue, what->dir, "."));
  if (!failed) append(queue, job);
  pthread_mutex_unlock(&queue->lock);
  if (failed) free(job);
  return failed;
}

int wh_queue_waits(struct wh_queue *queue, int dir, const char *name) {
  if (queue->waiting.used == 0) return 0;
  /* A path may lead to any of them. */
  if (strcmp(name, "..") == 0 || strchr(name, '/')) return 1;
  return keys_has(&queue->waiting, name_key(queue, dir, name));
}

int wh_queue_failed(struct wh_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  int failed = queue->failed;
  pthread_mutex_unlock(&queue->lock);
  return failed;
}

int wh_queue_settle(struct wh_queue *queue, char **entry) {
  pthread_mutex_lock(&queue->lock);
  finish_all(queue);
  int failed = queue->failed;
  *entry = queue->failed_entry;
  queue->failed = 0;
  queue->failed_entry = NULL;
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
  keys_free(&queue->waiting);
  free(queue->failed_entry);
  free(queue);
}
