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
 * The last record has the length 0 and the SHA-256 of everything. Exit codes: 0 after that; 1: the blob is broken; 2: it is called wrongly.
 */
#define _GNU_SOURCE
#include "gunzip.h"
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* The calls that need no providers, and so nothing of libcrypto but this function. */
#include <openssl/sha.h>

enum { BLOB = 0, RECORDS = 1, PIECES = 3, FREE = 4, BROKEN = 1, MISUSED = 2 };

struct record {
  uint64_t taken; /* compressed bytes read so far */
  uint64_t length;
  uint8_t sha256[SHA256_DIGEST_LENGTH];
};

struct pieces {
  uint8_t *memory;
  size_t size, count;
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

/* Returns the exit code. */
static int inflate_all(const struct pieces *pieces) {
  struct record record = {0};
  SHA256_CTX sha256;
  SHA256_Init(&sha256);
  for (size_t at = 0;; at++) {
    if (at >= pieces->count && await_free() != 0) return BROKEN; /* Nobody reads any more. */
    uint8_t *piece = pieces->memory + at % pieces->count * pieces->size;
    long length = gunzip_read(&gunzip, piece, pieces->size);
    if (length < 0) {
      complain(gunzip.error ? gunzip.error : strerror(errno));
      return BROKEN;
    }
    SHA256_Update(&sha256, piece, (size_t)length);
    record.taken = gunzip.taken;
    record.length = (uint64_t)length;
    if (length == 0) SHA256_Final(record.sha256, &sha256);
    if (tell(&record) != 0) return BROKEN;
    if (length == 0) return 0;
  }
}

int main(int count, char **arguments) {
  struct pieces pieces;
  if (count != 2 || open_pieces(&pieces, arguments[1]) != 0) {
    complain("usage: wharfd-inflate PIECE-BYTES, with descriptors 0 to 4 as its source says");
    return MISUSED;
  }
  enter_sandbox();
  gunzip_open(&gunzip, BLOB);
  _exit(inflate_all(&pieces));
}
