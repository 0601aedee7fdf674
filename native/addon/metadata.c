#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6; the same number on every architecture */
#endif

static int chmod_through_proc(int fd, mode_t mode) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return (int)wh_result(chmod(path, mode));
}

int wh_chmod_pinned(int dir, const char *name, mode_t mode) {
  int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct stat found;
  int failed = (int)wh_result(fstat(fd, &found));
  if (!failed && S_ISLNK(found.st_mode)) failed = -EOPNOTSUPP;
  if (!failed) failed = chmod_through_proc(fd, mode);
  close(fd);
  return failed;
}

int wh_chmod_nofollow(int dir, const char *name, mode_t mode) {
  static atomic_bool missing;
  if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
    if (syscall(SYS_fchmodat2, dir, name, mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
    if (errno != ENOSYS) return -errno;
    atomic_store_explicit(&missing, 1, memory_order_relaxed);
  }
  return wh_chmod_pinned(dir, name, mode);
}

static int is_symlink(int dir, const char *name) {
  struct stat found;
  return fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode);
}

int wh_set_metadata(int dir, const char *name, const struct wh_metadata *metadata) {
  if ((metadata->set & WH_SET_OWNER) && fchownat(dir, name, metadata->uid, metadata->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  if (metadata->set & WH_SET_MODE) {
    int failed = wh_chmod_nofollow(dir, name, metadata->mode);
    if (failed && !(failed == -EOPNOTSUPP && is_symlink(dir, name))) return failed;
  }
  if ((metadata->set & WH_SET_TIMES) && utimensat(dir, name, metadata->times, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  return 0;
}

/* fchmod refuses a descriptor opened with O_PATH. */
static int chmod_fd(int fd, mode_t mode) {
  if (fchmod(fd, mode) == 0) return 0;
  return errno == EBADF ? chmod_through_proc(fd, mode) : -errno;
}

int wh_set_metadata_fd(int fd, const struct wh_metadata *metadata) {
  if ((metadata->set & WH_SET_OWNER) && fchownat(fd, "", metadata->uid, metadata->gid, AT_EMPTY_PATH) < 0) return -errno;
  if (metadata->set & WH_SET_MODE) {
    int failed = chmod_fd(fd, metadata->mode);
    if (failed) return failed;
  }
  if ((metadata->set & WH_SET_TIMES) && utimensat(fd, "", metadata->times, AT_EMPTY_PATH) < 0) return -errno;
  return 0;
}
