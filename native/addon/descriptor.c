#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int wh_pipe(int flags, int fds[2]) { return (int)wh_result(pipe2(fds, flags | O_CLOEXEC)); }

int wh_socket_pair(int fds[2]) {
  return (int)wh_result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}

int wh_duplicate(int fd) { return (int)wh_result(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

int wh_pipe_size(int fd) { return (int)wh_result(fcntl(fd, F_GETPIPE_SZ)); }

int wh_set_pipe_size(int fd, int size) { return (int)wh_result(fcntl(fd, F_SETPIPE_SZ, size)); }

int wh_make_fifo(const char *path, mode_t mode) { return wh_mknodat(AT_FDCWD, path, S_IFIFO | mode, 0, 0); }

int wh_open_fifo(const char *path, int flags) {
  int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct stat found;
  int failed = (int)wh_result(fstat(fd, &found));
  if (!failed && !S_ISFIFO(found.st_mode)) failed = -ENXIO;
  if (!failed) return fd;
  close(fd);
  return failed;
}

long wh_drain_fifo(int fifo, int file, int64_t position, size_t max) {
  ssize_t moved;
  loff_t at = position;
  do moved = splice(fifo, NULL, file, &at, max, SPLICE_F_NONBLOCK);
  while (moved < 0 && errno == EINTR);
  return wh_result(moved);
}

int wh_event_counter(void) { return (int)wh_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int64_t wh_take_events(int fd) {
  eventfd_t count = 0;
  if (eventfd_read(fd, &count) == 0) return count > INT64_MAX ? INT64_MAX : (int64_t)count;
  return errno == EAGAIN ? 0 : -errno;
}

int wh_set_terminal_size(int fd, unsigned short rows, unsigned short columns) {
  const struct winsize size = {.ws_row = rows, .ws_col = columns};
  return (int)wh_result(ioctl(fd, TIOCSWINSZ, &size));
}

int wh_lock_file(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  int failed = -errno;
  close(fd);
  return failed;
}
