/*
 * The bounded log: lines in the format of Kubernetes' CRI logs, `time stream F|P text`. Full files become FILE.1, FILE.2 and so on in
 * the order of their age; the oldest is dropped. What is dropped or could not be written is told by lines of stream `wharfd` (PROTOCOL.md, "The log").
 */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <stddef.h>
#include <stdint.h>

#define LOG_BUFFER 32768

struct logfile {
    const char *path;        /* NULL: there is none */
    unsigned files;          /* kept at most, the one that is written included */
    uint64_t limit;          /* bytes of one file */
    int fd;                  /* -1 until something is written, and while nothing can be */
    uint64_t size;           /* of the open file */
    uint64_t number;         /* that the open file will have when it is full */
    uint64_t position;       /* bytes of output logged so far */
    uint64_t lost;           /* bytes of output that could not be written since the last success */
    size_t pending;          /* bytes of `buffer` */
    uint64_t pending_output; /* bytes of output in it */
    char buffer[LOG_BUFFER];
};

/* Appends output of `stream` (1 stdout, 2 stderr). A line without its end is marked P and goes on in the next record. */
void logfile_write(struct logfile *log, int stream, const char *bytes, size_t size);

/*
 * At the end of all output: tells what was lost and is not told yet; on a disk that is still full in the place of the last records.
 * Nothing is written after it.
 */
void logfile_end(struct logfile *log);

#endif
