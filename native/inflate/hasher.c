#define _GNU_SOURCE
#include "hasher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* The calls that need no providers, and so nothing of libcrypto but this function. */
#include <openssl/sha.h>

enum { END = 0 };

static int get(int fd, void *into, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t count = read(fd, (uint8_t *)into + done, size - done);
    if (count == 0 || (count < 0 && errno != EINTR)) return -1;
    if (count > 0) done += (size_t)count;
  }
  return 0;
}

/* What is put is shorter than PIPE_BUF: it is written as a whole (pipe(7)). */
static int put(int fd, const void *from, size_t size) {
  ssize_t count;
  do count = write(fd, from, size);
  while (count < 0 && errno == EINTR);
  return count == (ssize_t)size ? 0 : -1;
}

/* A piece: its length comes, a byte goes. The end: the length 0 comes, the hash goes. */
static void *hash_pieces(void *owner) {
  const struct hasher *hasher = owner;
  const struct pieces *pieces = hasher->pieces;
  SHA256_CTX context;
  uint8_t byte = 0, sha256[HASH_BYTES];
  uint32_t length;
  SHA256_Init(&context);
  if (put(hasher->hashed[1], &byte, 1) != 0) return NULL; /* The thread's own beginnings are over. */
  for (size_t at = 0; get(hasher->filled[0], &length, sizeof length) == 0; at++) {
    if (length == END) {
      SHA256_Final(sha256, &context);
      put(hasher->hashed[1], sha256, sizeof sha256);
      continue;
    }
    SHA256_Update(&context, pieces->memory + at % pieces->count * pieces->size, length);
    if (put(hasher->hashed[1], &byte, 1) != 0) break;
  }
  return NULL;
}

int hasher_start(struct hasher *hasher, const struct pieces *pieces) {
  pthread_t thread;
  hasher->pieces = pieces;
  if (pipe2(hasher->filled, O_CLOEXEC) != 0 || pipe2(hasher->hashed, O_CLOEXEC) != 0) return -1;
  if (pthread_create(&thread, NULL, hash_pieces, hasher) != 0) return -1;
  return hasher_await(hasher);
}

int hasher_give(const struct hasher *hasher, size_t length) {
  uint32_t bytes = (uint32_t)length;
  return put(hasher->filled[1], &bytes, sizeof bytes);
}

int hasher_await(const struct hasher *hasher) {
  uint8_t byte;
  return get(hasher->hashed[0], &byte, 1);
}

int hasher_end(const struct hasher *hasher, uint8_t sha256[HASH_BYTES]) {
  return hasher_give(hasher, END) == 0 ? get(hasher->hashed[0], sha256, HASH_BYTES) : -1;
}
