#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>

static void release_entries(void *entries) { wh_entries_close(entries); }

/* openEntries(queue, bytes of a path, depth, bytes of an extended header) → entries, or a negated errno. */
static napi_value bind_open(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct wh_entries *entries = NULL;
  struct wh_queue *queue = take_queue(&call, 0);
  struct wh_entry_limits limits = {.path_bytes = (size_t)take_int64(&call, 1),
                                   .depth = (unsigned)take_int64(&call, 2),
                                   .extended_bytes = (size_t)take_int64(&call, 3)};
  if (!call_is_good(&call, &out)) return out;
  int failed = wh_entries_open(queue, limits, &entries);
  return failed ? number(env, failed) : hold(env, entries, release_entries);
}

static struct wh_entries *take_entries(struct call *call) { return take_held(call, 0, release_entries); }

static napi_value bind_know(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  struct wh_entries *entries = take_entries(&call);
  take_name(&call, 1, &path);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_entries_know(entries, path.bytes));
}

static napi_value bind_enter(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct name path;
  napi_value out;
  struct wh_entries *entries = take_entries(&call);
  take_name(&call, 1, &path);
  int fd = take_int(&call, 2);
  if (!call_is_good(&call, &out)) return out;
  return number(env, wh_entries_enter(entries, path.bytes, fd));
}

static napi_value bind_leave(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct wh_entries *entries = take_entries(&call);
  int fd = take_int(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  wh_entries_leave(entries, fd);
  return number(env, 0);
}

enum { TAKEN_NUMBERS = 6 };

/* Fills the caller's array of six numbers: where it was left, midway, entries, inodes, bytes, bytes of the records. */
static napi_value bind_take(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct wh_entries *entries = take_entries(&call);
  struct bytes from = take_bytes(&call, 1), records = take_bytes(&call, 4), numbers = take_bytes(&call, 5);
  int64_t at = take_int64(&call, 2), left = take_int64(&call, 3);
  if (records.length < WH_RECORD_MAX || numbers.length < TAKEN_NUMBERS * sizeof(double)) call.wrong = 1;
  if (at < 0 || (uint64_t)at > from.length || left < 0) call.failed = -EINVAL;
  if (!call_is_good(&call, &out)) return out;
  struct wh_taken taken;
  wh_entries_take(entries, from.data, from.length, (size_t)at, (uint64_t)left, records.data, records.length, &taken);
  double *into = numbers.data;
  into[0] = (double)taken.next;
  into[1] = taken.midway;
  into[2] = (double)taken.entries;
  into[3] = (double)taken.inodes;
  into[4] = (double)taken.bytes;
  into[5] = (double)taken.records;
  return number(env, taken.failed);
}

static napi_value bind_close(napi_env env, napi_callback_info info) { return close_held(env, info, release_entries); }

void add_entry_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"openEntries", bind_open},   {"knowDirectory", bind_know}, {"enterDirectory", bind_enter},
      {"leaveDirectory", bind_leave}, {"takeEntries", bind_take},   {"closeEntries", bind_close},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
