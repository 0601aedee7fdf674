/*
 * Calls every function of the core on real files, processes and mounts, in the empty directory that it is given. Built with
 * the address and undefined-behaviour sanitizers; a leaked descriptor is a failure as well. Needs root.
 */
#define _GNU_SOURCE
#include "core-test.h"
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int failures;
int root;

int opened(const char *path, int flags) {
  int fd = wh_openat2(root, path, (uint64_t)flags, 0600, RESOLVE_IN_ROOT);
  if (fd < 0) {
    fprintf(stderr, "open %s: %s\n", path, strerror(-fd));
    exit(1);
  }
  return fd;
}

mode_t mode_of(const char *name) {
  struct wh_stat found;
  return wh_fstatat(root, name, &found) ? 0 : (mode_t)found.fields[0];
}

static int owner_of(const char *name) {
  struct wh_stat found;
  return wh_fstatat(root, name, &found) ? -1 : (int)found.fields[1];
}

static void test_mapped(struct wh_layers *layers, const char *source, const char *target) {
  EXPECT(wh_user_namespace("0 1000 10\n", "1 1\n"), -EINVAL);
  int namespace = wh_user_namespace("0 1000 10\n", "0 2000 10\n");
  const struct wh_attributes mapped = {.user_namespace = namespace};
  EXPECT(wh_bind(source, target, 0, &mapped), 0);
  EXPECT(owner_of("merged/seen"), 1000);
  EXPECT(wh_unmount(target, 0), 0);
  layers->data = "";
  EXPECT(wh_mount_mapped_layers(layers, namespace), 0);
  EXPECT(owner_of("merged/seen"), 1000);
  EXPECT(owner_of("l1/seen"), 0);
  EXPECT(wh_unmount(target, 0), 0);
  EXPECT(wh_unmount(target, 0), -EINVAL);
  EXPECT(wh_mount_mapped_layers(layers, root), -EINVAL);
  EXPECT(wh_unmount(target, 0), -EINVAL);
  close(namespace);
}

