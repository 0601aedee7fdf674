#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <fcntl.h>

/* An Int32Array of at least `count` numbers. */
static int32_t *take_numbers(struct call *call, int index, size_t count) {
  struct bytes room = take_bytes(call, index);
  if (room.length < count * sizeof(int32_t)) call->wrong = 1;
  return room.data;
}

static napi_value bind_pipe(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int flags = take_int(&call, 0);
  int32_t *fds = take_numbers(&call, 1, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_pipe(flags, fds));
}

static napi_value bind_socket_pair(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int32_t *fds = take_numbers(&call, 0, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_socket_pair(fds));
}

static napi_value bind_duplicate(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_duplicate(fd));
}

static napi_value bind_pipe_size(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_pipe_size(fd));
}

static napi_value bind_set_pipe_size(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  int64_t size = take_int64(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, size < 0 || size > INT32_MAX ? -EINVAL : wh_set_pipe_size(fd, (int)size));
}

static napi_value bind_make_fifo(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  take_name(&call, 0, &path);
  int mode = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_make_fifo(path.bytes, (mode_t)mode));
}

static napi_value bind_open_fifo(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  take_name(&call, 0, &path);
  int flags = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_open_fifo(path.bytes, flags & O_ACCMODE));
}

static napi_value bind_drain_fifo(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fifo = take_int(&call, 0), file = take_int(&call, 1), max = take_int(&call, 3);
  int64_t position = take_int64(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_drain_fifo(fifo, file, position, (size_t)max));
}

static napi_value bind_event_counter(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_event_counter());
}

static napi_value bind_take_events(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_take_events(fd));
}

static napi_value bind_set_terminal_size(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  int64_t rows = take_int64(&call, 1), columns = take_int64(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  if (rows < 0 || rows > UINT16_MAX || columns < 0 || columns > UINT16_MAX) return number(env, -ERANGE);
  return number(env, wh_set_terminal_size(fd, (unsigned short)rows, (unsigned short)columns));
}

static napi_value bind_lock_file(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  take_name(&call, 0, &path);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_lock_file(path.bytes));
}

static napi_value bind_peer_of(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  double *room = take_bytes(&call, 1).data; /* a Float64Array of three: uids are unsigned */
  if (!call_is_good(&call, &out)) return out;
  struct wh_peer peer;
  int failed = wh_peer_of(fd, &peer);
  if (!failed) {
    room[0] = peer.pid;
    room[1] = peer.uid;
    room[2] = peer.gid;
  }
  return number(env, failed);
}

static napi_value bind_listen(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  take_name(&call, 0, &path);
  int backlog = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_listen(path.bytes, backlog));
}

static napi_value bind_accept(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int fd = take_int(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_accept(fd));
}

static napi_value bind_send_fds(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int socket = take_int(&call, 0);
  struct bytes bytes = take_bytes(&call, 1), fds = take_bytes(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, (double)wh_send_fds(socket, bytes.data, bytes.length, fds.data, fds.length / sizeof(int32_t)));
}

/* The last argument is an Int32Array: the number of descriptors, then these. */
static napi_value bind_receive_fds(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int socket = take_int(&call, 0);
  struct bytes into = take_bytes(&call, 1);
  int32_t *fds = take_numbers(&call, 2, 1 + WH_MAX_FDS);
  if (!call_is_good(&call, &out)) return out;
  size_t count = 0;
  long got = wh_receive_fds(socket, into.data, into.length, fds + 1, &count);
  fds[0] = (int32_t)count;
  return number(env, (double)got);
}

void add_descriptor_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"pipe", bind_pipe},
      {"socketPair", bind_socket_pair},
      {"duplicate", bind_duplicate},
      {"pipeSize", bind_pipe_size},
      {"setPipeSize", bind_set_pipe_size},
      {"makeFifo", bind_make_fifo},
      {"openFifo", bind_open_fifo},
      {"drainFifo", bind_drain_fifo},
      {"eventCounter", bind_event_counter},
      {"takeEvents", bind_take_events},
      {"setTerminalSize", bind_set_terminal_size},
      {"lockFile", bind_lock_file},
      {"peerOf", bind_peer_of},
      {"listen", bind_listen},
      {"accept", bind_accept},
      {"sendFds", bind_send_fds},
      {"receiveFds", bind_receive_fds},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
