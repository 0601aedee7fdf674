/*
 * One look at a descriptor by the event loop: the callback runs once, then the handle closes itself. (A pidfd stays
 * readable for ever once its process has ended: a handle that goes on would spin.)
 */
#define _GNU_SOURCE
#include "binding.h"

#include <stdlib.h>
#include <uv.h>

struct watch {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle hook;
  int owners; /* the handle in the loop, and the object in JavaScript */
  int closing;
};

static void release(struct watch *watch) {
  if (--watch->owners == 0) free(watch);
}

static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  napi_remove_async_cleanup_hook(watch->hook);
  release(watch);
}

static void close_watch(struct watch *watch) {
  if (watch->closing) return;
  watch->closing = 1;
  napi_delete_reference(watch->env, watch->callback);
  uv_close((uv_handle_t *)&watch->poll, on_closed);
}

static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_watch(data);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  (void)events;
  struct watch *watch = handle->data;
  napi_env env = watch->env;
  napi_handle_scope scope;
  napi_value callback, global, argument, error;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, watch->callback, &callback);
  napi_get_global(env, &global);
  argument = number(env, status);
  close_watch(watch);
  if (napi_make_callback(env, NULL, global, callback, 1, &argument, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  napi_close_handle_scope(env, scope);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  release(data);
}

static int begin(struct watch *watch, int fd, int events) {
  uv_loop_t *loop;
  napi_get_uv_event_loop(watch->env, &loop);
  int failed = uv_poll_init(loop, &watch->poll, fd);
  if (failed) return failed;
  watch->poll.data = watch;
  watch->owners = 1;
  napi_add_async_cleanup_hook(watch->env, on_cleanup, watch, &watch->hook);
  failed = uv_poll_start(&watch->poll, events, on_ready);
  if (failed) close_watch(watch);
  return failed;
}

/* watch(fd, 1 readable | 2 writable, callback) → handle, or a negated errno. */
static napi_value bind_watch(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0), events = take_int(&call, 1);
  struct watch *watch = calloc(1, sizeof *watch);
  if (!watch || napi_create_reference(env, call.arguments[2], 1, &watch->callback) != napi_ok) call.wrong = 1;
  if (!call_is_good(&call, &out)) {
    free(watch);
    return out;
  }
  watch->env = env;
  int failed = begin(watch, fd, events == 2 ? UV_WRITABLE : UV_READABLE);
  if (failed) {
    if (!watch->closing) {
      napi_delete_reference(env, watch->callback);
      free(watch);
    }
    return number(env, failed);
  }
  if (napi_create_external(env, watch, on_collected, NULL, &out) == napi_ok) watch->owners++;
  return out;
}

static napi_value bind_unwatch(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  void *watch = NULL;
  napi_value out;
  if (napi_get_value_external(env, call.arguments[0], &watch) != napi_ok) call.wrong = 1;
  if (!call_is_good(&call, &out)) return out;
  close_watch(watch);
  return number(env, 0);
}

/* unrefWatch(handle): the event loop may end while it looks. */
static napi_value bind_unref_watch(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  void *watch = NULL;
  napi_value out;
  if (napi_get_value_external(env, call.arguments[0], &watch) != napi_ok) call.wrong = 1;
  if (!call_is_good(&call, &out)) return out;
  uv_unref((uv_handle_t *)&((struct watch *)watch)->poll);
  return number(env, 0);
}

void add_poll_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {{"watch", bind_watch}, {"unwatch", bind_unwatch}, {"unrefWatch", bind_unref_watch}};
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
