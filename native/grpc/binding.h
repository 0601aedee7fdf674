/* What the bindings of sessions, of their sockets and of answers share. */
#ifndef WHARFD_GRPC_BINDING_H
#define WHARFD_GRPC_BINDING_H

#include "session.h"

#include <node_api.h>

enum { ARGUMENTS_MAX = 4 };

struct event;
struct wh_socket;

/* A session of JavaScript's. What it tells waits here until JavaScript asks for it, in a turn or after a flush. */
struct holder {
  struct wh_grpc_session *session;
  napi_env env;
  struct event *events;
  size_t event_count, event_room;
  /* bind-socket.c */
  struct wh_socket *socket;
  napi_ref turn;
  int heard;
  napi_async_cleanup_hook_handle hook;
  int owners; /* the object in JavaScript, and the socket until the loop has let go of it */
};

/* A function that JavaScript calls. */
struct call {
  napi_env env;
  napi_value arguments[ARGUMENTS_MAX];
  struct holder *holder;
  int wrong;
};

/* The first argument is a session that is open, or the call is wrong. */
struct call begin(napi_env env, napi_callback_info info);
int32_t take_int(struct call *call, int index);
napi_value outcome(struct call *call, long value);
/* Whoever gives a closed session or something else than asked for has made a mistake, and hears of it. */
int is_wrong(struct call *call);
void release_holder(struct holder *holder);

struct binding {
  const char *name;
  napi_callback function;
};
void add_bindings(napi_env env, napi_value exports, const struct binding *bindings, size_t count);
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* bind-socket.c */
void add_socket_bindings(napi_env env, napi_value exports);
/* What is to be sent on the session's socket is the last. */
void fail_socket(struct holder *holder);
/* The session's socket is closed, if it has one. */
void close_socket(struct holder *holder);

/* bind-answers.c */
void add_answers_bindings(napi_env env, napi_value exports);

#endif
