/*
 * Calls every function of the core on real files, processes and mounts, in the empty directory that it is given. Built with
 * the address and undefined-behaviour sanitizers; a leaked descriptor is a failure as well. Needs root.
 */
#define _GNU_SOURCE
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

/* The value of an expression must be the expected one. */
#define EXPECT(expression, wanted)                                                                                     \
  do {                                                                                                                 \
    long long got_ = (expression), wanted_ = (wanted);                                                                 \
    if (got_ != wanted_) {                                                                                             \
      fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #expression, got_, wanted_);           \
      failures++;                                                                                                      \
    }                                                                                                                  \
  } while (0)

static int root;

static int opened(const char *path, int flags) {
  int fd = wh_openat2(root, path, (uint64_t)flags, 0600, RESOLVE_IN_ROOT);
  if (fd < 0) {
    fprintf(stderr, "open %s: %s\n", path, strerror(-fd));
    exit(1);
  }
  return fd;
}

static mode_t mode_of(const char *name) {
  struct wh_stat found;
  return wh_fstatat(root, name, &found) ? 0 : (mode_t)found.fields[0];
}

static void test_names(void) {
  char *out = NULL;
  umask(077);
  EXPECT(wh_mkdirat(root, "dir", 01777), 0);
  EXPECT(mode_of("dir"), S_IFDIR | 01777);
  EXPECT(wh_mkdirat(root, "dir", 0755), -EEXIST);
  EXPECT(wh_mknodat(root, "white", S_IFCHR, 0, 0), 0);
  EXPECT(mode_of("white"), S_IFCHR);
  EXPECT(wh_mknodat(root, "null", S_IFCHR | 0666, 1, 3), 0);
  EXPECT(wh_mknodat(root, "far", S_IFCHR, 1u << 12, 0), -EOVERFLOW);
  EXPECT(wh_mknodat(root, "fifo", S_IFIFO | 0666, 0, 0), 0);
  EXPECT(mode_of("fifo"), S_IFIFO | 0666);
  EXPECT(wh_symlinkat("/dir", root, "link"), 0);
  EXPECT(wh_readlinkat(root, "link", &out), 4);
  EXPECT(memcmp(out, "/dir", 4), 0);
  free(out);
  EXPECT(wh_readlinkat(root, "dir", &out), -EINVAL);
  EXPECT(wh_linkat(root, "link", root, "link2"), 0);
  EXPECT(mode_of("link2") & S_IFMT, S_IFLNK);
  EXPECT(wh_renameat2(root, "link2", root, "link", RENAME_NOREPLACE), -EEXIST);
  EXPECT(wh_renameat2(root, "link2", root, "dir/link3", 0), 0);
  EXPECT(wh_unlinkat(root, "dir", AT_REMOVEDIR), -ENOTEMPTY);
  umask(022);
}

static void test_resolution(void) {
  int fd = opened("link", O_PATH | O_DIRECTORY);
  struct wh_stat by_link, by_name;
  EXPECT(wh_fstat(fd, &by_link), 0);
  EXPECT(wh_fstatat(root, "dir", &by_name), 0);
  EXPECT(by_link.ino == by_name.ino, 1);
  close(fd);
  EXPECT(wh_symlinkat("../../../../etc/passwd", root, "out"), 0);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_IN_ROOT), -ENOENT);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_BENEATH), -EXDEV);
  EXPECT(wh_openat2(root, "out", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), -ELOOP);
  EXPECT(wh_openat2(root, "..", O_PATH, 0, RESOLVE_BENEATH), -EXDEV);
}

static void test_content(void) {
  const struct timespec then = {.tv_sec = -86400, .tv_nsec = 123456789};
  struct wh_stat found;
  char bytes[16] = {0};
  EXPECT(wh_create_file(root, "file", 06755, 1000, 2000, then, "hello", 5), 0);
  EXPECT(wh_create_file(root, "file", 0644, 0, 0, then, "", 0), -EEXIST);
  EXPECT(wh_fstatat(root, "file", &found), 0);
  EXPECT(found.fields[0], S_IFREG | 06755);
  EXPECT(found.fields[1], 1000);
  EXPECT(found.fields[2], 2000);
  EXPECT(found.fields[3], 5);
  EXPECT(found.fields[12], -86400);
  EXPECT(found.fields[13], 123456789);
  int fd = opened("file", O_RDWR);
  EXPECT(wh_read(fd, bytes, sizeof bytes, 1), 4);
  EXPECT(memcmp(bytes, "ello", 4), 0);
  EXPECT(wh_write(fd, "y", 1, 1 << 20), 1);
  int copy = opened("copy", O_RDWR | O_CREAT | O_EXCL);
  EXPECT(wh_copy_content(fd, copy), 0);
  EXPECT(wh_fstat(copy, &found), 0);
  EXPECT(found.fields[3], (1 << 20) + 1);
  EXPECT(found.fields[4] < 64, 1);
  EXPECT(wh_seek(copy, 4096 * 4, SEEK_DATA), 1 << 20);
  EXPECT(wh_seek(copy, 1 << 21, SEEK_DATA), -ENXIO);
  EXPECT(wh_read(copy, bytes, 1, 1 << 20), 1);
  EXPECT(bytes[0], 'y');
  close(copy);
  close(fd);
  EXPECT(wh_write(-1, "x", 1, -1), -EBADF);
}

