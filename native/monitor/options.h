/* The command line; PROTOCOL.md describes it. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONSOLE_ARGUMENT "{console}"

enum spec_kind { SPEC_NULL, SPEC_PATH, SPEC_ATTACH, SPEC_LOG };

struct stdio_spec {
    enum spec_kind kind;
    const char *path; /* of SPEC_PATH */
};

struct options {
    const char *dir;
    struct stdio_spec stdio[3];
    bool terminal;
    const char *pid_file;
    const char *log;
    uint64_t log_bytes;
    unsigned log_files;
    bool log_all; /* also what a reader of `attach` takes */
    uid_t io_uid;
    gid_t io_gid;
    bool oom;
    int control_fd; /* -1: none */
    uint64_t reader_grace_ms;
    uint64_t linger_ms;
    uint64_t stall_ms;
    char **argv; /* of the runtime, NULL-terminated */
};

/* Fills `options`; on bad usage writes one line to stderr and returns false. */
bool options_parse(struct options *options, int argc, char **argv);

#endif
