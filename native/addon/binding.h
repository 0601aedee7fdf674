/*
 * What the bindings share. A binding takes its arguments, calls the core and returns a number: the result, or the negated
 * errno; src/sys makes errors of it. Only arguments of a wrong type throw, which is a mistake in src/sys.
 */
#ifndef WHARFD_BINDING_H
#define WHARFD_BINDING_H

#include "core.h"

#define NAPI_VERSION 8
#include <node_api.h>

enum { MAX_ARGUMENTS = 12, LONGEST_NAME = 4096 };

struct call {
  napi_env env;
  napi_value arguments[MAX_ARGUMENTS];
  int wrong;  /* an argument had another type; the call must not be made */
  int failed; /* an argument that the kernel would refuse: the negated errno to return */
};

/* A name on its way to the kernel, ended by NUL. */
struct name {
  char bytes[LONGEST_NAME + 1];
};

struct bytes {
  void *data;
  size_t length;
};

struct call begin_call(napi_env env, napi_callback_info info);
/* Whether all arguments are well; if not, `*result` is what the binding returns. */
int call_is_good(struct call *call, napi_value *result);

int take_int(struct call *call, int index);
int64_t take_int64(struct call *call, int index);
double take_double(struct call *call, int index);
/* A user or group; -1 leaves it as it is, and what does not fit 32 bits, or would be taken for -1, is EINVAL. */
uint32_t take_id(struct call *call, int index);
struct bytes take_bytes(struct call *call, int index);
/* A string or bytes; NUL inside is EINVAL, too long ENAMETOOLONG. */
const char *take_name(struct call *call, int index, struct name *room);

/*
 * Something of the core's in JavaScript's hands: closed when it says so, or when it is collected. Its release is told apart from others by the
 * function, so that one is not taken for another.
 */
typedef void release_function(void *object);

/* Holds the object, or releases it and says why not. */
napi_value hold(napi_env env, void *object, release_function *release);
/* What is held; closed already is EBADF. */
void *take_held(struct call *call, int index, release_function *release);
/* closeX(held) */
napi_value close_held(napi_env env, napi_callback_info info, release_function *release);

/* bind-queue.c */
struct wh_queue *take_queue(struct call *call, int index);

/* A string of any length that the caller frees; NULL for null or undefined. */
char *take_text(struct call *call, int index);
char *text_of(struct call *call, napi_value value);

napi_value number(napi_env env, double value);
/* A Buffer with a copy of the bytes. */
napi_value buffer_of(napi_env env, const void *bytes, size_t length);

struct binding {
  const char *name;
  napi_callback function;
};

void add_bindings(napi_env env, napi_value exports, const struct binding *bindings, size_t count);

void add_file_bindings(napi_env env, napi_value exports);
void add_metadata_bindings(napi_env env, napi_value exports);
void add_mount_bindings(napi_env env, napi_value exports);
void add_process_bindings(napi_env env, napi_value exports);
void add_descriptor_bindings(napi_env env, napi_value exports);
void add_poll_bindings(napi_env env, napi_value exports);
void add_queue_bindings(napi_env env, napi_value exports);
void add_entry_bindings(napi_env env, napi_value exports);
void add_memory_bindings(napi_env env, napi_value exports);
void add_checksum_bindings(napi_env env, napi_value exports);

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
