#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JavaScript's half of a queue: outlives it until it is collected. */
struct holder {
  struct wh_queue *queue;
};

static void close_queue(struct holder *holder) {
  if (holder->queue) wh_queue_close(holder->queue);
  holder->queue = NULL;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_queue(data);
  free(data);
}

static napi_value bind_open(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value out = NULL;
  struct holder *holder = calloc(1, sizeof *holder);
  int failed = holder ? wh_queue_open(&holder->queue) : -ENOMEM;
  if (!failed && napi_create_external(env, holder, on_collected, NULL, &out) == napi_ok) return out;
  if (!failed) close_queue(holder);
  free(holder);
  return number(env, failed ? failed : -ENOMEM);
}

struct wh_queue *take_queue(struct call *call, int index) {
  void *data = NULL;
  if (napi_get_value_external(call->env, call->arguments[index], &data) != napi_ok) {
    call->wrong = 1;
    return NULL;
  }
  struct wh_queue *queue = ((struct holder *)data)->queue;
  if (!queue) call->failed = -EBADF;
  return queue;
}

static napi_value bind_create_file(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name, entry;
  napi_value out;
  struct wh_queue *queue = take_queue(&call, 0);
  struct wh_new file = {.dir = take_int(&call, 1), .name = take_name(&call, 2, &name)};
  file.mode = (mode_t)take_int64(&call, 3);
  file.uid = take_id(&call, 4);
  file.gid = take_id(&call, 5);
  file.mtime = (struct timespec){.tv_sec = take_int64(&call, 6), .tv_nsec = take_int64(&call, 7)};
  struct bytes content = take_bytes(&call, 8);
  file.bytes = content.data;
  file.length = content.length;
  file.entry = take_name(&call, 9, &entry);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_queue_add(queue, &file));
}

static napi_value bind_waits(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  struct wh_queue *queue = take_queue(&call, 0);
  int dir = take_int(&call, 1);
  take_name(&call, 2, &name);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_queue_waits(queue, dir, name.bytes));
}

/* Its outcome, and in a property of what is given the entry that failed. */
static napi_value bind_settle(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct wh_queue *queue = take_queue(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  char *entry = NULL;
  int failed = wh_queue_settle(queue, &entry);
  if (failed) {
    const char *name = entry ? entry : "";
    napi_set_named_property(env, call.arguments[1], "entry", buffer_of(env, name, strlen(name)));
  }
  free(entry);
  return number(env, failed);
}

static napi_value bind_close(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  void *data = NULL;
  napi_value out;
  if (napi_get_value_external(env, call.arguments[0], &data) != napi_ok) call.wrong = 1;
  if (!call_is_good(&call, &out)) return out;
  close_queue(data);
  return number(env, 0);
}

void add_queue_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"openQueue", bind_open},
      {"queueFile", bind_create_file},
      {"queueWaits", bind_waits},
      {"settleQueue", bind_settle},
      {"closeQueue", bind_close},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
