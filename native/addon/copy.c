#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

static int copy_by_hand(int from, int to, off_t at, off_t end) {
  char *chunk = malloc(CHUNK);
  if (!chunk) return -ENOMEM;
  long got = 0;
  while (at < end) {
    size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
    got = wh_read(from, chunk, want, at);
    if (got > 0) got = wh_write(to, chunk, (size_t)got, at);
    if (got <= 0) break;
    at += got;
  }
  free(chunk);
  return got < 0 ? (int)got : 0;
}

static int copy_range(int from, int to, off_t at, off_t end) {
  off_t out = at;
  while (at < end) {
    ssize_t done = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);
    if (done > 0) continue;
    if (done < 0 && errno != EXDEV && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) return -errno;
    return copy_by_hand(from, to, at, end);
  }
  return 0;
}

static int copy_data(int from, int to, off_t size) {
  for (off_t at = 0; at < size;) {
    int64_t data = wh_seek(from, at, SEEK_DATA);
    if (data == -ENXIO) return 0;
    int64_t hole = data < 0 ? data : wh_seek(from, data, SEEK_HOLE);
    if (hole < 0) return (int)hole;
    int failed = copy_range(from, to, data, hole < size ? hole : size);
    if (failed) return failed;
    at = hole;
  }
  return 0;
}

int wh_copy_content(int from, int to) {
  struct stat found;
  if (ioctl(to, FICLONE, from) == 0) return 0;
  if (fstat(from, &found) < 0 || ftruncate(to, found.st_size) < 0) return -errno;
  return copy_data(from, to, found.st_size);
}
