/*
 * Moves bytes between a socket and a session on libuv's loop, in its thread. JavaScript is asked only where the session has something to
 * tell, so what the session answers by itself costs nothing more.
 */
#ifndef WHARFD_GRPC_SOCKET_H
#define WHARFD_GRPC_SOCKET_H

#include "session.h"

#include <uv.h>

struct wh_socket;

struct wh_socket_events {
  void *owner;
  /*
   * The session may have told something, at the first bytes in any case. `closed`: nothing comes or goes any more, and the socket is gone.
   * It may flush and close the socket.
   */
  void (*turn)(void *owner, int closed);
  /* The loop has let go of the socket: the last that is told, and only after wh_socket_close or `closed`. */
  void (*released)(void *owner);
};

/* Begins; the descriptor becomes the socket's. 0 or a negated errno, with which nothing is begun and the descriptor stays the caller's. */
int wh_socket_open(uv_loop_t *loop, int fd, struct wh_grpc_session *session, const struct wh_socket_events *events,
                   struct wh_socket **out);
/* Sends what there is to send. 1: the socket is closed, as all is said or the peer is gone; there is no turn for that. */
int wh_socket_flush(struct wh_socket *socket);
/* What is to be sent is the last. */
void wh_socket_fail(struct wh_socket *socket);
/* Nothing comes or goes any more, and the session is no longer touched. More than once is no error until `released`. */
void wh_socket_close(struct wh_socket *socket);

#endif
