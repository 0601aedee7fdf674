#define _GNU_SOURCE
#include "sink.h"
#include "control.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPLICE_BYTES (1 << 20)

const char *sink_check(const struct stdio_spec *spec)
{
    struct stat info;
    if (spec->kind != SPEC_PATH) return NULL;
    if (stat(spec->path, &info) != 0) return strerror(errno);
    if (S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode) || S_ISCHR(info.st_mode)) return NULL;
    return "neither a FIFO nor a file";
}

/* The kept bytes become the log's as well, now that nobody is there for them. */
static void log_kept(struct sink *sink)
{
    struct iovec pieces[2];
    int count = sink->log_all ? 0 : ring_pieces(&sink->ring, sink->ring.tail, pieces);
    for (int i = 0; i < count; i++) logfile_write(sink->log, sink->stream, pieces[i].iov_base, pieces[i].iov_len);
}

/*
 * The old write end stays open meanwhile: what the reader left unread in the FIFO is lost only when both ends are closed.
 */
static void reader_is_gone(struct sink *sink)
{
    log_kept(sink);
    sink->reader = READER_GONE;
    sink->blocked = false;
    opener_start(&sink->opener, sink->path);
}

static void close_if_done(struct sink *sink)
{
    bool fifo_done = sink->kind == SINK_FIFO && sink->reader == READER_PRESENT && ring_used(&sink->ring) == 0;
    if (sink->fd < 0 || !sink->ended || (sink->kind != SINK_FILE && !fifo_done)) return;
    close(sink->fd);
    sink->fd = -1;
}

static void flush_fifo(struct sink *sink)
{
    if (ring_used(&sink->ring) > 0 && ring_flush(&sink->ring, sink->fd) < 0) {
        if (errno == EAGAIN) sink->blocked = true;
        else reader_is_gone(sink);
    }
    close_if_done(sink);
}

static void reader_is_there(struct sink *sink, int fd)
{
    if (sink->fd >= 0) close(sink->fd);
    sink->fd = fd;
    sink->reader = READER_PRESENT;
    sink->blocked = false;
    flush_fifo(sink);
}

static void open_fifo(struct sink *sink)
{
    sink->kind = SINK_FIFO;
    sink->reader = READER_AWAITED;
    int fd = open(sink->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) reader_is_there(sink, fd);
    else opener_start(&sink->opener, sink->path);
}

