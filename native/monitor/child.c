#define _GNU_SOURCE
#include "console.h"
#include "monitor.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const STREAMS[] = {"stdin", "stdout", "stderr"};

static int fail(struct monitor *monitor, const char *what, const char *why)
{
    snprintf(monitor->message, sizeof monitor->message, "%s: %s", what, why);
    monitor->runtime_status = 255;
    monitor->phase = PHASE_FAILED;
    return -1;
}

static int check_paths(struct monitor *monitor)
{
    char what[4200];
    for (int i = 0; i < 3; i++) {
        const struct stdio_spec *spec = &monitor->options.stdio[i];
        const char *why = sink_check(spec);
        if (why == NULL) continue;
        snprintf(what, sizeof what, "%s %s", STREAMS[i], spec->path);
        return fail(monitor, what, why);
    }
    return 0;
}

/* The process's end of one stream goes to `theirs`, ours (for a pipe) to monitor->ends. -1 with errno. */
static int make_stream(struct monitor *monitor, int stream, bool pipe_wanted, int *theirs)
{
    int ends[2];
    if (!pipe_wanted) {
        *theirs = open("/dev/null", O_RDWR | O_CLOEXEC);
        return *theirs < 0 ? -1 : 0;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    *theirs = ends[stream == 0 ? 0 : 1];
    monitor->ends[stream] = ends[stream == 0 ? 1 : 0];
    /* So that a process without root may open /dev/stdout anew. */
    return fchown(*theirs, monitor->options.io_uid, monitor->options.io_gid);
}

static bool same_path(const struct stdio_spec *a, const struct stdio_spec *b)
{
    return a->kind == SPEC_PATH && b->kind == SPEC_PATH && strcmp(a->path, b->path) == 0;
}

static int make_streams(struct monitor *monitor, int theirs[3])
{
    const struct options *options = &monitor->options;
    /* Equal paths: one pipe, so that what the process writes keeps its order. */
    bool shared = !options->terminal && same_path(&options->stdio[1], &options->stdio[2]);
    for (int i = 0; i < 3; i++) {
        if (i == 2 && shared) return (theirs[2] = fcntl(theirs[1], F_DUPFD_CLOEXEC, 3)) < 0 ? -1 : 0;
        /* With a terminal the process gets none of these; the runtime's messages are wanted still. */
        bool pipe_wanted = options->terminal ? i == 2 : options->stdio[i].kind != SPEC_NULL;
        if (make_stream(monitor, i, pipe_wanted, &theirs[i]) != 0) return -1;
    }
    return 0;
}

/* What the kernel keeps over exec is put back: signals, their mask, and a protection from the OOM killer that is ours only. */
static void reset_inherited(void)
{
    char text[16];
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(022);
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, 1) == 1 && text[0] == '-') (void)!pwrite(fd, "0", 1, 0);
}

static void become_runtime(char **argv, const int theirs[3])
{
    reset_inherited();
    if (chdir("/") != 0) _exit(126);
    for (int i = 0; i < 3; i++)
        if (dup2(theirs[i], i) < 0) _exit(126);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "exec %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int set_console(struct monitor *monitor, char path[64])
{
    monitor->console = console_listen(monitor->dir, path, 64);
    if (monitor->console < 0) return -1;
    for (char **at = monitor->options.argv; *at != NULL; at++)
        if (strcmp(*at, CONSOLE_ARGUMENT) == 0) *at = path;
    return 0;
}

int child_start(struct monitor *monitor)
{
    static char console_path[64]; /* argv refers to it */
    int theirs[3] = {-1, -1, -1};
    if (check_paths(monitor) != 0) return -1;
    if (monitor->options.terminal && set_console(monitor, console_path) != 0)
        return fail(monitor, "console socket", strerror(errno));
    if (make_streams(monitor, theirs) != 0) return fail(monitor, "pipes for the process", strerror(errno));
    monitor->runtime = fork();
    if (monitor->runtime == 0) become_runtime(monitor->options.argv, theirs);
    int saved = errno;
    for (int i = 0; i < 3; i++) close(theirs[i]);
    return monitor->runtime < 0 ? fail(monitor, "fork", strerror(saved)) : 0;
}

/* Field 22 of /proc/<pid>/stat; the second one is the name in parentheses, which may hold anything. */
static bool read_start_time(pid_t pid, char *out, size_t size)
{
    char path[64], text[1024], *rest = NULL;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_small(AT_FDCWD, path, text, sizeof text) <= 0) return false;
    char *at = strrchr(text, ')');
    char *field = at ? strtok_r(at + 1, " ", &rest) : NULL;
    for (int number = 3; field != NULL && number < 22; number++) field = strtok_r(NULL, " ", &rest);
    if (field == NULL) return false;
    snprintf(out, size, "%s", field);
    return true;
}

static bool read_pid(struct monitor *monitor)
{
    char text[32];
    if (read_small(AT_FDCWD, monitor->options.pid_file, text, sizeof text) <= 0) return false;
    long pid = strtol(text, NULL, 10);
    if (pid <= 1 || pid > INT32_MAX) return false;
    monitor->pid = (pid_t)pid;
    return read_start_time(monitor->pid, monitor->start_time, sizeof monitor->start_time);
}

static void connect_output(struct monitor *monitor, int index, int fd, bool pipe)
{
    struct sink *sink = &monitor->sinks[index];
    sink->log = &monitor->log;
    sink->control = &monitor->control;
    sink->grace_ms = monitor->options.reader_grace_ms;
    sink_open(sink, &monitor->options.stdio[index + 1], index + 1, monitor->options.log_all);
    source_open(&monitor->sources[index], fd, pipe, sink);
}

static void begin_copying(struct monitor *monitor)
{
    const struct stdio_spec *input = &monitor->options.stdio[0];
    if (monitor->options.terminal) {
        close(monitor->ends[2]);
        input_open(&monitor->input, input, monitor->terminal, false);
        connect_output(monitor, 0, monitor->terminal, false);
        return;
    }
    if (monitor->ends[0] >= 0) input_open(&monitor->input, input, monitor->ends[0], true);
    for (int i = 0; i < 2; i++)
        if (monitor->ends[i + 1] >= 0) connect_output(monitor, i, monitor->ends[i + 1], true);
}

/* The last bytes of the runtime's stderr: the fallback where its log says nothing. */
static void keep_message(struct monitor *monitor)
{
    size_t used = 0;
    ssize_t got = 0;
    char *text = monitor->message;
    int from = monitor->ends[monitor->ends[2] >= 0 ? 2 : 1];
    if (from < 0) return;
    set_nonblocking(from);
    while (used + 1 < sizeof monitor->message && (got = read(from, text + used, sizeof monitor->message - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = 0;
}

static void created(struct monitor *monitor)
{
    if (monitor->options.oom) oom_watch(&monitor->oom, monitor->pid);
    record_process(monitor);
    begin_copying(monitor);
    monitor->phase = PHASE_CREATED;
}

void child_created(struct monitor *monitor, int wait_status)
{
    monitor->runtime = 0;
    monitor->runtime_status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    if (monitor->options.terminal) monitor->terminal = console_receive(monitor->console);
    if (monitor->runtime_status != 0) {
        keep_message(monitor);
        monitor->phase = PHASE_FAILED;
    } else if (!read_pid(monitor)) {
        fail(monitor, monitor->options.pid_file, "the runtime wrote no pid of a process that is there");
    } else if (monitor->options.terminal && monitor->terminal < 0) {
        fail(monitor, "console socket", "the runtime passed no terminal");
    } else {
        created(monitor);
    }
}
