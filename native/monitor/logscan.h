/* How much output a file of the log stands for. */
#ifndef LOGSCAN_H
#define LOGSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The position after the last record of the open file, and the file's number: those of its `at` line, where it has one (else 0 and 1), and
 * the output after it. -1 with errno.
 */
int log_scan(int fd, uint64_t *position, uint64_t *number);

/* Records at the end of a file that give way to a mark. */
struct log_cut {
    size_t at;       /* where the first of them begins */
    uint64_t output; /* bytes of output in them */
    uint64_t lost;   /* bytes that marks among them tell of */
};

/*
 * The fewest last records that have `room` bytes together, of a file that ends with `tail`; `whole`: the tail is all of it. -1 where there
 * are none, or the line that the file begins with would be among them.
 */
int log_cut(const char *tail, size_t size, bool whole, size_t room, struct log_cut *cut);

#endif
