#include "logfile.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void give_up(struct logfile *log, const char *what)
{
    note("%s %s: %s; its output is no longer logged", what, log->path, strerror(errno));
    if (log->fd >= 0) close(log->fd);
    log->fd = -1;
    log->path = NULL;
}

static int open_log(struct logfile *log)
{
    struct stat info;
    if (log->fd >= 0) return 0;
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0 || fstat(log->fd, &info) != 0) return -1;
    log->size = (uint64_t)info.st_size;
    return 0;
}

static int rotate(struct logfile *log)
{
    char old[4096];
    snprintf(old, sizeof old, "%s.1", log->path);
    close(log->fd);
    log->fd = -1;
    if (rename(log->path, old) != 0) return -1;
    return open_log(log);
}

static void write_record(struct logfile *log, const char *head, const char *text, size_t size)
{
    struct iovec parts[3] = {{(char *)head, strlen(head)}, {(char *)text, size}, {"\n", 1}};
    size_t total = parts[0].iov_len + size + 1;
    if (open_log(log) != 0) {
        give_up(log, "cannot open");
        return;
    }
    if (log->size > 0 && log->size + total > log->limit && rotate(log) != 0) {
        give_up(log, "cannot rotate");
        return;
    }
    ssize_t done = writev(log->fd, parts, 3);
    if (done > 0) log->size += (uint64_t)done;
    if (done < 0) give_up(log, "cannot write");
}

void logfile_write(struct logfile *log, int stream, const char *bytes, size_t size)
{
    char time[TIMESTAMP_BYTES], head[TIMESTAMP_BYTES + 16];
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    timestamp(time, &at);
    while (size > 0 && log->path != NULL) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;
        snprintf(head, sizeof head, "%s %s %c ", time, stream == 2 ? "stderr" : "stdout", newline ? 'F' : 'P');
        write_record(log, head, bytes, length);
        length += newline != NULL;
        bytes += length;
        size -= length;
    }
}
