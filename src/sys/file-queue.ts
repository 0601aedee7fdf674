import type { FileQueue } from '../core/kernel/file-queue.js';
import { addon } from './addon.js';
import { check, syscallError } from './outcome.js';
import { openPlainEntries } from './plain-entries.js';

/** A thread of the addon's that makes files. @throws SyscallError EAGAIN: there are too many threads. */
export function openFileQueue(): FileQueue {
  const native = addon();
  const queue = native.openQueue();
  if (typeof queue === 'number') throw syscallError('pthread_create', 'a queue of files', queue);
  return {
    create(dir, name, { mode, uid, gid, mtime, content }, entry) {
      const { seconds, nanoseconds } = mtime;
      const outcome = native.queueFile(queue, dir, name, mode, uid, gid, seconds, nanoseconds, content, entry);
      check('create file', name, outcome);
    },
    waits: (dir, name) => check('look for file', name, native.queueWaits(queue, dir, name)) > 0,
    settle() {
      const failed: { entry?: Buffer } = {};
      const outcome = native.settleQueue(queue, failed);
      const { entry = Buffer.alloc(0) } = failed;
      return outcome < 0 ? { entry, error: syscallError('create', entry, outcome) } : undefined;
    },
    openEntries: (limits) => openPlainEntries(queue, limits),
    [Symbol.dispose]() {
      native.closeQueue(queue);
    },
  };
}
