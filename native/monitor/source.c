#include "source.h"
#include "util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES 16384

void source_open(struct source *source, int fd, bool pipe, struct sink *sink)
{
    *source = (struct source){.fd = fd, .pipe = pipe, .sink = sink, .slot = -1};
    set_nonblocking(fd);
}

static bool wanted(const struct source *source)
{
    const struct sink *sink = source->sink;
    if (source->pipe && sink_splices(sink)) return !sink->blocked && ring_used(&sink->ring) == 0;
    return sink_room(sink) > 0;
}

void source_prepare(struct source *source, struct pollset *set)
{
    /* Left out altogether when not wanted: hang-up would be reported again and again. */
    source->slot = source->fd >= 0 && wanted(source) ? pollset_add(set, source->fd, POLLIN) : -1;
}

static void end(struct source *source)
{
    if (source->pipe) close(source->fd);
    source->fd = -1;
    sink_source_ended(source->sink);
}

void source_handle(struct source *source, const struct pollset *set)
{
    char chunk[CHUNK_BYTES];
    ssize_t got;
    if (pollset_result(set, source->slot) == 0) return;
    if (source->pipe && sink_splices(source->sink)) {
        got = sink_splice(source->sink, source->fd);
    } else {
        /* The other stream may have used up the room of this turn. */
        size_t room = sink_room(source->sink);
        if (room == 0) return;
        got = read(source->fd, chunk, room < sizeof chunk ? room : sizeof chunk);
        if (got > 0) sink_take(source->sink, chunk, (size_t)got);
    }
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return;
    /* A terminal says EIO when nobody has its other side open any more. */
    if (got < 0 && errno != EIO) note("reading stream %d: %s", source->sink->stream, strerror(errno));
    end(source);
}
