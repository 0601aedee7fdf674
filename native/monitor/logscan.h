/* How much output a file of the log stands for. */
#ifndef LOGSCAN_H
#define LOGSCAN_H

#include <stdint.h>

/*
 * The position after the last record of the open file, and the file's number: those of its `at` line, where it has one (else 0 and 1), and
 * the output after it. -1 with errno.
 */
int log_scan(int fd, uint64_t *position, uint64_t *number);

#endif