static void test_metadata(void) {
  struct wh_metadata all = {.set = WH_SET_OWNER | WH_SET_MODE | WH_SET_TIMES,
                            .uid = 7,
                            .gid = 8,
                            .mode = 04711,
                            .times = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 5, .tv_nsec = 6}}};
  struct wh_stat before, after;
  EXPECT(wh_fstatat(root, "dir", &before), 0);
  EXPECT(wh_set_metadata(root, "link", &all), 0);
  EXPECT(wh_fstatat(root, "link", &after), 0);
  EXPECT(after.fields[1], 7);
  EXPECT(after.fields[13], 6);
  EXPECT(wh_fstatat(root, "dir", &after), 0);
  EXPECT(after.fields[0], before.fields[0]);
  EXPECT(after.fields[1], 0);
  EXPECT(wh_chmod_nofollow(root, "link", 0777), -EOPNOTSUPP);
  EXPECT(wh_chmod_pinned(root, "link", 0777), -EOPNOTSUPP);
  EXPECT(wh_chmod_pinned(root, "dir", 02750), 0);
  EXPECT(mode_of("dir"), S_IFDIR | 02750);
  EXPECT(wh_set_metadata(root, "file", &all), 0);
  EXPECT(mode_of("file"), S_IFREG | 04711);
  int fd = opened("copy", O_PATH);
  EXPECT(wh_set_metadata_fd(fd, &all), 0);
  EXPECT(mode_of("copy"), S_IFREG | 04711);
  close(fd);
  EXPECT(wh_set_metadata(root, "missing", &all), -ENOENT);
}

static void test_xattrs(void) {
  char *room = malloc(WH_XATTR_MAX);
  EXPECT(wh_setxattr(root, "dir", "trusted.overlay.opaque", "y", 1), 0);
  EXPECT(wh_getxattr(root, "dir", "trusted.overlay.opaque", room), 1);
  EXPECT(wh_listxattr(root, "dir", room), sizeof "trusted.overlay.opaque");
  EXPECT(wh_setxattr(root, "link", "trusted.x", "", 0), 0);
  EXPECT(wh_getxattr(root, "link", "trusted.x", room), 0);
  EXPECT(wh_getxattr(root, "", "trusted.none", room), -ENODATA);
  EXPECT(wh_removexattr(root, "link", "trusted.x"), 0);
  EXPECT(wh_listxattr(root, "link", room), 0);
  free(room);
  char *name = malloc(5000);
  memset(name, 'n', 4999);
  name[4999] = '\0';
  EXPECT(wh_setxattr(root, name, "user.x", "", 0), -ENAMETOOLONG);
  free(name);
}

static void test_listing(void) {
  char name[64], *list = NULL;
  int many = opened("dir", O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 3000; i++) {
    snprintf(name, sizeof name, "a-rather-long-name-of-a-file-%d", i);
    EXPECT(wh_symlinkat("x", many, name), 0);
  }
  for (int round = 0; round < 2; round++) {
    long length = wh_list(many, &list), entries = 0;
    for (long at = 0; at < length; at += 2 + (long)strlen(list + at + 1)) {
      EXPECT(list[at], DT_LNK);
      entries++;
    }
    EXPECT(entries, 3001);
    free(list);
  }
  close(many);
  EXPECT(wh_list(-1, &list), -EBADF);
}

/* Deeper than a path may be long and than this process may open files. */
static void test_removal(void) {
  int at = opened("dir", O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 1500; depth++) {
    EXPECT(wh_mkdirat(at, "deeper-and-deeper", 0755), 0);
    EXPECT(wh_mknodat(at, "file", S_IFREG | 0600, 0, 0), 0);
    int next = wh_openat2(at, "deeper-and-deeper", O_RDONLY | O_DIRECTORY, 0, 0);
    close(at);
    at = next;
  }
  close(at);
  EXPECT(wh_remove_tree(root, "dir"), 0);
  EXPECT(mode_of("dir"), 0);
  EXPECT(wh_remove_tree(root, "link"), 0);
  EXPECT(wh_remove_tree(root, "missing"), 0);
  EXPECT(wh_mkdirat(root, "tree", 0755), 0);
  EXPECT(wh_mkdirat(root, "tree/mounted", 0755), 0);
  char path[4096];
  snprintf(path, sizeof path, "/proc/self/fd/%d/tree/mounted", root);
  EXPECT(wh_mount("tmpfs", path, "tmpfs", MS_NOSUID, "size=64k"), 0);
  EXPECT(wh_mkdirat(root, "tree/mounted/kept", 0755), 0);
  EXPECT(wh_remove_tree(root, "tree") < 0, 1);
  EXPECT(wh_remove_tree(root, "tree/mounted"), -EXDEV);
  EXPECT(mode_of("tree/mounted/kept") & S_IFMT, S_IFDIR);
  EXPECT(wh_mkdirat(root, "tree/mounted/kept/more", 0755), 0);
  EXPECT(wh_remove_tree(root, "tree/mounted/kept"), 0);
  EXPECT(wh_unmount(path, UMOUNT_NOFOLLOW), 0);
  EXPECT(wh_unmount(path, UMOUNT_NOFOLLOW), -EINVAL);
  EXPECT(wh_remove_tree(root, "tree"), 0);
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

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: %s EMPTY-DIRECTORY\n", argv[0]), 2;
  umask(022);
  root = wh_openat2(AT_FDCWD, argv[1], O_RDONLY | O_DIRECTORY, 0, 0);
  if (root < 0) return fprintf(stderr, "%s: %s\n", argv[1], strerror(-root)), 2;
  long before = open_descriptors();
  test_names();
  test_resolution();
  test_content();
  test_metadata();
  test_xattrs();
  test_listing();
  test_removal();
  test_mounts(argv[1]);
  test_processes();
  test_spawn();
  test_sockets(argv[1]);
  test_descriptors(argv[1]);
  EXPECT(open_descriptors(), before);
  close(root);
  if (failures == 0) puts("all well");
  return failures != 0;
}
