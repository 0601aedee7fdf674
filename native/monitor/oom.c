#define _GNU_SOURCE
#include "oom.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* True if `list`, joined by commas, has `word`. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
    }
    return false;
}

/* Lines of cgroups(7) are "number:controllers:path". Finds the path for "memory", else for the unified hierarchy. */
static bool find_cgroup(char *text, char *path, size_t size, bool *unified)
{
    char *rest = NULL;
    bool found = false;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *where = controllers ? strchr(controllers + 1, ':') : NULL;
        if (where == NULL) continue;
        *controllers++ = 0;
        *where++ = 0;
        bool memory = has_word(controllers, "memory");
        if (!memory && (found || strcmp(line, "0") != 0)) continue;
        snprintf(path, size, "%s", where);
        *unified = !memory;
        found = true;
        if (memory) break;
    }
    return found;
}

/* One line of mountinfo (proc(5)): true if it is the hierarchy we look for; its root and mount point. */
static bool is_hierarchy(char *line, bool unified, char **root, char **point)
{
    char *rest = NULL, *fields[5];
    char *tail = strstr(line, " - ");
    if (tail == NULL) return false;
    *tail = 0;
    for (int i = 0; i < 5; i++) {
        fields[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (fields[i] == NULL) return false;
    }
    char *type = strtok_r(tail + 3, " ", &rest);
    char *source = strtok_r(NULL, " ", &rest);
    char *super = strtok_r(NULL, " \n", &rest);
    if (type == NULL || source == NULL || super == NULL) return false;
    *root = fields[3];
    *point = fields[4];
    return unified ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && has_word(super, "memory");
}

/* The directory of a cgroup in the file system. */
static bool find_directory(const char *cgroup, bool unified, char *out, size_t size)
{
    char *line = NULL;
    size_t allocated = 0;
    bool found = false;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (!found && mounts != NULL && getline(&line, &allocated, mounts) > 0) {
        char *root, *point;
        if (!is_hierarchy(line, unified, &root, &point)) continue;
        size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(cgroup, root, skip) != 0) continue;
        found = snprintf(out, size, "%s%s", point, cgroup + skip) < (int)size;
    }
    free(line);
    if (mounts != NULL) fclose(mounts);
    return found;
}

/* cgroup v1: "EVENTFD TARGET" written to cgroup.event_control (kernel's admin-guide/cgroup-v1/memory.rst). */
static bool register_v1(struct oom *oom, int dir)
{
    char text[32];
    oom->counts = openat(dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
    int control = openat(dir, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
    oom->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int length = snprintf(text, sizeof text, "%d %d", oom->eventfd, oom->counts);
    bool done = oom->counts >= 0 && control >= 0 && oom->eventfd >= 0 && write_all(control, text, (size_t)length) == 0;
    int saved = errno;
    if (control >= 0) close(control);
    errno = saved;
    return done;
}

static long long count_kills(const struct oom *oom)
{
    char text[1024];
    ssize_t got = oom->counts < 0 ? -1 : pread(oom->counts, text, sizeof text - 1, 0);
    if (got <= 0) return -1;
    text[got] = 0;
    const char *at = strstr(text, "oom_kill ");
    return at ? strtoll(at + strlen("oom_kill "), NULL, 10) : -1;
}

static void forget(struct oom *oom)
{
    if (oom->counts >= 0) close(oom->counts);
    if (oom->eventfd >= 0) close(oom->eventfd);
    oom->counts = oom->eventfd = -1;
}

void oom_watch(struct oom *oom, pid_t pid)
{
    char proc[64], text[4096], cgroup[PATH_MAX], path[PATH_MAX * 2];
    bool unified = false;
    snprintf(proc, sizeof proc, "/proc/%d/cgroup", pid);
    if (read_small(AT_FDCWD, proc, text, sizeof text) <= 0 || !find_cgroup(text, cgroup, sizeof cgroup, &unified) ||
        !find_directory(cgroup, unified, path, sizeof path)) {
        note("found no memory cgroup of process %d: out-of-memory kills go unnoticed", pid);
        return;
    }
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool watched = false;
    if (dir >= 0 && unified) watched = (oom->counts = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC)) >= 0;
    else if (dir >= 0) watched = register_v1(oom, dir);
    if (!watched) {
        note("watching %s: %s: out-of-memory kills go unnoticed", path, strerror(errno));
        forget(oom);
    }
    if (dir >= 0) close(dir);

    oom->kills = count_kills(oom);
}

void oom_prepare(struct oom *oom, struct pollset *set)
{
    if (oom->eventfd >= 0) oom->slot = pollset_add(set, oom->eventfd, POLLIN);
    else oom->slot = pollset_add(set, oom->counts, POLLPRI);
}

void oom_handle(struct oom *oom, const struct pollset *set)
{
    uint64_t count;
    if (pollset_result(set, oom->slot) == 0) return;
    if (oom->eventfd >= 0) (void)!read(oom->eventfd, &count, sizeof count);
    /* A removed cgroup signals too, and for ever. */
    if (count_kills(oom) < 0) forget(oom);
}

bool oom_happened(struct oom *oom)
{
    long long kills = count_kills(oom);
    if (kills <= oom->kills) return false;
    oom->kills = kills;
    return true;
}
