/* wharfd-monitor: parent of one container process. See PROTOCOL.md. */
#define _GNU_SOURCE
#include "monitor.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* CLOSE_RANGE_CLOEXEC of linux/close_range.h, a header that is not there with musl. */
#define RANGE_CLOEXEC (1U << 2)

/* Ten minutes after the process's end nobody comes back for its output. */
#define LAST_MS 600000

static struct monitor monitor;

static void tell(enum frame_type type)
{
    char json[8192];
    control_event(&monitor.control, type, json, state_json(&monitor, json, sizeof json));
}

static void tell_oom(void)
{
    if (!oom_happened(&monitor.oom)) return;
    monitor.oom_killed = true;
    control_event(&monitor.control, FRAME_OOM, NULL, 0);
}

/* The record is durable before the zombie goes, so before anybody can know of the end in another way. */
static void process_ended(const siginfo_t *info)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    bool by_signal = info->si_code != CLD_EXITED;
    monitor.signal = by_signal ? info->si_status : 0;
    monitor.status = by_signal ? 128 + info->si_status : info->si_status;
    monitor.exited_at_ns = (long long)now.tv_sec * 1000000000 + now.tv_nsec;
    tell_oom();
    record_exit(&monitor);
    waitpid(monitor.pid, NULL, __WALL);
    monitor.phase = PHASE_EXITED;
    tell(FRAME_EXITED);
}

/* While the runtime runs only its own end is looked at: the process may have ended already, and its pid is not known yet. */
static void reap_runtime(void)
{
    int status;
    if (waitpid(monitor.runtime, &status, WNOHANG) != monitor.runtime) return;
    child_created(&monitor, status);
    tell(monitor.phase == PHASE_CREATED ? FRAME_CREATED : FRAME_FAILED);
}

static void reap_children(void)
{
    if (monitor.phase == PHASE_CREATING) reap_runtime();
    while (monitor.phase != PHASE_CREATING) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 || info.si_pid == 0) return;
        if (info.si_pid == monitor.pid && monitor.phase == PHASE_CREATED) process_ended(&info);
        else waitpid(info.si_pid, NULL, __WALL); /* an orphan that fell to us */
    }
}

static void take_signals(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
        if (info.ssi_signo == SIGTERM) monitor.terminating = true;
}

static void notice_drained(void)
{
    bool ended = monitor.phase == PHASE_CREATED || monitor.phase == PHASE_EXITED;
    if (monitor.drained || !ended || !sink_settled(&monitor.sinks[0]) || !sink_settled(&monitor.sinks[1])) return;
    monitor.drained = monitor.phase == PHASE_EXITED;
    if (!monitor.drained) return;
    logfile_end(&monitor.log);
    control_event(&monitor.control, FRAME_DRAINED, NULL, 0);
}

static void notice_hangup(void)
{
    if (monitor.terminal < 0 || monitor.phase == PHASE_CREATING || monitor.sources[0].fd >= 0) return;
    if (monitor.phase != PHASE_CREATED && monitor.phase != PHASE_EXITED) return;
    input_hangup(&monitor.input);
    close(monitor.terminal);
    monitor.terminal = -1;
}

/* Whether to leave; the next time to ask goes to `deadline`. */
static bool may_leave(uint64_t now, uint64_t *deadline)
{
    if (monitor.phase == PHASE_CREATING || monitor.phase == PHASE_CREATED) return false;
    if (monitor.leaving || monitor.terminating) return true;
    if (control_connected(&monitor.control) > 0) {
        monitor.leaves_at = monitor.leaves_at_last = 0;
        return false;
    }
    if (monitor.phase == PHASE_FAILED) return true;
    if (monitor.leaves_at_last == 0) monitor.leaves_at_last = now + LAST_MS;
    if (monitor.leaves_at == 0 && monitor.drained) monitor.leaves_at = now + monitor.options.linger_ms;
    uint64_t at = monitor.leaves_at != 0 ? monitor.leaves_at : monitor.leaves_at_last;
    if (now >= at) return true;
    if (*deadline == 0 || at < *deadline) *deadline = at;
    return false;
}

