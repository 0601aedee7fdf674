/* A session's socket, for JavaScript. */
#define _GNU_SOURCE
#include "binding.h"
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls turn(closed) of JavaScript. */
static void on_turn(void *owner, int closed) {
  struct holder *holder = owner;
  napi_env env = holder->env;
  napi_handle_scope scope;
  napi_value turn, global, argument, error;
  if (holder->heard && holder->event_count == 0 && !closed) return;
  holder->heard = 1;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, holder->turn, &turn);
  napi_get_global(env, &global);
  napi_get_boolean(env, closed, &argument);
  if (napi_make_callback(env, NULL, global, turn, 1, &argument, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  napi_close_handle_scope(env, scope);
}

static void on_released(void *owner) {
  struct holder *holder = owner;
  holder->socket = NULL;
  napi_remove_async_cleanup_hook(holder->hook);
  napi_delete_reference(holder->env, holder->turn);
  release_holder(holder);
}

void fail_socket(struct holder *holder) {
  if (holder->socket) wh_socket_fail(holder->socket);
}

void close_socket(struct holder *holder) {
  if (holder->socket) wh_socket_close(holder->socket);
  holder->socket = NULL;
}

static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_socket(data);
}

/* Takes over a copy of the descriptor. 0 or a negated errno. */
static int attach(struct holder *holder, int fd, napi_value turn) {
  uv_loop_t *loop;
  struct wh_socket_events events = {holder, on_turn, on_released};
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return -errno;
  napi_get_uv_event_loop(holder->env, &loop);
  int failed = napi_create_reference(holder->env, turn, 1, &holder->turn) == napi_ok ? 0 : -ENOMEM;
  if (!failed) failed = wh_socket_open(loop, copy, holder->session, &events, &holder->socket);
  if (failed) {
    close(copy);
    return failed;
  }
  holder->owners++;
  napi_add_async_cleanup_hook(holder->env, on_cleanup, holder, &holder->hook);
  return 0;
}

/* attach(session, fd, turn) → 0 or a negated errno */
static napi_value bind_attach(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  int32_t fd = take_int(&call, 1);
  if (!call.wrong && call.holder->socket) call.wrong = 1;
  return is_wrong(&call) ? NULL : outcome(&call, attach(call.holder, fd, call.arguments[2]));
}

/* flush(session, isLast) → whether the socket is closed, without a turn */
static napi_value bind_flush(napi_env env, napi_callback_info info) {
  struct call call = begin(env, info);
  bool is_last = false, is_closed = true;
  napi_value out = NULL;
  if (napi_get_value_bool(env, call.arguments[1], &is_last) != napi_ok) call.wrong = 1;
  if (is_wrong(&call)) return NULL;
  if (call.holder->socket) {
    if (is_last) wh_socket_fail(call.holder->socket);
    is_closed = wh_socket_flush(call.holder->socket);
  }
  napi_get_boolean(env, is_closed, &out);
  return out;
}

void add_socket_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {{"attach", bind_attach}, {"flush", bind_flush}};
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
