#include "pollset.h"

#include <stdlib.h>

int pollset_add(struct pollset *set, int fd, short events)
{
    if (fd < 0) return -1;
    /* All users are bounded and counted: see POLLSET_MAX. */
    if (set->count == POLLSET_MAX) abort();
    set->fds[set->count] = (struct pollfd){.fd = fd, .events = events};
    return set->count++;
}

short pollset_result(const struct pollset *set, int slot)
{
    return slot < 0 ? 0 : set->fds[slot].revents;
}