static void test_mounts(const char *directory) {
  enum { LAYERS = 3 };
  char path[4][4096];
  const char *names[4] = {"l0", "l1", "l2", "merged"};
  for (int i = 0; i < 4; i++) {
    EXPECT(wh_mkdirat(root, names[i], 0755), 0);
    snprintf(path[i], sizeof path[i], "%s/%s", directory, names[i]);
  }
  const char *lower[LAYERS] = {path[0], path[1], path[2]};
  const char *options[] = {"index", "off", "ro", NULL};
  struct wh_layers layers = {.source = "overlay", .target = path[3], .lower = lower, .lower_count = LAYERS,
                             .options = options, .option_count = 2, .directory = directory};
  EXPECT(wh_mkdirat(root, "l1/seen", 0755), 0);
  EXPECT(wh_mount_layers(&layers), 0);
  EXPECT(mode_of("merged/seen") & S_IFMT, S_IFDIR);
  EXPECT(wh_unmount(path[3], 0), 0);
  layers.data = "lowerdir=l0:l1:l2";
  EXPECT(wh_mount_layers(&layers), 0);
  EXPECT(mode_of("merged/seen") & S_IFMT, S_IFDIR);
  EXPECT(wh_unmount(path[3], 0), 0);
  layers.data = "lowerdir=l0:nowhere";
  EXPECT(wh_mount_layers(&layers), -ENOENT);
  const struct wh_attributes ro = {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
  const struct wh_attributes rw = {.clear = MOUNT_ATTR_RDONLY};
  EXPECT(wh_bind(path[1], path[3], 1, &ro), 0);
  EXPECT(wh_mkdirat(root, "merged/new", 0755), -EROFS);
  EXPECT(wh_set_attributes(path[3], &rw), 0);
  EXPECT(wh_mkdirat(root, "merged/new", 0755), 0);
  EXPECT(wh_unmount(path[3], MNT_DETACH), 0);
  EXPECT(wh_bind("/nowhere/at/all", path[3], 0, &ro), -ENOENT);
  test_mapped(&layers, path[1], path[3]);
}

static void test_processes(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  int pidfd = wh_pidfd_open(child);
  EXPECT(pidfd >= 0, 1);
  EXPECT(wh_reap(child), -EAGAIN);
  EXPECT(wh_pidfd_exit_status(pidfd) < 0, 1);
  EXPECT(wh_pidfd_signal(pidfd, SIGKILL), 0);
  siginfo_t info;
  waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
  EXPECT(wh_reap(child), SIGKILL);
  EXPECT(wh_reap(child), -ECHILD);
  EXPECT(wh_pidfd_signal(pidfd, 0), -ESRCH);
  int status = wh_pidfd_exit_status(pidfd);
  if (status != -ENOTTY && status != -ESRCH) EXPECT(status, SIGKILL);
  close(pidfd);
  child = fork();
  if (child == 0) _exit(42);
  waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
  EXPECT(wh_reap(child), 42 << 8);
  EXPECT(wh_become_subreaper(), 0);
}

static void test_expect_move(const char *directory) {
  char path[4200], seen[2] = {0};
  snprintf(path, sizeof path, "%s/procs", directory);
  EXPECT(wh_make_fifo(path, 0600), 0);
  int fifo = wh_open_fifo(path, O_RDONLY);
  struct pollfd told = {.fd = fifo, .events = POLLIN};
  EXPECT(wh_expect_move(path), 0);
  EXPECT(poll(&told, 1, 10000), 1);
  EXPECT(read(fifo, seen, sizeof seen), 1);
  EXPECT(seen[0], '0');
  told.events = 0; /* Its end: neither the thread nor its child has it any more. */
  EXPECT(poll(&told, 1, 10000), 1);
  EXPECT(told.revents, POLLHUP);
  close(fifo);
  EXPECT(wh_expect_move("/nowhere/at/all"), -ENOENT);
  EXPECT(waitpid(-1, NULL, __WALL), -1);
}

static void test_spawn(void) {
  int out[2], pidfd = -1;
  EXPECT(wh_pipe(0, out), 0);
  char *argv[] = {"sh", "-c", "pwd; echo $X; echo two >&2; test -e /proc/self/fd/3 || exit 7", NULL}, *envp[] = {"X=y", NULL};
  const int fds[] = {-1, out[1], out[1]};
  struct wh_program program = {
      .path = "/bin/sh", .directory = "/tmp", .argv = argv, .envp = envp, .fds = fds, .fd_count = 3, .own_session = 1};
  pid_t pid = wh_spawn(&program, &pidfd);
  EXPECT(pid > 0 && pidfd > 0, 1);
  EXPECT(getsid(pid), pid);
  close(out[1]);
  char bytes[64] = {0};
  size_t length = 0;
  for (ssize_t got; (got = read(out[0], bytes + length, sizeof bytes - length)) > 0;) length += (size_t)got;
  EXPECT(memcmp(bytes, "/tmp\ny\ntwo\n", 11), 0);
  siginfo_t info;
  EXPECT(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT), 0);
  EXPECT(wh_reap(pid), 7 << 8);
  close(out[0]);
  close(pidfd);
  /* 0 to 3 the other way round: none is overwritten before it was taken. */
  char *swap[] = {"sh", "-c", "test \"$(readlink /proc/self/fd/$0)\" = /dev/null", "2", NULL};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC), saved = fcntl(1, F_DUPFD_CLOEXEC, 10);
  EXPECT(dup2(null, 1), 1);
  const int turned[] = {2, 2, 1};
  program = (struct wh_program){.path = "/bin/sh", .directory = "/", .argv = swap, .envp = envp, .fds = turned, .fd_count = 3};
  pid = wh_spawn(&program, &pidfd);
  dup2(saved, 1);
  EXPECT(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT), 0);
  EXPECT(wh_reap(pid), 0);
  close(pidfd);
  close(null);
  close(saved);
  program.path = "/no/such/program";
  EXPECT(wh_spawn(&program, &pidfd), -ENOENT);
  program.path = "/etc/passwd";
  EXPECT(wh_spawn(&program, &pidfd), -EACCES);
  program.fd_count = 65;
  EXPECT(wh_spawn(&program, &pidfd), -EMFILE);
}

