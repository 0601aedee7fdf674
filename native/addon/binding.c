#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct call begin_call(napi_env env, napi_callback_info info) {
  struct call call = {.env = env};
  size_t count = MAX_ARGUMENTS;
  if (napi_get_cb_info(env, info, &count, call.arguments, NULL, NULL) != napi_ok) call.wrong = 1;
  return call;
}

int call_is_good(struct call *call, napi_value *result) {
  *result = NULL;
  if (call->wrong) {
    napi_throw_type_error(call->env, NULL, "wharfd addon: an argument has the wrong type");
    return 0;
  }
  if (call->failed) {
    *result = number(call->env, call->failed);
    return 0;
  }
  return 1;
}

double take_double(struct call *call, int index) {
  double value = 0;
  if (napi_get_value_double(call->env, call->arguments[index], &value) != napi_ok) call->wrong = 1;
  return value;
}

int64_t take_int64(struct call *call, int index) {
  int64_t value = 0;
  if (napi_get_value_int64(call->env, call->arguments[index], &value) != napi_ok) call->wrong = 1;
  return value;
}

int take_int(struct call *call, int index) { return (int)take_int64(call, index); }

uint32_t take_id(struct call *call, int index) {
  int64_t id = take_int64(call, index);
  if (id < -1 || id >= UINT32_MAX) call->failed = -EINVAL;
  return (uint32_t)id;
}

static int is_bytes(napi_env env, napi_value value) {
  bool typed = false;
  return napi_is_typedarray(env, value, &typed) == napi_ok && typed;
}

struct bytes take_bytes(struct call *call, int index) {
  struct bytes out = {NULL, 0};
  if (!is_bytes(call->env, call->arguments[index]) ||
      napi_get_buffer_info(call->env, call->arguments[index], &out.data, &out.length) != napi_ok)
    call->wrong = 1;
  return out;
}

static size_t copy_bytes(struct call *call, int index, struct name *room) {
  struct bytes from = take_bytes(call, index);
  if (from.length <= LONGEST_NAME && from.length > 0) memcpy(room->bytes, from.data, from.length);
  return from.length;
}

static size_t copy_string(struct call *call, int index, struct name *room) {
  size_t length = 0;
  napi_value value = call->arguments[index];
  if (napi_get_value_string_utf8(call->env, value, NULL, 0, &length) != napi_ok)
    call->wrong = 1;
  else if (length <= LONGEST_NAME)
    napi_get_value_string_utf8(call->env, value, room->bytes, sizeof room->bytes, &length);
  return length;
}

const char *take_name(struct call *call, int index, struct name *room) {
  int bytes = is_bytes(call->env, call->arguments[index]);
  size_t length = bytes ? copy_bytes(call, index, room) : copy_string(call, index, room);
  if (length > LONGEST_NAME) {
    call->failed = -ENAMETOOLONG;
    length = 0;
  }
  room->bytes[length] = '\0';
  if (strlen(room->bytes) != length) call->failed = -EINVAL;
  return room->bytes;
}

char *text_of(struct call *call, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(call->env, value, &type);
  if (type == napi_null || type == napi_undefined) return NULL;
  size_t length = 0;
  if (napi_get_value_string_utf8(call->env, value, NULL, 0, &length) != napi_ok) {
    call->wrong = 1;
    return NULL;
  }
  char *text = malloc(length + 1);
  if (!text) {
    call->failed = -ENOMEM;
    return NULL;
  }
  napi_get_value_string_utf8(call->env, value, text, length + 1, &length);
  if (strlen(text) != length) call->failed = -EINVAL;
  return text;
}

char *take_text(struct call *call, int index) { return text_of(call, call->arguments[index]); }

napi_value number(napi_env env, double value) {
  napi_value out = NULL;
  napi_create_double(env, value, &out);
  return out;
}

napi_value buffer_of(napi_env env, const void *bytes, size_t length) {
  napi_value out = NULL;
  napi_create_buffer_copy(env, length, bytes, NULL, &out);
  return out;
}

struct holder {
  void *object; /* NULL: closed */
  release_function *release;
};

static void close_holder(struct holder *holder) {
  if (holder->object) holder->release(holder->object);
  holder->object = NULL;
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_holder(data);
  free(data);
}

napi_value hold(napi_env env, void *object, release_function *release) {
  napi_value out = NULL;
  struct holder *holder = malloc(sizeof *holder);
  if (holder) *holder = (struct holder){object, release};
  if (holder && napi_create_external(env, holder, on_collected, NULL, &out) == napi_ok) return out;
  release(object);
  free(holder);
  return number(env, -ENOMEM);
}

static struct holder *holder_at(struct call *call, int index, release_function *release) {
  void *data = NULL;
  if (napi_get_value_external(call->env, call->arguments[index], &data) == napi_ok &&
      ((struct holder *)data)->release == release)
    return data;
  call->wrong = 1;
  return NULL;
}

void *take_held(struct call *call, int index, release_function *release) {
  struct holder *holder = holder_at(call, index, release);
  if (holder && !holder->object) call->failed = -EBADF;
  return holder ? holder->object : NULL;
}

napi_value close_held(napi_env env, napi_callback_info info, release_function *release) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct holder *holder = holder_at(&call, 0, release);
  if (!call_is_good(&call, &out)) return out;
  close_holder(holder);
  return number(env, 0);
}

void add_bindings(napi_env env, napi_value exports, const struct binding *bindings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value function = NULL;
    const char *name = bindings[i].name;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, bindings[i].function, NULL, &function);
    napi_set_named_property(env, exports, name, function);
  }
}
