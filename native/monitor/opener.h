/*
 * Waits for a FIFO's reader. Only a blocking open(2) notices a reader that itself blocks in open: inotify tells of an
 * open that has succeeded, and both sides would wait for each other. So a thread does it.
 */
#ifndef OPENER_H
#define OPENER_H

#include <pthread.h>
#include <stdbool.h>

struct opener {
    const char *path;
    bool running;
    int notify; /* eventfd, readable when the thread has an answer; -1 until first used */
    int fd;     /* its answer: the write end, or -1 with `error` */
    int error;
    pthread_t thread;
};

/* Begins to wait; nothing happens if it waits already. */
void opener_start(struct opener *opener, const char *path);

/* To be called when `notify` is readable: a non-blocking write end that a reader is at, or -1 with errno. */
int opener_take(struct opener *opener);

#endif
