#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int wh_peer_of(int fd, struct wh_peer *out) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
  *out = (struct wh_peer){peer.pid, peer.uid, peer.gid};
  return 0;
}

int wh_listen(const char *path, int backlog) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  /* The mode of the socket's file comes from its descriptor, whatever the umask is. */
  int failed = (int)wh_result(fchmod(fd, 0600));
  if (!failed) failed = (int)wh_result(bind(fd, (struct sockaddr *)&address, sizeof address));
  if (!failed) {
    failed = (int)wh_result(listen(fd, backlog));
    if (failed) unlink(path);
  }
  if (!failed) return fd;
  close(fd);
  return failed;
}

int wh_accept(int fd) { return (int)wh_result(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * WH_MAX_FDS)];
};

long wh_send_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count) {
  union control control;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > WH_MAX_FDS || length == 0) return -EINVAL;
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  }
  return wh_result(sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static size_t take(struct msghdr *message, int *fds) {
  size_t count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t more = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds + count, CMSG_DATA(header), more * sizeof(int));
    count += more;
  }
  return count;
}

long wh_receive_fds(int socket, void *bytes, size_t length, int *fds, size_t *count) {
  union control control;
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  *count = take(&message, fds);
  if (!(message.msg_flags & MSG_CTRUNC)) return got;
  while (*count > 0) close(fds[--*count]);
  return -EMSGSIZE;
}
