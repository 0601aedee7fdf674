#define _GNU_SOURCE
#include "binding.h"

/* crc32(bytes, before) → the sum, or a negated errno. */
static napi_value bind_crc32(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  napi_value out;
  struct bytes bytes = take_bytes(&call, 0);
  int64_t before = take_int64(&call, 1);
  uint32_t sum = 0;
  if (!call_is_good(&call, &out)) return out;
  int failed = wh_crc32(bytes.data, bytes.length, (uint32_t)before, &sum);
  return number(env, failed ? failed : (double)sum);
}

void add_checksum_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {{"crc32", bind_crc32}};
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
