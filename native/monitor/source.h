/* Our end of the process's stdout or stderr, or the terminal's master. */
#ifndef SOURCE_H
#define SOURCE_H

#include "sink.h"

struct source {
    int fd; /* -1: none, or at its end */
    bool pipe; /* else a terminal, whose descriptor is not ours to close */
    struct sink *sink;
    int slot;
};

void source_open(struct source *source, int fd, bool pipe, struct sink *sink);
void source_prepare(struct source *source, struct pollset *set);
void source_handle(struct source *source, const struct pollset *set);

#endif
