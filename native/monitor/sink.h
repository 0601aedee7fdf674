/* Where output goes: the client's FIFO, a file, or whoever is attached to the socket. PROTOCOL.md, "Standard streams". */
#ifndef SINK_H
#define SINK_H

#include "logfile.h"
#include "opener.h"
#include "options.h"
#include "pollset.h"
#include "ring.h"

#include <stdbool.h>

struct control;

enum sink_kind { SINK_NONE, SINK_FIFO, SINK_FILE, SINK_CLIENTS };

/* AWAITED: none has come yet, output waits for it. GONE: output goes on, to the log. */
enum reader { READER_AWAITED, READER_PRESENT, READER_GONE };

struct sink {
    enum sink_kind kind;
    const char *path;
    int fd;
    enum reader reader;
    bool blocked;            /* the FIFO is full */
    bool log_all;            /* else only what no reader takes */
    bool ended;              /* its source is at its end */
    int stream;              /* 1 or 2 */
    uint64_t seen;           /* SINK_CLIENTS: position up to which some reader has had it all */
    uint64_t grace_ms;
    uint64_t gives_up_at;    /* 0: not armed */
    struct opener opener;
    struct logfile *log;
    struct control *control; /* SINK_CLIENTS */
    struct ring ring;        /* not delivered yet, or the newest bytes for who comes back */
    int fd_slot, opener_slot;
};

/* Checks the path before the runtime runs; NULL, or what is wrong with it. */
const char *sink_check(const struct stdio_spec *spec);

/* Begins to deliver. A file that cannot be opened any more is noted, and output goes to the log. */
void sink_open(struct sink *sink, const struct stdio_spec *spec, int stream, bool log_all);

/* Bytes that may be passed to sink_take now. */
size_t sink_room(const struct sink *sink);

/* True while bytes of a pipe can be spliced straight into the FIFO. */
bool sink_splices(const struct sink *sink);

/* Splices from a pipe: bytes moved, 0 at its end, -1 with EAGAIN when one of the two is not ready or the reader is gone. */
ssize_t sink_splice(struct sink *sink, int from);

/* Takes at most sink_room() bytes. */
void sink_take(struct sink *sink, const char *bytes, size_t size);

/* Its source is at its end. */
void sink_source_ended(struct sink *sink);

/* SINK_CLIENTS: the first connection has attached; the last one has left. */
void sink_reader_came(struct sink *sink);
void sink_reader_left(struct sink *sink);

void sink_prepare(struct sink *sink, struct pollset *set);
void sink_handle(struct sink *sink, const struct pollset *set);

/* Arms or fires the end of the wait for a first reader; the time of it, 0 for none. */
uint64_t sink_tick(struct sink *sink, uint64_t now);

/* True when its source is at its end and all is delivered, or nobody is there to take it. */
bool sink_settled(const struct sink *sink);

#endif
