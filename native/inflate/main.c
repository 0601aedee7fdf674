/*
 * wharfd-inflate: takes the gzip off a layer and hashes what comes out, beside the thread that unpacks it and apart from the daemon: the
 * bytes may be hostile, and this process can do no more than read, write and end.
 *
 *   0  the blob, from where it stands
 *   1  a pipe, to which a record goes for each piece that is there
 *   2  what is wrong with the blob, in words
 *   3  memory (memfd_create(2)) in pieces of the size of the only argument, which are filled in turn, from the first on
 *   4  a pipe, from which a byte comes for each piece that may be filled once more
 *
 * The last record has the length 0 and the SHA-256 of everything. Exit codes: 0 after that; 1: the blob is broken; 2: it is called wrongly, or can't begin.
 */
#define _GNU_SOURCE
#include "gunzip.h"
#include "hasher.h"
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOB = 0, RECORDS = 1, PIECES = 3, FREE = 4, BROKEN = 1, MISUSED = 2 };

struct record {
  uint64_t taken; /* compressed bytes read so far */
  uint64_t length;
  uint8_t sha256[HASH_BYTES];
};

static struct gunzip gunzip;

static void complain(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return; /* The exit code says so too. */
}

static int open_pieces(struct pieces *pieces, const char *size) {
  char *end = NULL;
  struct stat file;
  unsigned long bytes = strtoul(size, &end, 10);
  if (*end != '\0' || bytes == 0 || bytes > INT_MAX || fstat(PIECES, &file) != 0) return -1;
  pieces->size = bytes;
  pieces->count = (size_t)file.st_size / bytes;
  if (pieces->count == 0) return -1;
  pieces->memory = mmap(NULL, pieces->count * pieces->size, PROT_READ | PROT_WRITE, MAP_SHARED, PIECES, 0);
  return pieces->memory == MAP_FAILED ? -1 : 0;
}

/* Waits until somebody is done with a piece. */
static int await_free(void) {
  char byte;
  ssize_t count;
  do count = read(FREE, &byte, 1);
  while (count < 0 && errno == EINTR);
  return count == 1 ? 0 : -1;
}

/* A record is shorter than PIPE_BUF: it is written as a whole (pipe(7)). */
static int tell(const struct record *record) {
  ssize_t count;
  do count = write(RECORDS, record, sizeof *record);
  while (count < 0 && errno == EINTR);
  return count == (ssize_t)sizeof *record ? 0 : -1;
}

/* Waits until nobody needs what the piece had before. Returns 0, or -1 when nobody reads any more. */
static int await_piece(const struct hasher *hasher, size_t at) {
  if (at < hasher->pieces->count) return 0;
  return await_free() == 0 ? hasher_await(hasher) : -1;
}

/* The hash of all, when `waiting` pieces may still be unhashed. Returns 0, or -1. */
static int end_hash(struct hasher *hasher, size_t waiting, uint8_t *sha256) {
  for (; waiting > 0; waiting--)
    if (hasher_await(hasher) != 0) return -1;
  return hasher_end(hasher, sha256);
}

/* Returns the exit code. */
static int inflate_all(struct hasher *hasher) {
  const struct pieces *pieces = hasher->pieces;
  struct record record = {0};
  for (size_t at = 0;; at++) {
    if (await_piece(hasher, at) != 0) return BROKEN;
    long length = gunzip_read(&gunzip, pieces->memory + at % pieces->count * pieces->size, pieces->size);
    if (length < 0) {
      complain(gunzip.error ? gunzip.error : strerror(errno));
      return BROKEN;
    }
    record.taken = gunzip.taken;
    record.length = (uint64_t)length;
    if (length == 0) {
      size_t waiting = at < pieces->count ? at : pieces->count - 1;
      return end_hash(hasher, waiting, record.sha256) == 0 && tell(&record) == 0 ? 0 : BROKEN;
    }
    if (hasher_give(hasher, (size_t)length) != 0 || tell(&record) != 0) return BROKEN;
  }
}

int main(int count, char **arguments) {
  static struct pieces pieces;
  static struct hasher hasher;
  if (count != 2 || open_pieces(&pieces, arguments[1]) != 0) {
    complain("usage: wharfd-inflate PIECE-BYTES, with descriptors 0 to 4 as its source says");
    return MISUSED;
  }
  become_nobody();
  if (hasher_start(&hasher, &pieces) != 0) {
    complain(strerror(errno));
    return MISUSED;
  }
  enter_sandbox();
  gunzip_open(&gunzip, BLOB);
  _exit(inflate_all(&hasher));
}
