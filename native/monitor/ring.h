/* A byte ring of fixed size. Positions count all bytes ever pushed, so that a reader can be told what it missed. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RING_BYTES 65536

struct ring {
    uint64_t head; /* position after the newest byte */
    uint64_t tail; /* position of the oldest byte kept */
    char bytes[RING_BYTES];
};

static inline size_t ring_used(const struct ring *ring)
{
    return (size_t)(ring->head - ring->tail);
}

static inline size_t ring_room(const struct ring *ring)
{
    return RING_BYTES - ring_used(ring);
}

/* Appends; what does not fit pushes out the oldest bytes. */
void ring_push(struct ring *ring, const char *bytes, size_t size);

/* The kept bytes from position `from` on, as one or two pieces; returns how many pieces. */
int ring_pieces(struct ring *ring, uint64_t from, struct iovec pieces[2]);

/* Forgets the oldest `size` bytes. */
void ring_drop(struct ring *ring, size_t size);

/* Writes kept bytes to a descriptor and forgets them: what writev(2) returned, 0 when empty. */
ssize_t ring_flush(struct ring *ring, int fd);

#endif
