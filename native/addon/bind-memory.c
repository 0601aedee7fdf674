#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * v8::Isolate::GetCurrent() and ::LowMemoryNotification() as node exports them. Node-API has nothing like them; weak, so that on a node
 * without them the collection is left out.
 */
extern void *isolate_get_current(void) __asm__("_ZN2v87Isolate10GetCurrentEv") __attribute__((weak));
extern void isolate_low_memory(void *isolate) __asm__("_ZN2v87Isolate21LowMemoryNotificationEv") __attribute__((weak));

static napi_value bind_collect_all(napi_env env, napi_callback_info info) {
  (void)info;
  if (isolate_get_current && isolate_low_memory) isolate_low_memory(isolate_get_current());
  return number(env, 0);
}

static napi_value bind_trim_allocator(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_trim_allocator());
}

static napi_value bind_unmap_code(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, wh_unmap_code());
}

static napi_value bind_create_shared(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  int64_t size = take_int64(&call, 0);
  if (!call_is_good(&call, &out)) return out;
  return number(env, size < 0 ? -EINVAL : wh_create_shared((size_t)size));
}

static void unmap(napi_env env, void *memory, void *size) {
  (void)env;
  munmap(memory, (size_t)size);
}

/* A Buffer, or a number. The memory goes when the buffer is detached, or collected. */
static napi_value bind_map_shared(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  void *memory;
  int fd = take_int(&call, 0);
  int64_t size = take_int64(&call, 1);
  if (!call_is_good(&call, &out)) return out;
  int result = size <= 0 ? -EINVAL : wh_map_shared(fd, (size_t)size, &memory);
  if (result != 0) return number(env, result);
  if (napi_create_external_buffer(env, (size_t)size, memory, unmap, (void *)(uintptr_t)size, &out) == napi_ok) return out;
  munmap(memory, (size_t)size);
  return number(env, -ENOMEM);
}

static napi_value bind_detach(napi_env env, napi_callback_info info) {
  napi_value buffer, block = NULL;
  size_t count = 1;
  if (napi_get_cb_info(env, info, &count, &buffer, NULL, NULL) != napi_ok ||
      napi_get_typedarray_info(env, buffer, NULL, NULL, NULL, &block, NULL) != napi_ok ||
      napi_detach_arraybuffer(env, block) != napi_ok)
    napi_throw_type_error(env, NULL, "wharfd addon: no buffer that can be detached");
  return number(env, 0);
}

void add_memory_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"collectAll", bind_collect_all},
      {"trimAllocator", bind_trim_allocator},
      {"unmapCode", bind_unmap_code},
      {"createShared", bind_create_shared},
      {"mapShared", bind_map_shared},
      {"detach", bind_detach},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
