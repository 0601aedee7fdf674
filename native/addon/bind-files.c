#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static napi_value bind_open(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &path);
  int64_t flags = take_int64(&call, 2), resolve = take_int64(&call, 3), mode = take_int64(&call, 4);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_openat2(dir, path.bytes, (uint64_t)flags, (uint64_t)mode, (uint64_t)resolve));
}

static napi_value bind_close(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_result(close(fd)));
}

/* Fills the caller's array of 16 numbers; the inode number, a uint64, is written over the eighth. */
static napi_value stat_result(napi_env env, int failed, const struct wh_stat *found, struct bytes room) {
  if (failed) return number(env, failed);
  memcpy(room.data, found->fields, sizeof found->fields);
  memcpy((double *)room.data + 7, &found->ino, sizeof found->ino);
  return number(env, 0);
}

static struct bytes take_stat_room(struct call *call, int index) {
  struct bytes room = take_bytes(call, index);
  if (room.length < sizeof(double) * WH_STAT_FIELDS) call->wrong = 1;
  return room;
}

static napi_value bind_stat(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  struct wh_stat found;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  struct bytes room = take_stat_room(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return stat_result(env, wh_fstatat(dir, name.bytes, &found), &found, room);
}

static napi_value bind_stat_fd(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct wh_stat found;
  napi_value out;
  int fd = take_int(&call, 0);
  struct bytes room = take_stat_room(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return stat_result(env, wh_fstat(fd, &found), &found, room);
}

/* Bytes that the core allocated, as a Buffer; or its error. */
static napi_value allocated(napi_env env, long length, char *bytes) {
  if (length < 0) return number(env, (double)length);
  napi_value out = buffer_of(env, bytes, (size_t)length);
  free(bytes);
  return out;
}

static napi_value bind_list(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  char *list = NULL;
  long length = wh_list(fd, &list);
  return allocated(env, length, list);
}

static napi_value bind_read_link(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  if (!call_is_good(&call, &out)) return out;
  char *target = NULL;
  long length = wh_readlinkat(dir, name.bytes, &target);
  return allocated(env, length, target);
}

static napi_value bind_make_directory(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  int64_t mode = take_int64(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_mkdirat(dir, name.bytes, (mode_t)mode));
}

static napi_value bind_make_node(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  int64_t mode = take_int64(&call, 2), major = take_int64(&call, 3), minor = take_int64(&call, 4);
  if (!call_is_good(&call, &out)) return out;
  if (major < 0 || major > UINT32_MAX || minor < 0 || minor > UINT32_MAX) return number(env, -EOVERFLOW);
  return number(env, wh_mknodat(dir, name.bytes, (mode_t)mode, (uint32_t)major, (uint32_t)minor));
}

static napi_value bind_make_symlink(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name target, name;
  napi_value out;
  take_name(&call, 0, &target);
  int dir = take_int(&call, 1);
  take_name(&call, 2, &name);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_symlinkat(target.bytes, dir, name.bytes));
}

static napi_value bind_link(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name from, to;
  napi_value out;
  int from_dir = take_int(&call, 0), to_dir = take_int(&call, 2);
  take_name(&call, 1, &from);
  take_name(&call, 3, &to);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_linkat(from_dir, from.bytes, to_dir, to.bytes));
}

static napi_value bind_rename(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name from, to;
  napi_value out;
  int from_dir = take_int(&call, 0), to_dir = take_int(&call, 2), flags = take_int(&call, 4);
  take_name(&call, 1, &from);
  take_name(&call, 3, &to);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_renameat2(from_dir, from.bytes, to_dir, to.bytes, (unsigned)flags));
}

static napi_value bind_unlink(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0), flags = take_int(&call, 2);
  take_name(&call, 1, &name);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_unlinkat(dir, name.bytes, flags));
}

static napi_value bind_remove_tree(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_remove_tree(dir, name.bytes));
}

static napi_value bind_create_file(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name name;
  napi_value out;
  int dir = take_int(&call, 0);
  take_name(&call, 1, &name);
  int64_t mode = take_int64(&call, 2);
  uid_t uid = take_id(&call, 3);
  gid_t gid = take_id(&call, 4);
  struct timespec mtime = {.tv_sec = take_int64(&call, 5), .tv_nsec = take_int64(&call, 6)};
  struct bytes content = take_bytes(&call, 7);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_create_file(dir, name.bytes, (mode_t)mode, uid, gid, mtime, content.data, content.length));
}

static napi_value bind_read(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  struct bytes into = take_bytes(&call, 1);
  int64_t position = take_int64(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_read(fd, into.data, into.length, position));
}

static napi_value bind_write(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  struct bytes from = take_bytes(&call, 1);
  int64_t position = take_int64(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_write(fd, from.data, from.length, position));
}

static napi_value bind_truncate(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  int64_t size = take_int64(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_result(ftruncate(fd, size)));
}

static napi_value bind_seek(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0), whence = take_int(&call, 2);
  int64_t offset = take_int64(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_seek(fd, offset, whence));
}

static napi_value bind_copy_content(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int from = take_int(&call, 0), to = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_copy_content(from, to));
}

static napi_value bind_sync(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_result(fsync(fd)));
}

static napi_value bind_sync_file_system(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_result(syncfs(fd)));
}

void add_file_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"open", bind_open},
      {"close", bind_close},
      {"stat", bind_stat},
      {"statFd", bind_stat_fd},
      {"list", bind_list},
      {"readLink", bind_read_link},
      {"makeDirectory", bind_make_directory},
      {"makeNode", bind_make_node},
      {"makeSymlink", bind_make_symlink},
      {"link", bind_link},
      {"rename", bind_rename},
      {"unlink", bind_unlink},
      {"removeTree", bind_remove_tree},
      {"createFile", bind_create_file},
      {"read", bind_read},
      {"write", bind_write},
      {"truncate", bind_truncate},
      {"seek", bind_seek},
      {"copyContent", bind_copy_content},
      {"sync", bind_sync},
      {"syncFileSystem", bind_sync_file_system},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
