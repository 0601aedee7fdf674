#define _GNU_SOURCE
#include "binding.h"

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

static napi_value bind_seal_descriptors(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_seal_descriptors());
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
      {"sealDescriptors", bind_seal_descriptors},
      {"errnoName", bind_errno_name},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
