#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIR_ = 1, STDIN_, STDOUT_, STDERR_, TERMINAL, PID_FILE, LOG, LOG_BYTES, LOG_FILES, LOG_ALL, IO_UID, IO_GID, OOM, CONTROL_FD, GRACE, LINGER, STALL };

static const struct option KNOWN[] = {
    {"dir", required_argument, NULL, DIR_},
    {"stdin", required_argument, NULL, STDIN_},
    {"stdout", required_argument, NULL, STDOUT_},
    {"stderr", required_argument, NULL, STDERR_},
    {"terminal", no_argument, NULL, TERMINAL},
    {"pid-file", required_argument, NULL, PID_FILE},
    {"log", required_argument, NULL, LOG},
    {"log-bytes", required_argument, NULL, LOG_BYTES},
    {"log-files", required_argument, NULL, LOG_FILES},
    {"log-all", no_argument, NULL, LOG_ALL},
    {"io-uid", required_argument, NULL, IO_UID},
    {"io-gid", required_argument, NULL, IO_GID},
    {"oom", no_argument, NULL, OOM},
    {"control-fd", required_argument, NULL, CONTROL_FD},
    {"reader-grace-ms", required_argument, NULL, GRACE},
    {"linger-ms", required_argument, NULL, LINGER},
    {"stall-ms", required_argument, NULL, STALL},
    {NULL, 0, NULL, 0},
};

static bool bad(const char *what, const char *value)
{
    dprintf(STDERR_FILENO, "wharfd-monitor: %s: %s\n", what, value);
    return false;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || errno != 0 || value > most) return bad("not a number in range", text);
    *out = value;
    return true;
}

static bool parse_spec(const char *text, struct stdio_spec *out)
{
    *out = (struct stdio_spec){SPEC_NULL, NULL};
    if (strcmp(text, "null") == 0) return true;
    if (strcmp(text, "attach") == 0) out->kind = SPEC_ATTACH;
    else if (strcmp(text, "log") == 0) out->kind = SPEC_LOG;
    else if (strncmp(text, "path:/", 6) == 0) *out = (struct stdio_spec){SPEC_PATH, text + 5};
    else return bad("not a stdio specification", text);
    return true;
}

static bool parse_owner(int option, struct options *options)
{
    uint64_t number;
    /* The highest value means "leave as it is" to chown(2). */
    if (!parse_number(optarg, UINT32_MAX - 1, &number)) return false;
    if (option == IO_UID) options->io_uid = (uid_t)number;
    else options->io_gid = (gid_t)number;
    return true;
}

static bool take(int option, struct options *options)
{
    uint64_t number;
    switch (option) {
    case DIR_: options->dir = optarg; return true;
    case STDIN_: return parse_spec(optarg, &options->stdio[0]);
    case STDOUT_: return parse_spec(optarg, &options->stdio[1]);
    case STDERR_: return parse_spec(optarg, &options->stdio[2]);
    case TERMINAL: options->terminal = true; return true;
    case PID_FILE: options->pid_file = optarg; return true;
    case LOG: options->log = optarg; return true;
    case LOG_BYTES: return parse_number(optarg, UINT64_MAX, &options->log_bytes);
    case LOG_FILES:
        if (!parse_number(optarg, 1000, &number)) return false;
        if (number == 0) return bad("not a number in range", optarg);
        options->log_files = (unsigned)number;
        return true;
    case LOG_ALL: options->log_all = true; return true;
    case IO_UID:
    case IO_GID: return parse_owner(option, options);
    case OOM: options->oom = true; return true;
    case CONTROL_FD:
        if (!parse_number(optarg, 65535, &number)) return false;
        options->control_fd = (int)number;
        return true;
    case GRACE: return parse_number(optarg, UINT32_MAX, &options->reader_grace_ms);
    case LINGER: return parse_number(optarg, UINT32_MAX, &options->linger_ms);
    case STALL: return parse_number(optarg, UINT32_MAX, &options->stall_ms);
    default: return false; /* getopt_long has said why */
    }
}

bool options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.log_bytes = 10 << 20,
                                .log_files = 5,
                                .io_uid = (uid_t)-1,
                                .io_gid = (gid_t)-1,
                                .control_fd = -1,
                                .reader_grace_ms = 10000,
                                .linger_ms = 60000,
                                .stall_ms = 5000};
    int option;
    while ((option = getopt_long(argc, argv, "+", KNOWN, NULL)) != -1)
        if (!take(option, options)) return false;
    options->argv = argv + optind;
    if (options->dir == NULL) return bad("missing", "--dir");
    if (options->pid_file == NULL) return bad("missing", "--pid-file");
    if (options->argv[0] == NULL) return bad("missing", "runtime after --");
    if (options->terminal) options->stdio[2].kind = SPEC_NULL;
    return true;
}
