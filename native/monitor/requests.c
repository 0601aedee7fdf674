#include "monitor.h"
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* In a HELLO's stream. */
#define HELLO_NO_NEWS 1
#define ATTACH_UNSEEN_ONLY 1
#define ATTACH_MAY_BE_CUT 2

static void answer_state(const struct monitor *monitor, struct client *client, const struct frame *frame)
{
    char json[8192];
    client_send(client, FRAME_STATE, 0, frame->tag, json, state_json(monitor, json, sizeof json));
}

static void answer_ok(struct client *client, const struct frame *frame)
{
    client_send(client, FRAME_OK, 0, frame->tag, NULL, 0);
}

static enum handled answer_error(struct client *client, const struct frame *frame, const char *kind, const char *message)
{
    char json[512];
    int length = snprintf(json, sizeof json, "{\"kind\":\"%s\",\"message\":\"%s\"}", kind, message);
    client_send(client, FRAME_ERROR, 0, frame->tag, json, (size_t)length);
    return HANDLED;
}

static enum handled hello(struct monitor *monitor, struct client *client, const struct frame *frame)
{
    if (frame->length != 4) return BROKEN;
    if (get_u16(frame->payload) > PROTOCOL_VERSION || get_u16(frame->payload + 2) < PROTOCOL_VERSION)
        return answer_error(client, frame, "failed-precondition", "this monitor speaks protocol version 1 only");
    client->greeted = true;
    if (frame->stream != HELLO_NO_NEWS || monitor->phase != PHASE_CREATING) answer_state(monitor, client, frame);
    return HANDLED;
}

static enum handled resize(struct monitor *monitor, struct client *client, const struct frame *frame)
{
    if (frame->length != 4) return BROKEN;
    struct winsize size = {.ws_col = get_u16(frame->payload), .ws_row = get_u16(frame->payload + 2)};
    if (!monitor->options.terminal) return answer_error(client, frame, "failed-precondition", "the process has no terminal");
    if (monitor->terminal < 0 || ioctl(monitor->terminal, TIOCSWINSZ, &size) != 0)
        return answer_error(client, frame, "failed-precondition", "the terminal is not there yet, or closed");
    answer_ok(client, frame);
    return HANDLED;
}

/* Kept output of one stream: what no reader has had, or all, but at most `most` bytes. */
static void replay(struct sink *sink, struct client *client, bool unseen_only, uint32_t most)
{
    struct iovec pieces[2];
    uint64_t from = unseen_only && sink->seen > sink->ring.tail ? sink->seen : sink->ring.tail;
    if (sink->ring.head - from > most) from = sink->ring.head - most;
    client_replay(client, sink->stream, pieces, ring_pieces(&sink->ring, from, pieces));
}

static enum handled attach(struct monitor *monitor, struct client *client, const struct frame *frame)
{
    if (frame->length != 8) return BROKEN;
    if (monitor->phase == PHASE_CREATING || monitor->phase == PHASE_FAILED)
        return answer_error(client, frame, "failed-precondition", "there is no process to attach to");
    if (monitor->sinks[0].kind != SINK_CLIENTS && monitor->sinks[1].kind != SINK_CLIENTS)
        return answer_error(client, frame, "failed-precondition", "the output of the process goes to its client's own files");
    answer_ok(client, frame);
    client->attached = true;
    client->may_be_cut = frame->payload[0] & ATTACH_MAY_BE_CUT;
    for (int i = 0; i < 2; i++) {
        struct sink *sink = &monitor->sinks[i];
        if (sink->kind != SINK_CLIENTS) continue;
        replay(sink, client, frame->payload[0] & ATTACH_UNSEEN_ONLY, get_u32(frame->payload + 4));
        if (sink->ended) client_send(client, FRAME_OUTPUT_END, sink->stream, 0, NULL, 0);
        sink_reader_came(sink);
    }
    return HANDLED;
}

static enum handled take_input(struct monitor *monitor, struct client *client, const struct frame *frame)
{
    if (monitor->options.stdio[0].kind != SPEC_ATTACH && monitor->options.stdio[0].kind != SPEC_LOG)
        return answer_error(client, frame, "failed-precondition", "stdin is not of the socket");
    if (monitor->phase == PHASE_CREATING || input_room(&monitor->input) < frame->length) return HANDLE_LATER;
    input_push(&monitor->input, (const char *)frame->payload, frame->length);
    answer_ok(client, frame);
    return HANDLED;
}

static enum handled go(struct monitor *monitor, struct client *client, const struct frame *frame)
{
    if (monitor->phase == PHASE_CREATED)
        return answer_error(client, frame, "failed-precondition", "the process is still there");
    if (monitor->phase == PHASE_CREATING) kill(monitor->runtime, SIGKILL);
    monitor->leaving = true;
    answer_ok(client, frame);
    return HANDLED;
}

enum handled request_handle(void *context, struct client *client, const struct frame *frame)
{
    struct monitor *monitor = context;
    if (frame->type == FRAME_HELLO) return hello(monitor, client, frame);
    if (!client->greeted) return BROKEN;
    switch (frame->type) {
    case FRAME_STATUS: answer_state(monitor, client, frame); return HANDLED;
    case FRAME_RESIZE: return resize(monitor, client, frame);
    case FRAME_CLOSE_STDIN:
        input_close(&monitor->input);
        answer_ok(client, frame);
        return HANDLED;
    case FRAME_ATTACH: return attach(monitor, client, frame);
    case FRAME_STDIN: return take_input(monitor, client, frame);
    case FRAME_GO: return go(monitor, client, frame);
    default: return answer_error(client, frame, "unimplemented", "no such request in protocol version 1");
    }
}

void request_client_left(void *context, const struct client *client)
{
    struct monitor *monitor = context;
    if (!client->attached || control_attached(&monitor->control) > 0) return;
    for (int i = 0; i < 2; i++) sink_reader_left(&monitor->sinks[i]);
}
