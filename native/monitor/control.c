#define _GNU_SOURCE
#include "control.h"
#include "ring.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "control.sock"
#define IN_BYTES (FRAME_HEADER + REQUEST_MAX)
/* Both streams' kept output at once, and as much again to keep a reader busy. Memory is used as it is touched only. */
#define OUT_BYTES (4 * RING_BYTES)
/* Left free by output, for replies and events. */
#define OUT_RESERVE 8192
/* One that may be cut off has to take as much within each span of stall_ms while the process waits for it. */
#define STALL_BYTES (1 << 20)

int control_listen(struct control *control)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_NAME};
    for (int i = 0; i < CLIENTS_MAX; i++) control->clients[i].fd = -1;
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->listener < 0) return -1;
    unlink(SOCKET_NAME);
    /* The umask is 077: born 0700, and nobody else's at any time. */
    if (bind(control->listener, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    if (chmod(SOCKET_NAME, 0600) != 0) return -1;
    return listen(control->listener, CLIENTS_MAX);
}

void control_adopt(struct control *control, int fd)
{
    set_nonblocking(fd);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd >= 0) continue;
        *client = (struct client){.fd = fd, .in = malloc(IN_BYTES), .out = malloc(OUT_BYTES), .slot = -1};
        if (client->in == NULL || client->out == NULL) client->doomed = true;
        return;
    }
    close(fd);
}

static void client_close(struct control *control, struct client *client)
{
    struct client old = *client;
    close(client->fd);
    free(client->in);
    free(client->out);
    *client = (struct client){.fd = -1, .slot = -1};
    control->left(control->context, &old);
}

static void accept_client(struct control *control)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid()) {
        control_adopt(control, fd);
        return;
    }
    note("refused a connection of uid %u", (unsigned)peer.uid);
    close(fd);
}

static size_t out_room(const struct client *client)
{
    return OUT_BYTES - (client->out_end - client->out_start);
}

static void append(struct client *client, const void *bytes, size_t size)
{
    if (size == 0) return;
    if (client->out_end + size > OUT_BYTES) {
        memmove(client->out, client->out + client->out_start, client->out_end - client->out_start);
        client->out_end -= client->out_start;
        client->out_start = 0;
    }
    memcpy(client->out + client->out_end, bytes, size);
    client->out_end += size;
}

void client_send(struct client *client, enum frame_type type, int stream, uint16_t tag, const void *payload, size_t size)
{
    unsigned char header[FRAME_HEADER];
    if (client->doomed) return;
    if (out_room(client) < size + FRAME_HEADER) {
        client->doomed = true;
        return;
    }
    frame_encode(header, type, stream, tag, size);
    append(client, header, sizeof header);
    append(client, payload, size);
}

void control_event(struct control *control, enum frame_type type, const char *payload, size_t size)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd >= 0 && client->greeted) client_send(client, type, 0, 0, payload, size);
    }
}

void control_output(struct control *control, int stream, const char *bytes, size_t size)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd >= 0 && client->attached) client_send(client, FRAME_OUTPUT, stream, 0, bytes, size);
    }
}

void control_output_end(struct control *control, int stream)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd >= 0 && client->attached) client_send(client, FRAME_OUTPUT_END, stream, 0, NULL, 0);
    }
}

void client_replay(struct client *client, int stream, const struct iovec *pieces, int count)
{
    for (int i = 0; i < count; i++)
        client_send(client, FRAME_OUTPUT, stream, 0, pieces[i].iov_base, pieces[i].iov_len);
}

size_t control_output_room(const struct control *control)
{
    size_t least = OUT_BYTES;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        if (client->fd >= 0 && client->attached && !client->doomed && out_room(client) < least) least = out_room(client);
    }
    return least > OUT_RESERVE ? least - OUT_RESERVE : 0;
}

static bool keeps_up(const struct client *client)
{
    return client->fd < 0 || !client->attached || !client->may_be_cut || out_room(client) >= OUT_BYTES / 2;
}

uint64_t control_tick(struct control *control, uint64_t now)
{
    uint64_t next = 0;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (keeps_up(client)) {
            client->stalled_at = 0;
            continue;
        }
        if (client->stalled_at != 0 && now >= client->stalled_at + control->stall_ms) {
            client->doomed = client->taken < STALL_BYTES;
            client->stalled_at = 0;
        }
        if (client->stalled_at == 0) {
            client->stalled_at = now;
            client->taken = 0;
        }
        uint64_t at = client->doomed ? now : client->stalled_at + control->stall_ms;
        if (next == 0 || at < next) next = at;
    }
    return next;
}

bool control_output_sent(const struct control *control)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &control->clients[i];
        if (client->fd >= 0 && client->attached && client->out_end > client->out_start) return false;
    }
    return true;
}

int control_attached(const struct control *control)
{
    int count = 0;
    for (int i = 0; i < CLIENTS_MAX; i++) count += control->clients[i].fd >= 0 && control->clients[i].attached;
    return count;
}

int control_connected(const struct control *control)
{
    int count = 0;
    for (int i = 0; i < CLIENTS_MAX; i++) count += control->clients[i].fd >= 0;
    return count;
}

void control_prepare(struct control *control, struct pollset *set)
{
    control->listener_slot = pollset_add(set, control->listener, POLLIN);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        short events = 0;
        if (client->in_used < IN_BYTES) events |= POLLIN;
        if (client->out_end > client->out_start) events |= POLLOUT;
        client->slot = pollset_add(set, client->fd, events);
    }
}

/* Handles all whole frames of the buffer that can be handled now. */
static void handle_frames(struct control *control, struct client *client)
{
    size_t at = 0;
    while (!client->doomed && client->in_used - at >= FRAME_HEADER) {
        struct frame frame = frame_decode(client->in + at);
        if (frame.length > REQUEST_MAX) client->doomed = true;
        if (client->doomed || client->in_used - at < FRAME_HEADER + frame.length) break;
        enum handled result = control->handle(control->context, client, &frame);
        if (result == HANDLE_LATER) break;
        if (result == BROKEN) client->doomed = true;
        at += FRAME_HEADER + frame.length;
    }
    memmove(client->in, client->in + at, client->in_used - at);
    client->in_used -= at;
}

static void receive(struct client *client)
{
    if (client->in_used == IN_BYTES) return;
    ssize_t got = recv(client->fd, client->in + client->in_used, IN_BYTES - client->in_used, 0);
    if (got > 0) client->in_used += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) client->doomed = true;
}

static void transmit(struct client *client)
{
    if (client->doomed || client->out_end == client->out_start) return;
    ssize_t done = send(client->fd, client->out + client->out_start, client->out_end - client->out_start, MSG_NOSIGNAL);
    if (done < 0 && errno != EAGAIN && errno != EINTR) client->doomed = true;
    if (done > 0) client->out_start += (size_t)done;
    if (done > 0) client->taken += (uint64_t)done;
    if (client->out_start == client->out_end) client->out_start = client->out_end = 0;
}

void control_handle(struct control *control, const struct pollset *set)
{
    if (pollset_result(set, control->listener_slot)) accept_client(control);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd < 0) continue;
        short result = pollset_result(set, client->slot);
        if (!client->doomed && result & POLLIN) receive(client);
        else if (result & (POLLERR | POLLHUP)) client->doomed = true;
        /* Also without new bytes: a frame may have waited for room. */
        if (!client->doomed) handle_frames(control, client);
        transmit(client);
        if (client->doomed) client_close(control, client);
    }
}

void control_close(struct control *control)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->fd < 0) continue;
        transmit(client);
        client_close(control, client);
    }
    close(control->listener);
    unlink(SOCKET_NAME);
}
