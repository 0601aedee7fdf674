#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static napi_value bind_pidfd_open(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int pid = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_pidfd_open(pid));
}

static napi_value bind_pidfd_signal(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0), signal = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_pidfd_signal(fd, signal));
}

static napi_value bind_pidfd_exit_status(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_pidfd_exit_status(fd));
}

static napi_value bind_reap(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int pid = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_reap(pid));
}

static napi_value bind_become_subreaper(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_become_subreaper());
}

static napi_value bind_expect_move(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name procs;
  napi_value out;
  const char *path = take_name(&call, 0, &procs);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_expect_move(path));
}

static napi_value bind_seal_descriptors(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_seal_descriptors());
}

/* Pointers to the strings, each ended by NUL, that `from` is full of; then NULL. The caller frees them. */
static char **take_texts(struct call *call, struct bytes from) {
  size_t count = 0;
  char *bytes = from.data;
  if (from.length > 0 && bytes[from.length - 1] != '\0') call->failed = -EINVAL;
  if (call->wrong || call->failed) return NULL;
  for (size_t i = 0; i < from.length; i++) count += bytes[i] == '\0';
  char **texts = calloc(count + 1, sizeof *texts);
  if (!texts) call->failed = -ENOMEM;
  for (size_t i = 0; texts && i < count; i++) {
    texts[i] = bytes;
    bytes += strlen(bytes) + 1;
  }
  return texts;
}

/* spawn(path, directory, arguments, environment, descriptors, own session, into): fills the pidfd; the pid. */
static napi_value bind_spawn(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path, directory;
  napi_value out;
  int pidfd = -1;
  struct wh_program program = {.path = take_name(&call, 0, &path), .directory = take_name(&call, 1, &directory)};
  struct bytes fds = take_bytes(&call, 4), into = take_bytes(&call, 6);
  program.own_session = take_int(&call, 5);
  program.fds = fds.data;
  program.fd_count = fds.length / sizeof *program.fds;
  if (into.length < sizeof pidfd) call.wrong = 1;
  char **argv = take_texts(&call, take_bytes(&call, 2)), **envp = take_texts(&call, take_bytes(&call, 3));
  program.argv = argv;
  program.envp = envp;
  if (call_is_good(&call, &out)) {
    out = number(env, wh_spawn(&program, &pidfd));
    memcpy(into.data, &pidfd, sizeof pidfd);
  }
  free(argv);
  free(envp);
  return out;
}

static napi_value bind_errno_name(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int error = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  const char *name = strerrorname_np(error);
  napi_create_string_utf8(env, name ? name : "EUNKNOWN", NAPI_AUTO_LENGTH, &out);
  return out;
}

void add_process_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"pidfdOpen", bind_pidfd_open},
      {"pidfdSignal", bind_pidfd_signal},
      {"pidfdExitStatus", bind_pidfd_exit_status},
      {"reap", bind_reap},
      {"becomeSubreaper", bind_become_subreaper},
      {"expectMove", bind_expect_move},
      {"sealDescriptors", bind_seal_descriptors},
      {"spawn", bind_spawn},
      {"errnoName", bind_errno_name},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
