#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTES_LIMIT 65536

static int notes_dir = -1;

uint64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000 + (uint64_t)at.tv_nsec / 1000000;
}

/* Civil date from days since 1970 (Gregorian calendar; years counted from March so that the leap day comes last). */
static void civil(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void timestamp(char out[TIMESTAMP_BYTES], const struct timespec *at)
{
    int year, month, day;
    int64_t seconds = at->tv_sec < 0 ? 0 : at->tv_sec;
    civil(seconds / 86400, &year, &month, &day);
    int of_day = (int)(seconds % 86400);
    snprintf(out, TIMESTAMP_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", year % 10000, month, day, of_day / 3600,
             of_day / 60 % 60, of_day % 60, at->tv_nsec);
}

int write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

ssize_t read_small(int dir, const char *path, char *out, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t used = 0;
    ssize_t got = 0;
    while (used + 1 < size && (got = read(fd, out + used, size - 1 - used)) > 0) used += (size_t)got;
    int saved = errno;
    close(fd);
    errno = saved;
    if (got < 0) return -1;
    out[used] = 0;
    return (ssize_t)used;
}

int publish(int dir, const char *name, const char *text, size_t size)
{
    char aside[64];
    snprintf(aside, sizeof aside, ".%s.new", name);
    int fd = openat(dir, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    int result = write_all(fd, text, size);
    if (result == 0) result = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    if (result == 0) result = renameat(dir, aside, dir, name);
    if (result == 0) result = fsync(dir);
    return result;
}

void json_escape(char *out, size_t size, const char *text, size_t length)
{
    size_t used = 0;
    for (size_t at = 0; at < length && used + 7 < size; at++) {
        unsigned char c = (unsigned char)text[at];
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
        } else {
            out[used++] = c < 0x7f ? (char)c : '?';
        }
    }
    out[used] = 0;
}

void note_into(int dir)
{
    notes_dir = dir;
}

void note(const char *format, ...)
{
    char text[512];
    struct timespec at;
    struct stat info;
    clock_gettime(CLOCK_REALTIME, &at);
    timestamp(text, &at);
    size_t used = strlen(text);
    text[used++] = ' ';
    va_list args;
    va_start(args, format);
    int more = vsnprintf(text + used, sizeof text - used - 1, format, args);
    va_end(args);
    used += more < 0 ? 0 : (size_t)more;
    if (used > sizeof text - 2) used = sizeof text - 2;
    text[used++] = '\n';
    int fd = openat(notes_dir, "monitor.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return;
    /* A complaint that cannot be written has nowhere else to go. */
    if (fstat(fd, &info) == 0 && info.st_size < NOTES_LIMIT) (void)!write_all(fd, text, used);
    close(fd);
}
