#include "pax.h"

#include <stdint.h>
#include <string.h>

enum { DIGITS_MAX = 10, NANOSECOND_DIGITS = 9 };

/* Digits from *at on; how many there are. */
static int digits(const char **at, const char *end, int longest, int64_t *value) {
  int count = 0;
  for (*value = 0; *at < end && count < longest && **at >= '0' && **at <= '9'; (*at)++, count++)
    *value = *value * 10 + (**at - '0');
  return count;
}

/* Seconds, and perhaps a point and a fraction. */
static int read_time(const char *value, const char *end, struct timespec *out) {
  int64_t seconds, nanoseconds = 0;
  if (digits(&value, end, DIGITS_MAX, &seconds) == 0 || seconds > INT32_MAX) return 0;
  if (value < end && *value == '.') {
    value++;
    for (int count = digits(&value, end, NANOSECOND_DIGITS, &nanoseconds); count < NANOSECOND_DIGITS; count++)
      nanoseconds *= 10;
  }
  *out = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
  return value == end;
}

static int is_key(const char *key, size_t length, const char *wanted) {
  return length == strlen(wanted) && memcmp(key, wanted, length) == 0;
}

static int take_record(const char *key, size_t key_length, const char *value, const char *end, struct pax *out) {
  if (value == end) return 0;
  if (is_key(key, key_length, "ctime")) return 1;
  if (is_key(key, key_length, "mtime")) {
    out->has_mtime = 1;
    return read_time(value, end, &out->mtime);
  }
  out->path = value;
  out->path_length = (size_t)(end - value);
  return is_key(key, key_length, "path") && !memchr(value, '\0', out->path_length);
}

int pax_read(const char *data, size_t length, struct pax *out) {
  *out = (struct pax){0};
  for (const char *at = data, *end = data + length; at < end;) {
    const char *cursor = at;
    int64_t size;
    if (digits(&cursor, end, DIGITS_MAX, &size) == 0 || size > end - at || cursor == end || *cursor != ' ') return 0;
    const char *next = at + size, *key = cursor + 1;
    if (next <= key || next[-1] != '\n') return 0;
    const char *equals = memchr(key, '=', (size_t)(next - key));
    if (!equals || equals == key) return 0;
    if (!take_record(key, (size_t)(equals - key), equals + 1, next - 1, out)) return 0;
    at = next;
  }
  return 1;
}
