#define _GNU_SOURCE
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FEWEST_SLOTS = 256 };

uint64_t keys_seed(void) {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed || seed == 0) seed = 1;
  return seed;
}

/* The finalizer of MurmurHash3. */
static uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdu;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53u;
  return value ^ (value >> 33);
}

uint64_t key_of(uint64_t seed, const char *bytes, size_t length) {
  uint64_t key = mix(seed ^ length);
  for (; length >= sizeof key; bytes += sizeof key, length -= sizeof key) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    key = mix(key ^ word);
  }
  uint64_t rest = 0;
  memcpy(&rest, bytes, length);
  key = mix(key ^ rest);
  return key ? key : 1;
}

static uint64_t *slot_of(const struct keys *keys, uint64_t key) {
  size_t at = key & (keys->room - 1);
  while (keys->slots[at] && keys->slots[at] != key) at = (at + 1) & (keys->room - 1);
  return &keys->slots[at];
}

static int grow(struct keys *keys) {
  struct keys larger = {.room = keys->room ? keys->room * 2 : FEWEST_SLOTS, .used = keys->used};
  larger.slots = calloc(larger.room, sizeof *larger.slots);
  if (!larger.slots) return -ENOMEM;
  for (size_t at = 0; at < keys->room; at++)
    if (keys->slots[at]) *slot_of(&larger, keys->slots[at]) = keys->slots[at];
  free(keys->slots);
  *keys = larger;
  return 0;
}

int keys_add(struct keys *keys, uint64_t key) {
  if (keys_has(keys, key)) return 0;
  if (keys->used * 2 >= keys->room) {
    int failed = grow(keys);
    if (failed) return failed;
  }
  *slot_of(keys, key) = key;
  keys->used++;
  return 0;
}

int keys_has(const struct keys *keys, uint64_t key) { return keys->used > 0 && *slot_of(keys, key) == key; }

void keys_clear(struct keys *keys) {
  if (keys->used > 0) memset(keys->slots, 0, keys->room * sizeof *keys->slots);
  keys->used = 0;
}

void keys_free(struct keys *keys) {
  free(keys->slots);
  *keys = (struct keys){NULL, 0, 0};
}
