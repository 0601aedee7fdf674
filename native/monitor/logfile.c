#include "logfile.h"
#include "logscan.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES (TIMESTAMP_BYTES + 16)
/* Of one record; longer lines are split into partial ones. */
#define TEXT_MAX 16384
/* Of a line about the log itself. */
#define MARK_MAX (HEAD_BYTES + 64)

static void now(char time[TIMESTAMP_BYTES])
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    timestamp(time, &at);
}

/* Nothing can be written for now: what was to be is counted, and the next write tries again. */
static void lose(struct logfile *log)
{
    if (log->lost == 0) note("writing %s: %s; output is counted instead of logged", log->path, strerror(errno));
    log->lost += log->pending_output;
    log->pending = 0;
    log->pending_output = 0;
    if (log->fd >= 0) {
        /* A record is there whole or not at all. */
        if (ftruncate(log->fd, (off_t)log->size) != 0) note("truncating %s: %s", log->path, strerror(errno));
        close(log->fd);
    }
    log->fd = -1;
}

static int put(struct logfile *log, const char *bytes, size_t size)
{
    if (write_all(log->fd, bytes, size) != 0) return -1;
    log->size += size;
    return 0;
}

/* A line about the log itself; its length. */
static size_t mark(char line[MARK_MAX], const char *what, uint64_t first, uint64_t second)
{
    char time[TIMESTAMP_BYTES];
    now(time);
    int length = snprintf(line, MARK_MAX, "%s wharfd F %s %llu %llu\n", time, what, (unsigned long long)first,
                          (unsigned long long)second);
    return (size_t)length;
}

static int put_mark(struct logfile *log, const char *what, uint64_t first, uint64_t second)
{
    char line[MARK_MAX];
    return put(log, line, mark(line, what, first, second));
}

/* Goes on with what a monitor before this one has written. */
static int take_over(struct logfile *log)
{
    char last = '\n';
    if (log_scan(log->fd, &log->position, &log->number) != 0) return -1;
    if (pread(log->fd, &last, 1, (off_t)log->size - 1) < 0) return -1;
    return last == '\n' ? 0 : put(log, "\n", 1);
}

static int open_log(struct logfile *log)
{
    struct stat info;
    if (log->fd >= 0) return 0;
    log->fd = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0 || fstat(log->fd, &info) != 0) return -1;
    log->size = (uint64_t)info.st_size;
    if (log->size > 0 && log->position == 0 && take_over(log) != 0) return -1;
    if (log->size == 0 && log->position > 0 && put_mark(log, "at", log->position, log->number) != 0) return -1;
    if (log->lost == 0) return 0;
    if (put_mark(log, "lost", log->lost, log->position) != 0) return -1;
    log->lost = 0;
    return 0;
}

static int rotate(struct logfile *log)
{
    char full[4096], oldest[4096];
    close(log->fd);
    log->fd = -1;
    snprintf(full, sizeof full, "%s.%llu", log->path, (unsigned long long)log->number);
    if (rename(log->path, full) != 0) return -1;
    log->number++;
    if (log->number > log->files) {
        snprintf(oldest, sizeof oldest, "%s.%llu", log->path, (unsigned long long)(log->number - log->files));
        if (unlink(oldest) != 0 && errno != ENOENT) return -1;
    }
    return open_log(log);
}

static void flush(struct logfile *log)
{
    if (log->pending == 0) return;
    if (open_log(log) != 0 || put(log, log->buffer, log->pending) != 0) {
        lose(log);
        return;
    }
    log->position += log->pending_output;
    log->pending = 0;
    log->pending_output = 0;
}

static void add(struct logfile *log, const char *bytes, size_t size)
{
    memcpy(log->buffer + log->pending, bytes, size);
    log->pending += size;
}

/* Makes room in the buffer for a record of `size` bytes, and in the file for it and all before it. */
static void make_room(struct logfile *log, size_t size)
{
    if (log->pending + size > sizeof log->buffer) flush(log);
    if (open_log(log) != 0) return;
    if (log->size + log->pending == 0 || log->size + log->pending + size <= log->limit) return;
    flush(log);
    if (log->fd >= 0 && log->size > 0 && rotate(log) != 0) lose(log);
}

void logfile_write(struct logfile *log, int stream, const char *bytes, size_t size)
{
    char time[TIMESTAMP_BYTES], head[HEAD_BYTES];
    if (log->path == NULL) return;
    now(time);
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t length = newline ? (size_t)(newline - bytes) : size;
        bool whole = newline != NULL && length <= TEXT_MAX;
        if (length > TEXT_MAX) length = TEXT_MAX;
        int used = snprintf(head, sizeof head, "%s %s %c ", time, stream == 2 ? "stderr" : "stdout", whole ? 'F' : 'P');
        make_room(log, (size_t)used + length + 1);
        add(log, head, (size_t)used);
        add(log, bytes, length);
        add(log, "\n", 1);
        length += whole;
        log->pending_output += length;
        bytes += length;
        size -= length;
    }
    flush(log);
}

/* Blocks that a file has already take no room: its last records give way to the mark, and are lost, too. */
static int put_in_place(struct logfile *log, int fd)
{
    char line[MARK_MAX];
    struct stat info;
    struct log_cut cut;
    if (fstat(fd, &info) != 0) return -1;
    off_t start = info.st_size > (off_t)sizeof log->buffer ? info.st_size - (off_t)sizeof log->buffer : 0;
    size_t size = (size_t)(info.st_size - start);
    if (pread(fd, log->buffer, size, start) != (ssize_t)size) return -1;
    if (log_cut(log->buffer, size, start == 0, MARK_MAX, &cut) != 0) return -1;
    size_t length = mark(line, "lost", log->lost + cut.lost + cut.output, log->position - cut.output);
    off_t at = start + (off_t)cut.at;
    if (pwrite(fd, line, length, at) != (ssize_t)length) return -1;
    return ftruncate(fd, at + (off_t)length);
}

/* Where the last record is: when the disk got full as a new file was begun, in the one before it. */
static int open_last(const struct logfile *log)
{
    char full[4096];
    struct stat info;
    const char *path = log->path;
    if (log->number > 1 && (stat(log->path, &info) != 0 || info.st_size == 0)) {
        snprintf(full, sizeof full, "%s.%llu", log->path, (unsigned long long)log->number - 1);
        path = full;
    }
    /* Not by the log's own kind of descriptor, which appends wherever it is told to write. */
    return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

void logfile_end(struct logfile *log)
{
    if (log->path == NULL || log->lost == 0 || open_log(log) == 0) return;
    lose(log);
    int fd = open_last(log);
    if (fd < 0 || put_in_place(log, fd) != 0)
        note("%s: that its last %llu bytes are lost can't be told", log->path, (unsigned long long)log->lost);
    if (fd >= 0) close(fd);
}
