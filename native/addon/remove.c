#define _GNU_SOURCE
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A tree may be deeper than a process has descriptors. Down to MAX_DEPTH directories are emptied where they are; what
 * lies deeper is moved up into the top directory first, and emptied from there.
 */
enum { MAX_DEPTH = 48, BATCH = 16384 };

struct removal {
  int top;
  unsigned serial;
};

static int empty_directory(struct removal *removal, int fd, int depth);

/* Never into another file system: something mounted in the tree is not ours to empty. */
static int open_below(int dir, const char *name) {
  return wh_openat2(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
}

static int move_to_top(struct removal *removal, int dir, const char *name) {
  for (;;) {
    char moved[64];
    snprintf(moved, sizeof moved, ".wharfd-removing-%u", removal->serial++);
    int failed = wh_renameat2(dir, name, removal->top, moved, RENAME_NOREPLACE);
    if (failed != -EEXIST) return failed;
  }
}

static int remove_directory(struct removal *removal, int dir, const char *name, int depth) {
  int failed = wh_unlinkat(dir, name, AT_REMOVEDIR);
  if (failed != -ENOTEMPTY && failed != -EEXIST) return failed;
  if (depth >= MAX_DEPTH) return move_to_top(removal, dir, name);
  int fd = open_below(dir, name);
  if (fd < 0) return fd;
  failed = empty_directory(removal, fd, depth + 1);
  close(fd);
  return failed ? failed : wh_unlinkat(dir, name, AT_REMOVEDIR);
}

static int remove_entry(struct removal *removal, int dir, const char *name, int depth) {
  int failed = wh_unlinkat(dir, name, 0);
  if (failed == -EISDIR) failed = remove_directory(removal, dir, name, depth);
  return failed == -ENOENT ? 0 : failed;
}

/* Removes what one pass over the directory shows; returns how many entries it saw. */
static long pass(struct removal *removal, int fd, int depth, char *batch) {
  long seen = 0, got = wh_result(lseek(fd, 0, SEEK_SET));
  while (got >= 0 && (got = wh_result(getdents64(fd, batch, BATCH))) > 0) {
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const void *)(batch + at);
      at += entry->d_reclen;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      int failed = remove_entry(removal, fd, entry->d_name, depth);
      if (failed) return failed;
      seen++;
    }
  }
  return got < 0 ? got : seen;
}

/* A pass may miss entries that move while it removes others, so only one that sees none is the last. */
static int empty_directory(struct removal *removal, int fd, int depth) {
  char *batch = malloc(BATCH);
  if (!batch) return -ENOMEM;
  long seen;
  do seen = pass(removal, fd, depth, batch);
  while (seen > 0);
  free(batch);
  return (int)seen;
}

static int remove_named(int dir, const char *name) {
  int failed = wh_unlinkat(dir, name, 0);
  if (failed != -EISDIR) return failed;
  int top = open_below(dir, name);
  if (top < 0) return top;
  struct removal removal = {.top = top, .serial = 0};
  failed = empty_directory(&removal, top, 0);
  close(top);
  return failed ? failed : wh_unlinkat(dir, name, AT_REMOVEDIR);
}

/* The path up to the tree may cross file systems, so its last component is looked up by itself. */
int wh_remove_tree(int dir, const char *name) {
  const char *slash = strrchr(name, '/');
  int failed;
  if (slash) {
    char *parent = strndup(name, (size_t)(slash - name) + 1);
    if (!parent) return -ENOMEM;
    int fd = wh_openat2(dir, parent, O_PATH | O_DIRECTORY, 0, 0);
    free(parent);
    if (fd < 0) return fd == -ENOENT ? 0 : fd;
    failed = remove_named(fd, slash + 1);
    close(fd);
  } else {
    failed = remove_named(dir, name);
  }
  return failed == -ENOENT ? 0 : failed;
}
