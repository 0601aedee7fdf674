/* The descriptors that one turn of the loop waits for. */
#ifndef POLLSET_H
#define POLLSET_H

#include <poll.h>

#define POLLSET_MAX 48

struct pollset {
    struct pollfd fds[POLLSET_MAX];
    int count;
};

/* Adds a descriptor; events 0 still reports errors and hang-up. Returns its slot, -1 for a negative descriptor. */
int pollset_add(struct pollset *set, int fd, short events);

/* What came back for a slot; 0 for slot -1. */
short pollset_result(const struct pollset *set, int slot);

#endif
