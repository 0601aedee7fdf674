import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { deferred } from '../../base/abort.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { ExitRecord, ProcessKey } from '../../core/execution/runtime.js';
import type { ExitStatus, ProcessHandle, Processes } from '../../core/kernel/processes.js';
import type { KeptProcess } from './keeper.js';
import { monitorGone } from './monitor-connection.js';
import { type ProcessFile, readExitFile, writeExitFile } from './records.js';

/** Why the status of a process may not be known. */
export const MONITOR_LOST = 'its monitor ended before it';
export const REAPER_LOST = 'the daemon, which was its reaper, ended before it';
/** What clients of containerd take for "not known". */
const UNKNOWN_STATUS = 255;
/** How long init (or whoever is the next subreaper) may take to reap an orphan, and how often we look: there is no event. */
const REAPED_BY_OTHERS_MS = 5000;
const LOOK_MS = 20;

/** Holds a process by the files that its monitor left; undefined when it has ended. Never another one with the same pid. */
export function openRecorded(
  processes: Processes,
  file: Pick<ProcessFile, 'pid' | 'startTime'>,
): ProcessHandle | undefined {
  return processes.openIfSame(file.pid, file.startTime);
}

/** Signals by pidfd. @throws not-found "process already finished". */
export function signalProcess(handle: ProcessHandle | undefined, signal: number): void {
  const finished = () => new DaemonError('not-found', 'process already finished: not found');
  if (!handle) throw finished();
  try {
    handle.signal(signal);
  } catch (cause) {
    throw isErrno(cause, 'ESRCH') ? finished() : cause;
  }
}

/**
 * Waits for the end of a process that nobody of ours is the parent of any more (WIRE.md 7). The status is what its monitor still wrote,
 * else what the kernel tells, else unknown, because of `why`; it is written down for the next restart.
 */
export async function exitOfOrphan(
  processes: Processes,
  dir: string,
  handle: ProcessHandle | undefined,
  why: string,
): Promise<ExitRecord> {
  await handle?.exited();
  const written = await readExitFile(dir);
  if (written) return written;
  const exitedAtNs = BigInt(Date.now()) * 1_000_000n;
  const status = handle && (await statusFromKernel(processes, handle));
  const record: ExitRecord = status
    ? { status: status.code, unknown: false, exitedAtNs, oomKilled: false }
    : { status: UNKNOWN_STATUS, unknown: true, unknownReason: why, exitedAtNs, oomKilled: false };
  await writeExitFile(dir, handle?.pid ?? 0, status?.signal ?? 0, record);
  return record;
}

async function statusFromKernel(processes: Processes, handle: ProcessHandle): Promise<ExitStatus | undefined> {
  for (let waited = 0; waited < REAPED_BY_OTHERS_MS; waited += LOOK_MS) {
    const status = handle.exitStatus() ?? reapIfOurs(processes, handle.pid);
    if (status) return status;
    await pause(LOOK_MS);
  }
  return undefined;
}

/** With the daemon as subreaper the orphan falls to us. */
function reapIfOurs(processes: Processes, pid: number): ExitStatus | undefined {
  try {
    return processes.reap(pid);
  } catch (cause) {
    if (isErrno(cause, 'ECHILD')) return undefined;
    throw cause;
  }
}

/** A process without a monitor: it is watched and can be signalled; its streams are lost. */
export class LostProcess implements KeptProcess {
  readonly key: ProcessKey;
  readonly pid: number;
  readonly exited: Promise<ExitRecord>;
  readonly drained: Promise<void> = Promise.resolve();
  readonly released: Promise<void>;
  readonly #released = deferred<undefined>();
  readonly #dir: string;
  readonly #handle: ProcessHandle | undefined;

  constructor(processes: Processes, key: ProcessKey, dir: string, file: ProcessFile, why: string) {
    this.key = key;
    this.pid = file.pid;
    this.released = this.#released.promise;
    this.#dir = dir;
    this.#handle = openRecorded(processes, file);
    this.exited = exitOfOrphan(processes, dir, this.#handle, why);
  }

  signal(signal: number): void {
    signalProcess(this.#handle, signal);
  }

  onOom(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  resize(): Promise<void> {
    return Promise.reject(monitorGone());
  }

  /** Its stdin ended with the monitor. */
  closeStdin(): Promise<void> {
    return Promise.resolve();
  }

  attach(): Promise<never> {
    return Promise.reject(monitorGone());
  }

  async release(): Promise<void> {
    await this.exited;
    this.#handle?.[Symbol.dispose]();
    rmSync(this.#dir, { recursive: true, force: true });
    this.#released.resolve(undefined);
  }
}