static void open_path(struct sink *sink)
{
    struct stat info;
    if (stat(sink->path, &info) == 0 && S_ISFIFO(info.st_mode)) {
        open_fifo(sink);
        return;
    }
    sink->kind = SINK_FILE;
    sink->fd = open(sink->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (sink->fd < 0) note("open %s: %s; its output goes to the log", sink->path, strerror(errno));
}

void sink_open(struct sink *sink, const struct stdio_spec *spec, int stream, bool log_all)
{
    sink->stream = stream;
    sink->fd = -1;
    sink->path = spec->path;
    sink->opener.notify = -1;
    sink->log_all = spec->kind == SPEC_LOG || (log_all && spec->kind == SPEC_ATTACH);
    if (spec->kind == SPEC_PATH) open_path(sink);
    if (spec->kind == SPEC_ATTACH || spec->kind == SPEC_LOG) {
        sink->kind = SINK_CLIENTS;
        sink->reader = spec->kind == SPEC_LOG ? READER_GONE : READER_AWAITED;
    }
}

size_t sink_room(const struct sink *sink)
{
    if (sink->kind == SINK_FILE || sink->kind == SINK_NONE || sink->reader == READER_GONE) return SIZE_MAX;
    if (sink->kind == SINK_CLIENTS && sink->reader == READER_PRESENT) return control_output_room(sink->control);
    return ring_room(&sink->ring);
}

bool sink_splices(const struct sink *sink)
{
    return sink->kind == SINK_FIFO && sink->reader == READER_PRESENT;
}

ssize_t sink_splice(struct sink *sink, int from)
{
    if (sink->blocked || ring_used(&sink->ring) > 0) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t moved = splice(from, NULL, sink->fd, NULL, SPLICE_BYTES, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved >= 0) return moved;
    /* EAGAIN does not say which side; if it was the source, the FIFO is writable and unblocks at the next turn. */
    if (errno == EAGAIN) sink->blocked = true;
    else if (errno != EINTR) reader_is_gone(sink);
    errno = EAGAIN;
    return -1;
}

static void take_for_clients(struct sink *sink, const char *bytes, size_t size)
{
    if (sink->log_all || sink->reader == READER_GONE) logfile_write(sink->log, sink->stream, bytes, size);
    ring_push(&sink->ring, bytes, size);
    control_output(sink->control, sink->stream, bytes, size);
}

static void take_for_file(struct sink *sink, const char *bytes, size_t size)
{
    if (sink->fd >= 0 && write_all(sink->fd, bytes, size) == 0) return;
    if (sink->fd >= 0) {
        note("write %s: %s; its output goes to the log", sink->path, strerror(errno));
        close(sink->fd);
        sink->fd = -1;
    }
    logfile_write(sink->log, sink->stream, bytes, size);
}

void sink_take(struct sink *sink, const char *bytes, size_t size)
{
    switch (sink->kind) {
    case SINK_NONE: return;
    case SINK_FILE: take_for_file(sink, bytes, size); return;
    case SINK_CLIENTS: take_for_clients(sink, bytes, size); return;
    case SINK_FIFO:
        if (sink->reader == READER_GONE) logfile_write(sink->log, sink->stream, bytes, size);
        ring_push(&sink->ring, bytes, size);
        if (sink->reader == READER_PRESENT && !sink->blocked) flush_fifo(sink);
    }
}

void sink_source_ended(struct sink *sink)
{
    sink->ended = true;
    if (sink->kind == SINK_CLIENTS) control_output_end(sink->control, sink->stream);
    close_if_done(sink);
}

void sink_reader_came(struct sink *sink)
{
    if (sink->kind == SINK_CLIENTS) sink->reader = READER_PRESENT;
}

void sink_reader_left(struct sink *sink)
{
    if (sink->kind != SINK_CLIENTS) return;
    sink->reader = READER_GONE;
    sink->seen = sink->ring.head;
}

void sink_prepare(struct sink *sink, struct pollset *set)
{
    bool present = sink->kind == SINK_FIFO && sink->reader == READER_PRESENT;
    bool full = sink->blocked || ring_used(&sink->ring) > 0;
    sink->fd_slot = present ? pollset_add(set, sink->fd, full ? POLLOUT : 0) : -1;
    sink->opener_slot = sink->opener.running ? pollset_add(set, sink->opener.notify, POLLIN) : -1;
}

void sink_handle(struct sink *sink, const struct pollset *set)
{
    if (pollset_result(set, sink->opener_slot)) {
        int fd = opener_take(&sink->opener);
        if (fd >= 0) {
            reader_is_there(sink, fd);
        } else {
            note("open %s: %s; its output goes to the log", sink->path, strerror(errno));
            log_kept(sink);
            sink->reader = READER_GONE;
        }
        return;
    }
    short result = pollset_result(set, sink->fd_slot);
    if (result & POLLERR) {
        reader_is_gone(sink);
    } else if (result & POLLOUT) {
        sink->blocked = false;
        flush_fifo(sink);
    }
}

uint64_t sink_tick(struct sink *sink, uint64_t now)
{
    bool may_wait = sink->kind == SINK_FIFO || sink->kind == SINK_CLIENTS;
    bool full = ring_room(&sink->ring) == 0 || (sink->ended && ring_used(&sink->ring) > 0);
    if (!may_wait || sink->reader != READER_AWAITED || !full) return sink->gives_up_at = 0;
    if (sink->gives_up_at == 0) sink->gives_up_at = now + sink->grace_ms;
    if (now < sink->gives_up_at) return sink->gives_up_at;
    log_kept(sink);
    sink->reader = READER_GONE;
    return sink->gives_up_at = 0;
}

bool sink_settled(const struct sink *sink)
{
    if (sink->kind == SINK_NONE) return true;
    if (!sink->ended) return false;
    if (sink->kind == SINK_FILE || sink->reader == READER_GONE) return true;
    if (sink->kind == SINK_CLIENTS && sink->reader == READER_PRESENT) return control_output_sent(sink->control);
    return ring_used(&sink->ring) == 0;
}
