#define _GNU_SOURCE
#include "binding.h"

#include <stdlib.h>
#include <sys/stat.h>

/* From `first` on: what to set, uid, gid, mode, then seconds and nanoseconds of atime and mtime. */
static struct wh_metadata take_metadata(struct call *call, int first) {
  struct wh_metadata out = {
      .set = (unsigned)take_int64(call, first),
      .uid = take_id(call, first + 1),
      .gid = take_id(call, first + 2),
      .mode = (mode_t)take_int64(call, first + 3),
      .times = {{.tv_sec = take_int64(call, first + 4), .tv_nsec = take_int64(call, first + 5)},
                {.tv_sec = take_int64(call, first + 6), .tv_nsec = take_int64(call, first + 7)}},
  };
  for (int i = 0; i < 2; i++)
    if (out.times[i].tv_nsec < 0) out.times[i].tv_nsec = UTIME_OMIT;
  return out;
}

static napi_value bind_set_metadata(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  struct wh_metadata metadata = take_metadata(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_set_metadata(dir, name.bytes, &metadata));
}

static napi_value bind_set_metadata_fd(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  struct wh_metadata metadata = take_metadata(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_set_metadata_fd(fd, &metadata));
}

static napi_value room_result(napi_env env, long length, char *room) {
  napi_value out = length < 0 ? number(env, (double)length) : buffer_of(env, room, (size_t)length);
  free(room);
  return out;
}

static napi_value bind_get_xattr(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name, attribute;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  take_name(&call, 2, &attribute);
  char *room = malloc(WH_XATTR_MAX);
  if (!room) call.wrong = 1;
  if (!call_is_good(&call, &out)) {
    free(room);
    return out;
  }
  return room_result(env, wh_getxattr(dir, name.bytes, attribute.bytes, room), room);
}

static napi_value bind_list_xattrs(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  char *room = malloc(WH_XATTR_MAX);
  if (!room) call.wrong = 1;
  if (!call_is_good(&call, &out)) {
    free(room);
    return out;
  }
  return room_result(env, wh_listxattr(dir, name.bytes, room), room);
}

static napi_value bind_set_xattr(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name, attribute;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  take_name(&call, 2, &attribute);
  struct bytes value = take_bytes(&call, 3);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_setxattr(dir, name.bytes, attribute.bytes, value.data, value.length));
}

static napi_value bind_remove_xattr(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name, attribute;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  take_name(&call, 2, &attribute);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_removexattr(dir, name.bytes, attribute.bytes));
}

void add_metadata_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"setMetadata", bind_set_metadata}, {"setMetadataFd", bind_set_metadata_fd}, {"getXattr", bind_get_xattr},
      {"listXattrs", bind_list_xattrs},   {"setXattr", bind_set_xattr},            {"removeXattr", bind_remove_xattr},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
