#include "input.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 16384

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

void input_init(struct input *input)
{
    input->from = input->hold = input->to = -1;
    input->from_slot = input->to_slot = -1;
}

void input_hangup(struct input *input)
{
    close_fd(&input->from);
    close_fd(&input->hold);
    if (input->pipe) close_fd(&input->to);
    input->to = -1;
    ring_drop(&input->ring, RING_BYTES);
}

static void flush(struct input *input)
{
    if (input->to >= 0 && ring_used(&input->ring) > 0 && ring_flush(&input->ring, input->to) < 0 && errno != EAGAIN &&
        errno != EINTR) {
        input_hangup(input);
        return;
    }
    /* A terminal has no half-close: only a pipe is told the end. */
    if (input->ending && ring_used(&input->ring) == 0 && input->pipe) close_fd(&input->to);
}

static void fetch(struct input *input)
{
    char chunk[CHUNK_BYTES];
    size_t room = ring_room(&input->ring);
    if (input->from < 0 || room == 0) return;
    ssize_t got = read(input->from, chunk, room < sizeof chunk ? room : sizeof chunk);
    if (got > 0) {
        ring_push(&input->ring, chunk, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_fd(&input->from);
        close_fd(&input->hold);
        input->ending = true;
    }
}

void input_open(struct input *input, const struct stdio_spec *spec, int to, bool pipe)
{
    struct stat info;
    input->to = to;
    input->pipe = pipe;
    set_nonblocking(to);
    if (spec->kind != SPEC_PATH) {
        input->ending = input->closed;
        flush(input);
        return;
    }
    input->from = open(spec->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (input->from < 0) {
        note("open %s: %s; the process has no stdin", spec->path, strerror(errno));
        input->ending = true;
    } else if (fstat(input->from, &info) == 0 && S_ISFIFO(info.st_mode)) {
        input->hold = open(spec->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    }
    if (input->closed) input_close(input);
}

size_t input_room(const struct input *input)
{
    return input->to < 0 ? RING_BYTES : ring_room(&input->ring);
}

void input_push(struct input *input, const char *bytes, size_t size)
{
    if (input->to < 0 || input->ending) return;
    ring_push(&input->ring, bytes, size);
    flush(input);
}

void input_close(struct input *input)
{
    input->closed = true;
    if (input->to < 0) return;
    close_fd(&input->hold);
    if (input->from < 0) input->ending = true;
    else fetch(input);
    flush(input);
}

void input_prepare(struct input *input, struct pollset *set)
{
    bool full = ring_used(&input->ring) > 0;
    input->from_slot = ring_room(&input->ring) > 0 ? pollset_add(set, input->from, POLLIN) : -1;
    /* Without bytes to write a pipe is watched for its reader's end only. */
    input->to_slot = full || input->pipe ? pollset_add(set, input->to, full ? POLLOUT : 0) : -1;
}

void input_handle(struct input *input, const struct pollset *set)
{
    if (input->pipe && pollset_result(set, input->to_slot) & POLLERR) {
        input_hangup(input);
        return;
    }
    if (pollset_result(set, input->from_slot)) fetch(input);
    flush(input);
}
