import { existsSync, readSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { RecordedRuntime } from './bundle.js';
import { RUNTIME_TIMEOUT_MS } from './oci-cli.js';

/**
 * Lets the init that `runc create` made go on, as `runc start` does, without a program for it: init waits until somebody reads the FIFO
 * `exec.fifo` of its state directory, writes a byte, and executes its process; that the FIFO is gone tells runc that the container
 * was started (libcontainer/container_linux.go, `exec`; `create` has run the poststart hooks by then). crun keeps a FIFO of that name,
 * too, and reads where runc writes: it has no state.json.
 *
 * @param ended Settles when init has ended: then nobody writes any more.
 * @throws deadline-exceeded: init does not go on. The signal's reason on abort.
 * @returns False when there is no such init here, or it has ended without a byte: what that means the runtime's own `start` tells.
 */
export async function startByFifo(
  descriptors: Descriptors,
  { binary, root }: RecordedRuntime,
  containerId: string,
  ended: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  const dir = join(root, containerId);
  const path = join(dir, 'exec.fifo');
  // A program around runc may want to hear of the start.
  if (basename(binary) !== 'runc' || !existsSync(join(dir, 'state.json'))) return false;
  const fifo = openedFifo(descriptors, path);
  if (fifo === undefined) return false;
  try {
    // At once: should this process die here, init is running or ended, and the runtime says so.
    rmSync(path, { force: true });
    return await byteComes(descriptors, fifo, ended, signal);
  } finally {
    descriptors.close(fifo);
  }
}

/** Undefined when it is not there, or something else. */
function openedFifo(descriptors: Descriptors, path: string): Fd | undefined {
  try {
    return descriptors.openFifo(path, 'read');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENXIO')) return undefined;
    throw cause;
  }
}

async function byteComes(
  descriptors: Descriptors,
  fifo: Fd,
  ended: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const over = new AbortController();
  void ended.then(() => {
    over.abort();
  });
  const deadline = AbortSignal.timeout(RUNTIME_TIMEOUT_MS);
  const limit = AbortSignal.any([over.signal, deadline, ...(signal ? [signal] : [])]);
  await descriptors.ready(fifo, 'readable', limit).catch((cause: unknown) => {
    // Init may have written before it ended: then the byte is still there.
    if (over.signal.aborted) return;
    if (!deadline.aborted) throw cause;
    const why = `OCI runtime start failed: init did not go on within ${RUNTIME_TIMEOUT_MS} ms: delete the container`;
    throw new DaemonError('deadline-exceeded', why, { cause });
  });
  try {
    return readSync(fifo, Buffer.alloc(1)) > 0;
  } catch (cause) {
    if (isErrno(cause, 'EAGAIN')) return false;
    throw cause;
  }
}
