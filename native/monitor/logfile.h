/* The bounded log: lines in the format of Kubernetes' CRI logs, `time stream F|P text`; a full file becomes FILE.1. */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stddef.h>
#include <stdint.h>

struct logfile {
    const char *path; /* NULL: there is none */
    int fd;           /* -1 until something is written */
    uint64_t size;
    uint64_t limit;
};

/* Appends output of `stream` (1 stdout, 2 stderr). A line without its end is marked P and goes on in the next record. */
void logfile_write(struct logfile *log, int stream, const char *bytes, size_t size);

#endif
