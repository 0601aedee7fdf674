#include "binding.h"

/* Loaded once for the main thread and once for every worker; there is no state to share. */
NAPI_MODULE_INIT() {
  add_file_bindings(env, exports);
  add_metadata_bindings(env, exports);
  add_mount_bindings(env, exports);
  add_process_bindings(env, exports);
  add_descriptor_bindings(env, exports);
  add_poll_bindings(env, exports);
  add_queue_bindings(env, exports);
  add_entry_bindings(env, exports);
  add_memory_bindings(env, exports);
  add_checksum_bindings(env, exports);
  return exports;
}
