/* Learns of out-of-memory kills in the process's memory cgroup: eventfd on cgroup v1, memory.events on v2. */
#ifndef OOM_H
#define OOM_H

#include "pollset.h"

#include <stdbool.h>
#include <sys/types.h>

struct oom {
    int counts;  /* memory.oom_control or memory.events; -1: not watched */
    int eventfd; /* v1 */
    long long kills;
    int slot;
};

/* Watches the cgroup of `pid`; what does not work is noted and leaves OOM unreported. */
void oom_watch(struct oom *oom, pid_t pid);

void oom_prepare(struct oom *oom, struct pollset *set);
void oom_handle(struct oom *oom, const struct pollset *set);

/* True when there were more kills than at the last call. */
bool oom_happened(struct oom *oom);

#endif