static void test_sockets(const char *directory) {
  int pair[2], fds[WH_MAX_FDS], many[WH_MAX_FDS + 1];
  size_t count = 0;
  char bytes[8];
  struct wh_peer peer;
  EXPECT(wh_socket_pair(pair), 0);
  EXPECT(wh_receive_fds(pair[1], bytes, sizeof bytes, fds, &count), -EAGAIN);
  EXPECT(wh_send_fds(pair[0], "x", 1, &root, 1), 1);
  EXPECT(wh_receive_fds(pair[1], bytes, sizeof bytes, fds, &count), 1);
  EXPECT(count, 1);
  EXPECT(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
  close(fds[0]);
  for (int i = 0; i <= WH_MAX_FDS; i++) many[i] = root;
  EXPECT(wh_send_fds(pair[0], "x", 1, many, WH_MAX_FDS + 1), -EINVAL);
  EXPECT(wh_send_fds(pair[0], "x", 1, many, WH_MAX_FDS), 1);
  EXPECT(wh_receive_fds(pair[1], bytes, sizeof bytes, fds, &count), 1);
  EXPECT(count, WH_MAX_FDS);
  for (size_t i = 0; i < count; i++) close(fds[i]);
  EXPECT(wh_peer_of(pair[0], &peer), 0);
  EXPECT(peer.pid, getpid());
  EXPECT(peer.uid, 0);
  close(pair[0]);
  EXPECT(wh_receive_fds(pair[1], bytes, sizeof bytes, fds, &count), 0);
  EXPECT(wh_send_fds(pair[1], "x", 1, NULL, 0), -EPIPE);
  close(pair[1]);
  char path[4096];
  snprintf(path, sizeof path, "%s/s", directory);
  int listener = wh_listen(path, 1);
  EXPECT(listener >= 0, 1);
  EXPECT(mode_of("s"), S_IFSOCK | 0600);
  EXPECT(wh_accept(listener), -EAGAIN);
  EXPECT(wh_listen(path, 1), -EADDRINUSE);
  EXPECT(wh_peer_of(root, &peer), -ENOTSOCK);
  close(listener);
  memset(path, 'x', 200);
  path[200] = '\0';
  EXPECT(wh_listen(path, 1), -ENAMETOOLONG);
}

static void test_descriptors(const char *directory) {
  int fds[2];
  char path[4096];
  EXPECT(wh_pipe(O_NONBLOCK, fds), 0);
  EXPECT(wh_set_pipe_size(fds[0], 8192), 8192);
  EXPECT(wh_pipe_size(fds[1]), 8192);
  int copy = wh_duplicate(fds[0]);
  EXPECT(fcntl(copy, F_GETFD), FD_CLOEXEC);
  close(copy);
  close(fds[0]);
  close(fds[1]);
  snprintf(path, sizeof path, "%s/stdio", directory);
  EXPECT(wh_make_fifo(path, 0620), 0);
  EXPECT(mode_of("stdio"), S_IFIFO | 0620);
  EXPECT(wh_open_fifo(path, O_WRONLY), -ENXIO);
  int fifo = wh_open_fifo(path, O_RDWR);
  EXPECT(fifo >= 0, 1);
  close(fifo);
  snprintf(path, sizeof path, "%s/file", directory);
  EXPECT(wh_open_fifo(path, O_RDONLY), -ENXIO);
  int counter = wh_event_counter();
  EXPECT(wh_take_events(counter), 0);
  uint64_t two = 2;
  EXPECT(write(counter, &two, sizeof two), sizeof two);
  EXPECT(wh_take_events(counter), 2);
  close(counter);
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT(wh_set_terminal_size(terminal, 50, 132), 0);
  close(terminal);
  EXPECT(wh_set_terminal_size(root, 1, 1), -ENOTTY);
  snprintf(path, sizeof path, "%s/lock", directory);
  int lock = wh_lock_file(path);
  EXPECT(lock >= 0, 1);
  EXPECT(wh_lock_file(path), -EAGAIN);
  close(lock);
  EXPECT(wh_seal_descriptors(), 0);
}

static long open_descriptors(void) {
  char *list = NULL;
  int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  long length = wh_list(fd, &list), count = 0;
  for (long at = 0; at < length; at++) count += list[at] == '\0';
  free(list);
  close(fd);
  return count;
}

/* Where the library is not installed, that is said. */
static void test_checksum(void) {
  uint32_t sum = 0;
  int failed = wh_crc32("6789", 4, 0xcbf53a1c, &sum); /* after "12345" */
  EXPECT(failed ? -ENOSYS : (int64_t)sum, failed ? (int64_t)failed : 0xcbf43926);
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: %s EMPTY-DIRECTORY\n", argv[0]), 2;
  umask(022);
  root = wh_openat2(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY, 0, 0);
  if (root < 0) return fprintf(stderr, "%s: %s\n", argv[1], strerror(-root)), 2;
  long before = open_descriptors();
  test_files();
  test_entries();
  test_mounts(argv[1]);
  test_processes();
  test_expect_move(argv[1]);
  test_spawn();
  test_sockets(argv[1]);
  test_descriptors(argv[1]);
  test_checksum();
  EXPECT(open_descriptors(), before);
  close(root);
  if (failures == 0) puts("all well");
  return failures != 0;
}
