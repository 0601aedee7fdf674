#define _GNU_SOURCE
#include "hasher.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* The calls that need no providers, and so nothing of libcrypto but this function. */
#include <openssl/sha.h>

enum { END = 0 };

/* Waits until a counter is above 0, and takes one off it. */
static int get(int counter) {
  uint64_t one;
  ssize_t count;
  do count = read(counter, &one, sizeof one);
  while (count < 0 && errno == EINTR);
  return count == sizeof one ? 0 : -1;
}

static int put(int counter) {
  const uint64_t one = 1;
  ssize_t count;
  do count = write(counter, &one, sizeof one);
  while (count < 0 && errno == EINTR);
  return count == sizeof one ? 0 : -1;
}

static void *hash_pieces(void *owner) {
  struct hasher *hasher = owner;
  const struct pieces *pieces = hasher->pieces;
  SHA256_CTX context;
  SHA256_Init(&context);
  if (put(hasher->hashed) != 0) return NULL; /* The thread's own beginnings are over. */
  for (size_t at = 0; get(hasher->filled) == 0; at++) {
    size_t length = hasher->lengths[at % pieces->count];
    if (length == END)
      SHA256_Final(hasher->sha256, &context);
    else
      SHA256_Update(&context, pieces->memory + at % pieces->count * pieces->size, length);
    if (put(hasher->hashed) != 0) break;
  }
  return NULL;
}

int hasher_start(struct hasher *hasher, const struct pieces *pieces) {
  pthread_t thread;
  hasher->pieces = pieces;
  hasher->given = 0;
  hasher->lengths = calloc(pieces->count, sizeof *hasher->lengths);
  hasher->filled = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
  hasher->hashed = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
  if (!hasher->lengths || hasher->filled < 0 || hasher->hashed < 0) return -1;
  if (pthread_create(&thread, NULL, hash_pieces, hasher) != 0) return -1;
  return hasher_await(hasher);
}

int hasher_give(struct hasher *hasher, size_t length) {
  hasher->lengths[hasher->given++ % hasher->pieces->count] = length;
  return put(hasher->filled);
}

int hasher_await(const struct hasher *hasher) { return get(hasher->hashed); }

int hasher_end(struct hasher *hasher, uint8_t sha256[HASH_BYTES]) {
  if (hasher_give(hasher, END) != 0 || hasher_await(hasher) != 0) return -1;
  memcpy(sha256, hasher->sha256, HASH_BYTES);
  return 0;
}
