#include "monitor.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const PHASES[] = {"creating", "created", "failed", "exited"};

size_t state_json(const struct monitor *monitor, char *out, size_t size)
{
    char message[6000];
    json_escape(message, sizeof message, monitor->message, strlen(monitor->message));
    int length = snprintf(
        out, size,
        "{\"protocol\":%d,\"monitor\":%d,\"phase\":\"%s\",\"pid\":%d,\"startTime\":\"%s\",\"terminal\":%s,"
        "\"oomKilled\":%s,\"drained\":%s,\"status\":%d,\"signal\":%d,\"exitedAtNs\":\"%lld\",\"runtimeStatus\":%d,"
        "\"message\":\"%s\"}",
        PROTOCOL_VERSION, getpid(), PHASES[monitor->phase], monitor->pid, monitor->start_time,
        monitor->options.terminal ? "true" : "false", monitor->oom_killed ? "true" : "false",
        monitor->drained ? "true" : "false", monitor->status, monitor->signal, monitor->exited_at_ns,
        monitor->runtime_status, message);
    return length < (int)size ? (size_t)length : size - 1;
}

static void put(const struct monitor *monitor, const char *name, const char *text, int length)
{
    if (publish(monitor->dir, name, text, (size_t)length) != 0) note("cannot write %s: %s", name, strerror(errno));
}

void record_process(const struct monitor *monitor)
{
    char text[256], boot[64];
    ssize_t got = read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    if (got < 0) got = 0;
    boot[strcspn(boot, "\n")] = 0;
    int length = snprintf(text, sizeof text,
                          "{\"version\":1,\"monitor\":%d,\"pid\":%d,\"startTime\":\"%s\",\"bootId\":\"%s\"}\n", getpid(),
                          monitor->pid, monitor->start_time, got > 0 ? boot : "");
    put(monitor, "process.json", text, length);
}

void record_exit(const struct monitor *monitor)
{
    char text[256];
    int length = snprintf(
        text, sizeof text,
        "{\"version\":1,\"pid\":%d,\"status\":%d,\"signal\":%d,\"exitedAtNs\":\"%lld\",\"oomKilled\":%s}\n", monitor->pid,
        monitor->status, monitor->signal, monitor->exited_at_ns, monitor->oom_killed ? "true" : "false");
    put(monitor, "exit.json", text, length);
}
