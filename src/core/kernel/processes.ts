/** How a process ended. */
export interface ExitStatus {
  /** 0 to 255; 128 + n if signal n ended it: what shells and containerd's API say. */
  readonly code: number;
  /** The number of the signal that ended it, 0 if none did. */
  readonly signal: number;
}

/** An exit status from the number that wait(2) gives. */
export function exitStatusOf(waitStatus: number): ExitStatus {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? { code: (waitStatus >> 8) & 0xff, signal: 0 } : { code: 128 + signal, signal };
}

/** A process held by a pidfd: it stands for this very process, also after its number was given to another. */
export interface ProcessHandle extends Disposable {
  readonly pid: number;
  /** @throws SyscallError ESRCH (not-found) when the process has ended and was reaped. A zombie accepts any signal. */
  signal(signal: number): void;
  /**
   * Settles when the process has ended; it may still be a zombie that its parent has to reap. One descriptor in the
   * event loop serves any number of waiters. Rejects with the signal's reason on abort, with `canceled` on disposal.
   */
  exited(signal?: AbortSignal): Promise<void>;
  /**
   * The status, also of a process that is not our child, once its parent has reaped it. Undefined before that, and
   * on kernels that do not tell (older than Linux 6.15).
   */
  exitStatus(): ExitStatus | undefined;
}

/** Looking at, signalling and reaping processes. */
export interface Processes {
  /** @throws SyscallError ESRCH when there is no such process. */
  open(pid: number): ProcessHandle;
  /**
   * Opens only if the process is the one that was seen before, told by its start time: after a restart of the
   * daemon a remembered number may belong to another. Undefined if it is gone or another.
   */
  openIfSame(pid: number, startTime: bigint): ProcessHandle | undefined;
  /**
   * Reaps one child, or orphan that fell to us as subreaper, if it has ended; never waits.
   *
   * @returns Undefined while it runs.
   * @throws SyscallError ECHILD when it is not ours to reap (or was reaped).
   */
  reap(pid: number): ExitStatus | undefined;
  /**
   * Reaps a child, or orphan that fell to us, that has ended as its handle tells. Waits while a tracer has not yet let go of it.
   *
   * @throws SyscallError ECHILD when it is not ours to reap (or was reaped).
   */
  reapEnded(pid: number): Promise<ExitStatus>;
  /** Start of the process in clock ticks since boot, field 22 of /proc/<pid>/stat; undefined when it is gone or a zombie. */
  startTime(pid: number): bigint | undefined;
  /** Orphaned descendants become our children instead of init's (PR_SET_CHILD_SUBREAPER); for the life of this process. */
  becomeSubreaper(): void;
  /**
   * Says that a process will soon be moved to another cgroup: the kernel's wait before the first such move in a while (5 to 20 ms) begins
   * now, in the background, instead of then. A process that lives for that only enters a cgroup meanwhile.
   *
   * @param procs The file `cgroup.procs` of that cgroup: of any one, best of ours.
   * @throws SyscallError: it can't be opened for writing.
   */
  expectMove(procs: string): void;
}
