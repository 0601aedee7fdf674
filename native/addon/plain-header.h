/* Header blocks of tar archives that say all of an entry in the plainest form, as nearly all do. */
#ifndef WHARFD_PLAIN_HEADER_H
#define WHARFD_PLAIN_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { TAR_BLOCK = 512, PLAIN_NAME_MAX = 4096, PLAIN_LINK_MAX = 100 };

struct plain_header {
  char type; /* '0': a file, '2': a symbolic link, '5': a directory, 'x': an extended header */
  char name[PLAIN_NAME_MAX + 1];
  char link[PLAIN_LINK_MAX + 1];
  size_t name_length;
  mode_t mode; /* permission bits with set-user-ID, set-group-ID and sticky */
  uid_t uid;
  gid_t gid;
  int64_t size;          /* bytes of data */
  struct timespec mtime; /* from 0 to 2^31 - 1 seconds since 1970 */
};

struct pax;

/*
 * Reads a block (POSIX.1-1988 ustar, or GNU tar's form of it). Returns 0 for all that is not as plain as that: another type, a number
 * that is not octal, a broken checksum, no name. It is for others then to say what it is, or what is wrong with it.
 */
int plain_header_read(const unsigned char *block, struct plain_header *out);
/* The same for the block that an extended header comes before, which says more of it. */
int plain_header_read_extended(const unsigned char *block, const struct pax *pax, struct plain_header *out);

#endif
