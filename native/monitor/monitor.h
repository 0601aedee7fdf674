/* All that a monitor knows. */
#ifndef MONITOR_H
#define MONITOR_H

#include "control.h"
#include "input.h"
#include "logfile.h"
#include "oom.h"
#include "options.h"
#include "sink.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum phase { PHASE_CREATING, PHASE_CREATED, PHASE_FAILED, PHASE_EXITED };

struct monitor {
    struct options options;
    int dir; /* of --dir, which is also the current directory */
    enum phase phase;

    pid_t runtime;       /* while PHASE_CREATING */
    int runtime_status;  /* 0 to 255, or 128 + signal */
    char message[4096];  /* end of the runtime's stderr, when it failed; NUL-terminated */
    int console;         /* listener, until the runtime has ended */
    int ends[3];         /* our ends of the process's pipes until copying begins; [2] also carries the runtime's messages */

    pid_t pid;
    char start_time[24]; /* clock ticks since boot, as /proc has it */
    int terminal;        /* master, or -1 */

    int status; /* 0 to 255, or 128 + signal */
    int signal;
    long long exited_at_ns;
    bool oom_killed;
    bool drained;
    bool leaving;     /* GO came */
    bool terminating; /* SIGTERM came */
    uint64_t leaves_at, leaves_at_last;

    struct logfile log;
    struct oom oom;
    struct input input;
    struct sink sinks[2];
    struct source sources[2];
    struct control control;
};

/* record.c: the JSON of STATE; process.json and exit.json. */
size_t state_json(const struct monitor *monitor, char *out, size_t size);
void record_process(const struct monitor *monitor);
void record_exit(const struct monitor *monitor);

/* child.c: runs the runtime; -1 with a text in `message`. */
int child_start(struct monitor *monitor);
/* After its end: reads the pid and begins to copy, or keeps the message. Sets the phase. */
void child_created(struct monitor *monitor, int wait_status);

/* requests.c: what the daemon asks. */
enum handled request_handle(void *monitor, struct client *client, const struct frame *frame);
void request_client_left(void *monitor, const struct client *client);

#endif
