#include "ring.h"

#include <string.h>

void ring_push(struct ring *ring, const char *bytes, size_t size)
{
    if (size > RING_BYTES) {
        ring->head += size - RING_BYTES;
        bytes += size - RING_BYTES;
        size = RING_BYTES;
    }
    size_t at = (size_t)(ring->head % RING_BYTES);
    size_t first = size < RING_BYTES - at ? size : RING_BYTES - at;
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, bytes + first, size - first);
    ring->head += size;
    if (ring->head - ring->tail > RING_BYTES) ring->tail = ring->head - RING_BYTES;
}

int ring_pieces(struct ring *ring, uint64_t from, struct iovec pieces[2])
{
    if (from < ring->tail) from = ring->tail;
    size_t size = (size_t)(ring->head - from);
    size_t at = (size_t)(from % RING_BYTES);
    size_t first = size < RING_BYTES - at ? size : RING_BYTES - at;
    if (size == 0) return 0;
    pieces[0] = (struct iovec){ring->bytes + at, first};
    if (first == size) return 1;
    pieces[1] = (struct iovec){ring->bytes, size - first};
    return 2;
}

void ring_drop(struct ring *ring, size_t size)
{
    ring->tail += size < ring_used(ring) ? size : ring_used(ring);
}

ssize_t ring_flush(struct ring *ring, int fd)
{
    struct iovec pieces[2];
    int count = ring_pieces(ring, ring->tail, pieces);
    if (count == 0) return 0;
    ssize_t done = writev(fd, pieces, count);
    if (done > 0) ring_drop(ring, (size_t)done);
    return done;
}
