import { addon, type Outcome } from './addon.js';

/** What an errno of the addon is that says "not yet". */
export const EAGAIN = -11;

/**
 * The status, as of wait(2), of a child that has ended, which a readable pidfd tells. A traced child is its tracer's until that has taken
 * notice (ptrace(2), "Death under ptrace"): a debugger or strace may be slower than the pidfd, and SIGCHLD comes when it is our turn.
 *
 * @returns Negative: the errno, ECHILD when it is not ours to reap.
 */
export function reapEnded(pid: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const look = (): void => {
      const outcome = addon().reap(pid);
      if (outcome === EAGAIN) return;
      process.off('SIGCHLD', look);
      resolve(outcome);
    };
    const atOnce = addon().reap(pid);
    if (atOnce !== EAGAIN) {
      resolve(atOnce);
      return;
    }
    process.on('SIGCHLD', look);
    look(); // the signal may have come before there was somebody to hear it
  });
}
