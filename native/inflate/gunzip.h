#ifndef WHARFD_GUNZIP_H
#define WHARFD_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include <isa-l/igzip_lib.h>

enum { GZ_INPUT_BYTES = 256 * 1024 };

/* A file of gzip members one after the other (RFC 1952, 2.2), as it is read. */
struct gunzip {
  struct inflate_state state;
  int fd;
  uint64_t taken; /* compressed bytes that were read */
  int in_member;
  int at_end;
  const char *error; /* what is wrong with the file; NULL: errno says what is wrong with reading it */
  uint8_t input[GZ_INPUT_BYTES];
};

void gunzip_open(struct gunzip *gunzip, int fd);

/* Fills a piece of memory. Returns how many bytes are in it, fewer than its size only at the end of the file; -1: see `error`. */
long gunzip_read(struct gunzip *gunzip, uint8_t *into, size_t size);

#endif
