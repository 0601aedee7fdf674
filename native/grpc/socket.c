#define _GNU_SOURCE
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  READ_BYTES = 64 * 1024,
  /* Reads at a time, after which others have their turn. */
  READS = 4,
  SEND_BYTES = 48 * 1024,
  /*
   * How long what nobody waits for may wait for company, in milliseconds. Clients of grpc-go ping with every reply that they get, to
   * learn how far away the server is: an answer of its own is a second write, and wakes the client a second time.
   */
  COMPANY_MS = 5,
};

struct wh_socket {
  uv_poll_t poll;
  uv_timer_t later;
  int handles; /* that the loop still has */
  int fd;
  struct wh_grpc_session *session;
  struct wh_socket_events events;
  const uint8_t *unsent; /* of the last take */
  size_t unsent_length;
  int urgent;  /* the peer waits for what is to be sent */
  int owes;    /* there may be something to be sent */
  int full;    /* the peer has to read first */
  int failed;  /* what is to be sent is the last */
  int closed;
};

static void on_released(uv_handle_t *handle) {
  struct wh_socket *socket = handle->data;
  if (--socket->handles > 0) return;
  socket->events.released(socket->events.owner);
  free(socket);
}

void wh_socket_close(struct wh_socket *socket) {
  if (socket->closed) return;
  socket->closed = 1;
  uv_close((uv_handle_t *)&socket->poll, on_released);
  uv_close((uv_handle_t *)&socket->later, on_released);
  close(socket->fd);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct wh_socket *socket, int full) {
  if (socket->full == full) return;
  socket->full = full;
  uv_poll_start(&socket->poll, UV_READABLE | (full ? UV_WRITABLE : 0), on_poll);
}

/* Gives the kernel what is left of the last take. 1: all of it, 0: it is full, -1: the peer is gone. */
static int send_rest(struct wh_socket *socket) {
  while (socket->unsent_length > 0) {
    ssize_t sent = send(socket->fd, socket->unsent, socket->unsent_length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    socket->unsent += sent;
    socket->unsent_length -= (size_t)sent;
  }
  return 1;
}

int wh_socket_flush(struct wh_socket *socket) {
  if (socket->closed) return 1;
  socket->urgent = socket->owes = 0;
  for (;;) {
    int sent = send_rest(socket);
    if (sent < 0) {
      wh_socket_close(socket);
      return 1;
    }
    watch(socket, !sent);
    if (!sent) return 0;
    long length = wh_grpc_take(socket->session, SEND_BYTES, &socket->unsent);
    if (length < 0) socket->failed = 1;
    if (length <= 0) break;
    socket->unsent_length = (size_t)length;
  }
  if (!socket->failed && !wh_grpc_over(socket->session)) return 0;
  wh_socket_close(socket);
  return 1;
}

void wh_socket_fail(struct wh_socket *socket) { socket->failed = 1; }

/* Whether the socket is still there after the turn. */
static int take_turn(struct wh_socket *socket) {
  socket->events.turn(socket->events.owner, socket->closed);
  return !socket->closed;
}

static void on_later(uv_timer_t *timer) {
  struct wh_socket *socket = timer->data;
  if (!socket->owes) return;
  wh_socket_flush(socket);
  take_turn(socket);
}

static void receive(struct wh_socket *socket) {
  static _Thread_local uint8_t bytes[READ_BYTES];
  for (int reads = 0; reads < READS && !socket->failed; reads++) {
    ssize_t length = recv(socket->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
      wh_socket_close(socket);
      return;
    }
    int outcome = wh_grpc_receive(socket->session, bytes, (size_t)length);
    if (outcome < 0) socket->failed = 1;
    if (outcome != 0) socket->urgent = 1;
    socket->owes = 1;
    if ((size_t)length < sizeof bytes) return;
  }
}

static void on_poll(uv_poll_t *handle, int status, int events) {
  struct wh_socket *socket = handle->data;
  int writable = events & UV_WRITABLE;
  /* After a failure the peer is not listened to, and its end is found out by sending. */
  if (status < 0 || (socket->failed && !writable)) wh_socket_close(socket);
  else if (events & UV_READABLE) receive(socket);
  if (!take_turn(socket)) return;
  if (socket->urgent || writable) {
    wh_socket_flush(socket);
    take_turn(socket);
  } else if (socket->owes && !uv_is_active((uv_handle_t *)&socket->later)) {
    uv_timer_start(&socket->later, on_later, COMPANY_MS, 0);
  }
}

int wh_socket_open(uv_loop_t *loop, int fd, struct wh_grpc_session *session, const struct wh_socket_events *events,
                   struct wh_socket **out) {
  struct wh_socket *socket = calloc(1, sizeof *socket);
  if (!socket) return -ENOMEM;
  *socket = (struct wh_socket){.handles = 2, .fd = fd, .session = session, .events = *events};
  int failed = uv_poll_init(loop, &socket->poll, fd);
  if (failed) {
    free(socket);
    return failed;
  }
  uv_timer_init(loop, &socket->later);
  uv_unref((uv_handle_t *)&socket->later);
  socket->poll.data = socket->later.data = socket;
  uv_poll_start(&socket->poll, UV_READABLE, on_poll);
  *out = socket;
  return 0;
}
