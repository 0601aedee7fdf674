import { readFileSync } from 'node:fs';
import { abortable, deferred } from '../base/abort.js';
import { DaemonError, isErrno } from '../base/errors.js';
import { exitStatusOf, type ExitStatus, type ProcessHandle, type Processes } from '../core/kernel/processes.js';
import { addon } from './addon.js';
import { check } from './outcome.js';
import { EAGAIN, reapEnded } from './reaping.js';
import { watchDescriptor } from './watch.js';

/** Error numbers that are an answer here, the same on all architectures that Node runs on. */
const ESRCH = -3;
const EINVAL = -22;
const ENOTTY = -25;

class PidfdHandle implements ProcessHandle {
  readonly pid: number;
  readonly #pidfd: number;
  readonly #disposed = deferred<never>();
  #ended: Promise<unknown> | undefined;
  #watch: (Disposable & { readonly ready: Promise<unknown> }) | undefined;
  #open = true;

  constructor(pid: number, pidfd: number) {
    this.pid = pid;
    this.#pidfd = pidfd;
  }

  signal(signal: number): void {
    check('pidfd_send_signal', this.pid, addon().pidfdSignal(this.#fd(), signal));
  }

  async exited(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#watch ??= watchDescriptor(this.#fd(), 'readable');
    this.#ended ??= Promise.race([this.#watch.ready, this.#disposed.promise]);
    await abortable(this.#ended, signal);
  }

  exitStatus(): ExitStatus | undefined {
    const status = addon().pidfdExitStatus(this.#fd());
    if (status === EAGAIN || status === ENOTTY || status === EINVAL || status === ESRCH) return undefined;
    return exitStatusOf(check('PIDFD_GET_INFO', this.pid, status));
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.[Symbol.dispose]();
    this.#disposed.reject(new DaemonError('canceled', `process ${this.pid} is no longer watched`));
    addon().close(this.#pidfd);
  }

  #fd(): number {
    if (!this.#open) throw new DaemonError('internal', `process ${this.pid}: its handle was disposed`);
    return this.#pidfd;
  }
}

/** State and start time of /proc/<pid>/stat; the name before them is in brackets and may hold any character. */
function readStat(pid: number): { readonly state: string; readonly startTime: bigint } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: BigInt(fields[19] ?? 0) };
  } catch (cause) {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ESRCH')) return undefined;
    throw cause;
  }
}

function startTime(pid: number): bigint | undefined {
  const stat = readStat(pid);
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTime;
}

function open(pid: number): ProcessHandle {
  return new PidfdHandle(pid, check('pidfd_open', pid, addon().pidfdOpen(pid)));
}

/** The start time is read while the pidfd pins the number, so it cannot be that of a successor. */
function openIfSame(pid: number, expected: bigint): ProcessHandle | undefined {
  const pidfd = addon().pidfdOpen(pid);
  if (pidfd === ESRCH) return undefined;
  const handle = new PidfdHandle(pid, check('pidfd_open', pid, pidfd));
  if (readStat(pid)?.startTime === expected) return handle;
  handle[Symbol.dispose]();
  return undefined;
}

export function createProcesses(): Processes {
  return {
    open,
    openIfSame,
    reap(pid) {
      const status = addon().reap(pid);
      return status === EAGAIN ? undefined : exitStatusOf(check('waitid', pid, status));
    },
    async reapEnded(pid) {
      return exitStatusOf(check('waitid', pid, await reapEnded(pid)));
    },
    startTime,
    becomeSubreaper() {
      check('prctl', 'PR_SET_CHILD_SUBREAPER', addon().becomeSubreaper());
    },
    expectMove(procs) {
      check('expect_move', procs, addon().expectMove(procs));
    },
  };
}
