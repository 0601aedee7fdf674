/* Small helpers: time, whole writes, files that appear whole. */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define TIMESTAMP_BYTES 40

/* Milliseconds of a clock that never jumps. */
uint64_t now_ms(void);

/* RFC 3339 in UTC with nanoseconds, NUL-terminated. Done by hand: gmtime would read the time zone files. */
void timestamp(char out[TIMESTAMP_BYTES], const struct timespec *at);

/* Writes all bytes of a blocking descriptor; -1 with errno. */
int write_all(int fd, const void *bytes, size_t size);

int set_nonblocking(int fd);

/* Reads a whole small file relative to `dir`, NUL-terminated; its length, or -1 with errno. */
ssize_t read_small(int dir, const char *path, char *out, size_t size);

/* Makes the file `name` in `dir` appear with this text: written aside, synced, renamed, directory synced. -1 with errno. */
int publish(int dir, const char *name, const char *text, size_t size);

/* Copies text into JSON string content (without quotes), shortening what does not fit. Bytes that are no ASCII become '?'. */
void json_escape(char *out, size_t size, const char *text, size_t length);

/* Where note() writes; the file appears with the first complaint. */
void note_into(int dir);

/* One line into monitor.log, printf style. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
