import { isMainThread } from 'node:worker_threads';
import { addon, type Outcome } from './addon.js';

/** What an errno of the addon is that says "not yet". */
export const EAGAIN = -11;

/** Other threads than the main one get no signals from Node. */
const LOOK_MS = 10;

/** Those who wait for a child that a tracer has not yet let go. */
const waiting = new Set<() => void>();
let timer: NodeJS.Timeout | undefined;

function lookAll(): void {
  for (const look of [...waiting]) look();
}

function wait(look: () => void): void {
  waiting.add(look);
  if (waiting.size > 1) return;
  if (isMainThread) process.on('SIGCHLD', lookAll);
  else timer = setInterval(lookAll, LOOK_MS);
}

function stop(look: () => void): void {
  waiting.delete(look);
  if (waiting.size > 0) return;
  if (isMainThread) process.off('SIGCHLD', lookAll);
  else clearInterval(timer);
}

/**
 * The status, as of wait(2), of a child that has ended, which a readable pidfd tells. A traced child is its tracer's until that has taken
 * notice (ptrace(2), "Death under ptrace"): a debugger or strace may be slower than the pidfd, and SIGCHLD comes when it is our turn.
 *
 * @returns Negative: the errno, ECHILD when it is not ours to reap.
 */
export function reapEnded(pid: number): Promise<Outcome> {
  const atOnce = addon().reap(pid);
  if (atOnce !== EAGAIN) return Promise.resolve(atOnce);
  return new Promise((resolve) => {
    const look = (): void => {
      const outcome = addon().reap(pid);
      if (outcome === EAGAIN) return;
      stop(look);
      resolve(outcome);
    };
    wait(look);
    look(); // the signal may have come before there was somebody to hear it
  });
}
