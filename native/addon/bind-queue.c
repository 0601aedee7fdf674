#define _GNU_SOURCE
#include "binding.h"

#include <stdlib.h>
#include <string.h>

static void release_queue(void *queue) { wh_queue_close(queue); }

static napi_value bind_open(napi_env env, napi_callback_info info) {
  (void)info;
  struct wh_queue *queue = NULL;
  int failed = wh_queue_open(&queue);
  return failed ? number(env, failed) : hold(env, queue, release_queue);
}

struct wh_queue *take_queue(struct call *call, int index) { return take_held(call, index, release_queue); }

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

static napi_value bind_close(napi_env env, napi_callback_info info) { return close_held(env, info, release_queue); }

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
