/* The daemon's connections: listening, frames in and out, bounded buffers. What requests mean is in requests.c. */
#ifndef CONTROL_H
#define CONTROL_H

#include "frame.h"
#include "pollset.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#define CLIENTS_MAX 16

struct client {
    int fd;        /* -1: free */
    bool greeted;  /* HELLO came: gets events */
    bool attached; /* gets output */
    bool may_be_cut;     /* attached only as long as it keeps up */
    uint64_t stalled_at; /* since when it holds the process up; 0: it does not */
    uint64_t taken;      /* bytes since then */
    bool doomed;   /* to be closed at the end of this turn */
    unsigned char *in;
    size_t in_used;
    unsigned char *out;
    size_t out_start, out_end;
    int slot;
};

/* What a request answers; HANDLE_LATER leaves it in the buffer until there is room for it. */
enum handled { HANDLED, HANDLE_LATER, BROKEN };

struct control {
    int listener;
    int listener_slot;
    uint64_t stall_ms;
    struct client clients[CLIENTS_MAX];
    enum handled (*handle)(void *context, struct client *client, const struct frame *frame);
    void (*left)(void *context, const struct client *client);
    void *context;
};

/* Listens on control.sock in the current directory, 0600; -1 with errno. */
int control_listen(struct control *control);

/* Serves a connected socket. */
void control_adopt(struct control *control, int fd);

/* Queues a frame for one client; one whose buffer is full is closed. */
void client_send(struct client *client, enum frame_type type, int stream, uint16_t tag, const void *payload, size_t size);

/* Queues an event for all that have said HELLO. */
void control_event(struct control *control, enum frame_type type, const char *payload, size_t size);

/* Queues output for all attached; `pieces` of kept output for one. */
void control_output(struct control *control, int stream, const char *bytes, size_t size);
void control_output_end(struct control *control, int stream);
void client_replay(struct client *client, int stream, const struct iovec *pieces, int count);

/* Bytes of output for which every attached client has room. */
size_t control_output_room(const struct control *control);

/* True when no attached client has output waiting. */
bool control_output_sent(const struct control *control);

/* Dooms attached clients that hold the process up and may be cut off; when to ask again, 0 for never. */
uint64_t control_tick(struct control *control, uint64_t now);

int control_attached(const struct control *control);
int control_connected(const struct control *control);

void control_prepare(struct control *control, struct pollset *set);
void control_handle(struct control *control, const struct pollset *set);

/* Writes what can be written at once, and closes everything. */
void control_close(struct control *control);

#endif
