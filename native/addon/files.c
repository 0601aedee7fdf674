#define _GNU_SOURCE
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A rename elsewhere on the path makes a scoped lookup give up with EAGAIN; it is for the caller to repeat. */
enum { LOOKUP_ATTEMPTS = 128 };

int wh_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {
      .flags = flags | O_CLOEXEC, .mode = (flags & O_CREAT) ? mode & 07777 : 0, .resolve = resolve};
  int fd = -1;
  for (int attempt = 0; attempt < LOOKUP_ATTEMPTS; attempt++) {
    fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || resolve == 0) break;
  }
  if (fd < 0) return -errno;
  if ((flags & O_CREAT) && (flags & O_EXCL) && fchmod(fd, (mode_t)how.mode) < 0) {
    int failed = -errno;
    close(fd);
    return failed;
  }
  return fd;
}

static void set_time(double *at, struct timespec time) {
  at[0] = (double)time.tv_sec;
  at[1] = (double)time.tv_nsec;
}

static void convert(const struct stat *from, struct wh_stat *to) {
  double *field = to->fields;
  field[0] = from->st_mode;
  field[1] = from->st_uid;
  field[2] = from->st_gid;
  field[3] = (double)from->st_size;
  field[4] = (double)from->st_blocks;
  field[5] = (double)from->st_nlink;
  field[6] = (double)from->st_dev;
  field[7] = 0;
  field[8] = major(from->st_rdev);
  field[9] = minor(from->st_rdev);
  set_time(field + 10, from->st_atim);
  set_time(field + 12, from->st_mtim);
  set_time(field + 14, from->st_ctim);
  to->ino = from->st_ino;
}

int wh_fstatat(int dir, const char *name, struct wh_stat *out) {
  struct stat found;
  if (fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
  convert(&found, out);
  return 0;
}

int wh_fstat(int fd, struct wh_stat *out) {
  struct stat found;
  if (fstat(fd, &found) < 0) return -errno;
  convert(&found, out);
  return 0;
}

/* Bytes that grow; `failed` when memory is out. */
struct growing {
  char *bytes;
  size_t used, room;
};

static int append(struct growing *list, const void *bytes, size_t length) {
  if (length > list->room - list->used) {
    size_t room = list->room * 2 > list->used + length ? list->room * 2 : list->used + length;
    char *larger = realloc(list->bytes, room);
    if (!larger) return -ENOMEM;
    list->bytes = larger;
    list->room = room;
  }
  memcpy(list->bytes + list->used, bytes, length);
  list->used += length;
  return 0;
}

static int append_entry(struct growing *list, const struct dirent64 *entry) {
  const char *name = entry->d_name;
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
  char type = (char)entry->d_type;
  int failed = append(list, &type, 1);
  return failed ? failed : append(list, name, strlen(name) + 1);
}

long wh_list(int fd, char **out) {
  enum { BATCH = 32768 };
  struct growing list = {malloc(BATCH), 0, BATCH};
  char *batch = malloc(BATCH);
  long got = list.bytes && batch ? wh_result(lseek(fd, 0, SEEK_SET)) : -ENOMEM;
  while (got >= 0 && (got = wh_result(getdents64(fd, batch, BATCH))) > 0) {
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const void *)(batch + at);
      int failed = append_entry(&list, entry);
      if (failed) {
        got = failed;
        break;
      }
      at += entry->d_reclen;
    }
  }
  free(batch);
  if (got < 0) {
    free(list.bytes);
    return got;
  }
  *out = list.bytes;
  return (long)list.used;
}

long wh_readlinkat(int dir, const char *name, char **out) {
  enum { LONGEST = 4096 };
  char *target = malloc(LONGEST);
  if (!target) return -ENOMEM;
  long length = wh_result(readlinkat(dir, name, target, LONGEST));
  if (length < 0)
    free(target);
  else
    *out = target;
  return length;
}

int wh_mkdirat(int dir, const char *name, mode_t mode) {
  if (mkdirat(dir, name, mode) < 0) return -errno;
  return wh_chmod_nofollow(dir, name, mode);
}

int wh_mknodat(int dir, const char *name, mode_t mode, uint32_t major, uint32_t minor) {
  dev_t device = makedev(major, minor);
  /* makedev keeps 32 bits of each, the kernel 12 and 20: what it would cut is another device. */
  if (major >= 1u << 12 || minor >= 1u << 20) return -EOVERFLOW;
  if (mknodat(dir, name, mode, device) < 0) return -errno;
  return (mode & 07777) == 0 ? 0 : wh_chmod_nofollow(dir, name, mode & 07777);
}

int wh_symlinkat(const char *target, int dir, const char *name) { return (int)wh_result(symlinkat(target, dir, name)); }

int wh_linkat(int from_dir, const char *from, int to_dir, const char *to) {
  return (int)wh_result(linkat(from_dir, from, to_dir, to, 0));
}

int wh_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
  return (int)wh_result(renameat2(from_dir, from, to_dir, to, flags));
}

int wh_unlinkat(int dir, const char *name, int flags) { return (int)wh_result(unlinkat(dir, name, flags)); }

/* Most files of a layer are root's, with a mode that no umask cuts: to look is cheaper than to set what is so already. */
static int describe(int fd, mode_t mode, uid_t uid, gid_t gid, struct timespec mtime) {
  const struct timespec times[2] = {mtime, mtime};
  struct stat made;
  if (fstat(fd, &made) < 0) return -errno;
  if ((made.st_uid != uid || made.st_gid != gid) && fchown(fd, uid, gid) < 0) return -errno;
  /* The mode comes after the owner, a change of which takes setuid and setgid away. */
  if ((made.st_mode & 07777) != mode && fchmod(fd, mode) < 0) return -errno;
  return futimens(fd, times) < 0 ? -errno : 0;
}

static int fill(int fd, mode_t mode, uid_t uid, gid_t gid, struct timespec mtime, const void *bytes, size_t length) {
  long failed = wh_write(fd, bytes, length, -1);
  return failed < 0 ? (int)failed : describe(fd, mode, uid, gid, mtime);
}

int wh_create_file(int dir, const char *name, mode_t mode, uid_t uid, gid_t gid, struct timespec mtime, const void *bytes,
                   size_t length) {
  struct stat parent;
  if (fstat(dir, &parent) < 0) return -errno;
  /* The group of such a directory would have the file until it gets its own. */
  mode_t first = parent.st_mode & S_ISGID ? 0600 : mode & 0777;
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, first);
  if (fd < 0) return -errno;
  int failed = fill(fd, mode, uid, gid, mtime, bytes, length);
  if (close(fd) < 0 && !failed) failed = -errno;
  if (failed) unlinkat(dir, name, 0);
  return failed;
}

long wh_read(int fd, void *bytes, size_t length, int64_t position) {
  size_t done = 0;
  while (done < length) {
    char *at = (char *)bytes + done;
    ssize_t got = position < 0 ? read(fd, at, length - done) : pread(fd, at, length - done, position + (int64_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (long)done;
}

long wh_write(int fd, const void *bytes, size_t length, int64_t position) {
  size_t done = 0;
  while (done < length) {
    const char *at = (const char *)bytes + done;
    ssize_t put = position < 0 ? write(fd, at, length - done) : pwrite(fd, at, length - done, position + (int64_t)done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -errno;
    done += (size_t)put;
  }
  return (long)done;
}

int64_t wh_seek(int fd, int64_t offset, int whence) {
  off_t at = lseek(fd, offset, whence);
  return at < 0 ? -errno : at;
}
