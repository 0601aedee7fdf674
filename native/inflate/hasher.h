#ifndef WHARFD_HASHER_H
#define WHARFD_HASHER_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_BYTES = 32 };

/* Memory in pieces of one size, which are filled in turn, from the first on. */
struct pieces {
  uint8_t *memory;
  size_t size, count;
};

/*
 * A thread that hashes pieces (SHA-256) while others are being filled: for a pull of one large layer, inflating is what all else waits for.
 * It is spoken to by eventfd(2), so that the process needs no system calls but read and write; by pipes it would be woken on the processor
 * of the thread that writes, as one that is about to sleep, with another one idle.
 */
struct hasher {
  const struct pieces *pieces;
  size_t *lengths; /* of the pieces that are not hashed */
  size_t given;
  int filled, hashed; /* counters */
  uint8_t sha256[HASH_BYTES];
};

/* Starts the thread, and returns when it needs nothing but to read and write. Returns 0, or -1. */
int hasher_start(struct hasher *hasher, const struct pieces *pieces);

/* The next piece has that many bytes, more than 0. Returns 0, or -1. */
int hasher_give(struct hasher *hasher, size_t length);

/* Waits until the oldest piece that was given is hashed. Returns 0, or -1. */
int hasher_await(const struct hasher *hasher);

/* The hash of all pieces, when `hasher_await` has been called for each of them. Returns 0, or -1. */
int hasher_end(struct hasher *hasher, uint8_t sha256[HASH_BYTES]);

#endif
