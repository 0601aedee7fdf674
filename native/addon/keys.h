/* Sets of names that are remembered by 64 bits of each: that one is there may be wrong, that it is not never is. */
#ifndef WHARFD_KEYS_H
#define WHARFD_KEYS_H

#include <stddef.h>
#include <stdint.h>

struct keys {
  uint64_t *slots; /* 0 where none is */
  size_t room, used;
};

/* A number that whoever chooses the names does not know; 1 where the kernel has none to give. */
uint64_t keys_seed(void);
/* Never 0. */
uint64_t key_of(uint64_t seed, const char *bytes, size_t length);
/* 0, or -ENOMEM. */
int keys_add(struct keys *keys, uint64_t key);
int keys_has(const struct keys *keys, uint64_t key);
void keys_clear(struct keys *keys);
void keys_free(struct keys *keys);

#endif
