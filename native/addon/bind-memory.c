#define _GNU_SOURCE
#include "binding.h"

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

void add_memory_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"collectAll", bind_collect_all},
      {"trimAllocator", bind_trim_allocator},
      {"unmapCode", bind_unmap_code},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
