#define _GNU_SOURCE
#include "gunzip.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Zeros behind the last member are padding. Everything else there has to be a member. */
enum { PADDING = 0 };

void gunzip_open(struct gunzip *gunzip, int fd) {
  isal_inflate_init(&gunzip->state);
  gunzip->state.crc_flag = ISAL_GZIP;
  gunzip->state.avail_in = 0;
  gunzip->fd = fd;
  gunzip->taken = 0;
  gunzip->in_member = gunzip->at_end = 0;
  gunzip->error = NULL;
}

/* Returns 0 when there is input, 1 at the end of the file, -1 when it can't be read. */
static int more_input(struct gunzip *gunzip) {
  if (gunzip->state.avail_in > 0) return 0;
  ssize_t count;
  do count = read(gunzip->fd, gunzip->input, sizeof gunzip->input);
  while (count < 0 && errno == EINTR);
  if (count < 0) return -1;
  gunzip->taken += (uint64_t)count;
  gunzip->state.next_in = gunzip->input;
  gunzip->state.avail_in = (uint32_t)count;
  return count == 0;
}

static const char *error_of(int result) {
  switch (result) {
  case ISAL_INVALID_WRAPPER:
    return "a member does not begin as gzip does";
  case ISAL_UNSUPPORTED_METHOD:
    return "a member is packed by something else than deflate";
  case ISAL_INCORRECT_CHECKSUM:
    return "incorrect data check";
  case ISAL_INVALID_LOOKBACK:
    return "invalid distance too far back";
  case ISAL_NEED_DICT:
    return "it needs a dictionary";
  default:
    return "invalid block";
  }
}

/* Begins the next member. Returns 0, or 1 when there is none, or -1. */
static int next_member(struct gunzip *gunzip) {
  int got = more_input(gunzip);
  if (got != 0) return got;
  if (gunzip->taken > gunzip->state.avail_in && gunzip->state.next_in[0] == PADDING) return 1;
  uint8_t *next = gunzip->state.next_in;
  uint32_t available = gunzip->state.avail_in;
  isal_inflate_reset(&gunzip->state);
  gunzip->state.crc_flag = ISAL_GZIP;
  gunzip->state.next_in = next;
  gunzip->state.avail_in = available;
  gunzip->in_member = 1;
  return 0;
}

/* Returns 0 to go on, 1 at the end of the file, or -1. */
static int step(struct gunzip *gunzip) {
  if (!gunzip->in_member) return next_member(gunzip);
  int got = more_input(gunzip);
  if (got < 0) return -1;
  int result = isal_inflate(&gunzip->state);
  if (result < 0 || result == ISAL_NEED_DICT) {
    gunzip->error = error_of(result);
    return -1;
  }
  if (gunzip->state.block_state == ISAL_BLOCK_FINISH) {
    gunzip->in_member = 0;
    return 0;
  }
  if (got == 1 && gunzip->state.avail_out > 0) {
    gunzip->error = "unexpected end of file";
    return -1;
  }
  return 0;
}

long gunzip_read(struct gunzip *gunzip, uint8_t *into, size_t size) {
  gunzip->state.next_out = into;
  gunzip->state.avail_out = (uint32_t)size;
  while (!gunzip->at_end && (gunzip->state.avail_out > 0 || !gunzip->in_member)) {
    int result = step(gunzip);
    if (result < 0) return -1;
    gunzip->at_end = result;
  }
  return (long)(size - gunzip->state.avail_out);
}
