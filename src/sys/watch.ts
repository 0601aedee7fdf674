import { deferred } from '../base/abort.js';
import type { Fd } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { syscallError } from './outcome.js';

const EVENTS = { readable: 1, writable: 2 } as const;

/**
 * Lets the event loop look at a descriptor once; disposal ends the look, and `ready` then never settles.
 *
 * @param keepsAlive Whether the event loop goes on for it.
 */
export function watchDescriptor(
  fd: Fd,
  side: 'readable' | 'writable',
  { keepsAlive = true }: { readonly keepsAlive?: boolean } = {},
): Disposable & { readonly ready: Promise<unknown> } {
  const { promise, resolve, reject } = deferred<undefined>();
  const watch = addon().watch(fd, EVENTS[side], (status) => {
    if (status < 0) reject(syscallError('poll', fd, status));
    else resolve(undefined);
  });
  if (typeof watch === 'number') throw syscallError('poll', fd, watch);
  if (!keepsAlive) addon().unrefWatch(watch);
  return {
    ready: promise,
    [Symbol.dispose]: () => {
      addon().unwatch(watch);
    },
  };
}
