import { constants } from 'node:os';
import { DaemonError, isErrno } from '../base/errors.js';
import { exitStatusOf, type ExitStatus } from '../core/kernel/processes.js';
import type { Fd } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { check } from './outcome.js';
import { reapEnded } from './reaping.js';
import { watchDescriptor } from './watch.js';

/** A descriptor of the child that leads nowhere. */
const NOWHERE = -1;

/** The exit code that nobody can tell any more. */
const UNKNOWN = 255;

/** What a child is started with. */
export interface SpawnOrder {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it has as 0, 1, 2, …; undefined is /dev/null. */
  readonly fds: readonly (Fd | undefined)[];
  /** A session of its own, and the event loop does not go on for it. */
  readonly detached: boolean;
}

/** A child of ours, which is reaped as soon as it has ended. */
export interface Spawned {
  readonly pid: number;
  /** Settles once it is reaped. */
  readonly exited: Promise<ExitStatus>;
  /** Does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a child by the addon. Node's own way forks, which copies the page tables of a large daemon: milliseconds each time, in which
 * nothing else is served.
 *
 * @throws SyscallError: it can't be started. invalid-argument: NUL in an argument.
 */
export function spawn({ path, args, env, cwd, fds, detached }: SpawnOrder): Spawned {
  const pidfd = new Int32Array(1);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // Node inherits what its parent left open above 2, and would hand it on.
  check('close_range', path, addon().sealDescriptors());
  const outcome = addon().spawn(
    path,
    cwd,
    listOf(path, [path, ...args]),
    listOf(path, variables),
    Int32Array.from(fds, (fd) => fd ?? NOWHERE),
    detached ? 1 : 0,
    pidfd,
  );
  const pid = check('spawn', path, outcome);
  return new Child(pid, pidfd[0] ?? NOWHERE, detached);
}

function listOf(path: string, texts: readonly string[]): Buffer {
  if (texts.some((text) => text.includes('\0'))) {
    throw new DaemonError('invalid-argument', `program ${path}: an argument or a variable has a NUL in it`);
  }
  return Buffer.from(texts.map((text) => `${text}\0`).join(''));
}

class Child implements Spawned {
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  readonly #pidfd: Fd;
  #open = true;

  constructor(pid: number, pidfd: Fd, detached: boolean) {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.exited = this.#reap(detached);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#open) return;
    try {
      check('pidfd_send_signal', this.pid, addon().pidfdSignal(this.#pidfd, constants.signals[signal]));
    } catch (cause) {
      if (!isErrno(cause, 'ESRCH')) throw cause;
    }
  }

  async #reap(detached: boolean): Promise<ExitStatus> {
    using watch = watchDescriptor(this.#pidfd, 'readable', { keepsAlive: !detached });
    await watch.ready;
    const reaped = await reapEnded(this.pid);
    // Another that reaps orphans may have been quicker; then the pidfd tells, on kernels that do.
    const status = reaped < 0 ? addon().pidfdExitStatus(this.#pidfd) : reaped;
    this.#open = false;
    addon().close(this.#pidfd);
    return status < 0 ? { code: UNKNOWN, signal: 0 } : exitStatusOf(status);
  }
}
