/* From the client to the process's stdin, or into the terminal. */
#ifndef INPUT_H
#define INPUT_H

#include "options.h"
#include "pollset.h"
#include "ring.h"

struct input {
    int from;    /* the client's FIFO or file; -1: none or at its end */
    int hold;    /* a write end of that FIFO, so that it has no end before CLOSE_STDIN */
    int to;      /* the process's stdin or the terminal; -1: none or closed */
    bool pipe;   /* else a terminal, whose descriptor is not ours to close */
    bool closed; /* CLOSE_STDIN came, perhaps before input_open */
    bool ending; /* close `to` when the kept bytes are written */
    struct ring ring;
    int from_slot, to_slot;
};

void input_init(struct input *input);

/* Begins to copy into `to`. */
void input_open(struct input *input, const struct stdio_spec *spec, int to, bool pipe);

/* Room for bytes of an attached client; at a closed stdin there is always room, for nothing. */
size_t input_room(const struct input *input);
void input_push(struct input *input, const char *bytes, size_t size);

/* CLOSE_STDIN: no more clients will come; what is written already still arrives. May be repeated. */
void input_close(struct input *input);

/* The process has closed its stdin, or its terminal is gone: whoever writes shall get EPIPE. */
void input_hangup(struct input *input);

void input_prepare(struct input *input, struct pollset *set);
void input_handle(struct input *input, const struct pollset *set);

#endif