/* How long poll(2) may wait; -2 to leave. */
static int next_timeout(void)
{
    uint64_t now = now_ms(), deadline = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t at = sink_tick(&monitor.sinks[i], now);
        if (at != 0 && (deadline == 0 || at < deadline)) deadline = at;
    }
    uint64_t stalls = control_tick(&monitor.control, now);
    if (stalls != 0 && (deadline == 0 || stalls < deadline)) deadline = stalls;
    notice_drained();
    if (may_leave(now, &deadline)) return -2;
    return deadline == 0 ? -1 : deadline <= now ? 0 : (int)(deadline - now);
}

static void run(int signals)
{
    struct pollset set;
    for (;;) {
        int timeout = next_timeout();
        if (timeout == -2) return;
        set.count = 0;
        int signal_slot = pollset_add(&set, signals, POLLIN);
        control_prepare(&monitor.control, &set);
        input_prepare(&monitor.input, &set);
        oom_prepare(&monitor.oom, &set);
        for (int i = 0; i < 2; i++) sink_prepare(&monitor.sinks[i], &set);
        for (int i = 0; i < 2; i++) source_prepare(&monitor.sources[i], &set);
        if (poll(set.fds, (nfds_t)set.count, timeout) < 0) continue; /* EINTR: all else would be our own mistake */
        for (int i = 0; i < 2; i++) sink_handle(&monitor.sinks[i], &set);
        for (int i = 0; i < 2; i++) source_handle(&monitor.sources[i], &set);
        notice_hangup();
        input_handle(&monitor.input, &set);
        oom_handle(&monitor.oom, &set);
        tell_oom();
        if (pollset_result(&set, signal_slot)) {
            take_signals(signals);
            reap_children();
        }
        control_handle(&monitor.control, &set);
    }
}

/* SIGCHLD and SIGTERM come by descriptor; what a terminal or a broken pipe would send is ignored. */
static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void prepare(void)
{
    struct options *options = &monitor.options;
    monitor.log.path = options->log;
    monitor.log.fd = -1;
    monitor.log.number = 1;
    monitor.log.limit = options->log_bytes;
    monitor.log.files = options->log_files;
    monitor.control.stall_ms = options->stall_ms;
    monitor.oom = (struct oom){.counts = -1, .eventfd = -1, .slot = -1};
    monitor.terminal = monitor.console = -1;
    input_init(&monitor.input);
    for (int i = 0; i < 3; i++) monitor.ends[i] = -1;
    for (int i = 0; i < 2; i++) {
        monitor.sources[i].fd = monitor.sources[i].slot = -1;
        monitor.sinks[i].fd = monitor.sinks[i].opener.notify = -1;
    }
    monitor.control.handle = request_handle;
    monitor.control.left = request_client_left;
    monitor.control.context = &monitor;
}

static int complain(const char *what)
{
    dprintf(STDERR_FILENO, "wharfd-monitor: %s: %s\n", what, strerror(errno));
    return 1;
}

/* The daemon's standard streams are not ours to keep open. */
static void drop_standard_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < 3; i++) dup2(fd, i);
    if (fd > 2) close(fd);
}

int main(int argc, char **argv)
{
    if (!options_parse(&monitor.options, argc, argv)) return 2;
    prepare();
    umask(077);
    monitor.dir = open(monitor.options.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (monitor.dir < 0 || fchdir(monitor.dir) != 0) return complain(monitor.options.dir);
    note_into(monitor.dir);
    setsid(); /* fails where we lead a group already: as good */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return complain("PR_SET_CHILD_SUBREAPER");
    int signals = block_signals();
    if (signals < 0) return complain("signalfd");
    if (control_listen(&monitor.control) != 0) return complain("control.sock");
    if (monitor.options.control_fd >= 0) {
        if (fcntl(monitor.options.control_fd, F_SETFD, FD_CLOEXEC) != 0) return complain("--control-fd");
        control_adopt(&monitor.control, monitor.options.control_fd);
    }
    drop_standard_streams();
    /* Nothing that was open in who started us shall reach a container; on kernels before 5.11 that is the starter's care alone. */
    syscall(SYS_close_range, 3U, ~0U, RANGE_CLOEXEC); /* musl has no function for it */
    /* A failure is told to whoever asks, as the runtime's own would be. */
    if (child_start(&monitor) != 0) note("%s", monitor.message);
    run(signals);
    control_close(&monitor.control);
    return 0;
}
