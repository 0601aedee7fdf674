import { DaemonError } from '../base/errors.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { RuntimeOptions } from '../core/execution/runtime.js';
import { typeNameOf } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';

/**
 * Reads what of a task's or container's runtime options matters to us: `containerd.runc.v1.Options`, or `runtimeoptions.v1.Options`,
 * which names a file for runtimes that have one; ours has none.
 *
 * @throws invalid-argument: another message, by its name.
 */
export function decodeRuntimeOptions(any: OpaqueAny): RuntimeOptions {
  const name = typeNameOf(any.typeUrl);
  if (name === '' && any.value.length === 0) return {};
  if (name === 'runtimeoptions.v1.Options') return {};
  if (name !== 'containerd.runc.v1.Options') {
    throw new DaemonError(
      'invalid-argument',
      `runtime options of type ${JSON.stringify(any.typeUrl)} are not supported`,
    );
  }
  const options = messages.decode('containerd.runc.v1.Options', any.value);
  return {
    ...(options.binary_name !== '' && { binary: options.binary_name }),
    ...(options.root !== '' && { root: options.root }),
    systemdCgroup: options.systemd_cgroup,
    ioUid: options.io_uid,
    ioGid: options.io_gid,
    noPivotRoot: options.no_pivot_root,
    noNewKeyring: options.no_new_keyring,
  };
}
