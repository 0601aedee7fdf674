/* Extended (PAX) headers of tar archives that say no more than a long name and an exact time. */
#ifndef WHARFD_PAX_H
#define WHARFD_PAX_H

#include <stddef.h>
#include <time.h>

struct pax {
  const char *path; /* in the data, and not ended by NUL; NULL: none */
  size_t path_length;
  int has_mtime;
  struct timespec mtime; /* from 0 to 2^31 - 1 seconds */
};

/*
 * Reads the records of one header's data (POSIX pax format). Returns 0 for all that is not as plain as that: another key but ctime, which
 * nobody sets, an empty value, a NUL in the name, a time before 1970, whatever is wrong.
 */
int pax_read(const char *data, size_t length, struct pax *out);

#endif
