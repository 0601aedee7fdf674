import type { FileQueue, RawName } from '../core/kernel/directory-files.js';
import { addon } from './addon.js';
import { check, syscallError } from './outcome.js';

const failedAt = new Float64Array(1);

/** A thread of the addon's that makes files. @throws SyscallError EAGAIN: there are too many threads. */
export function openFileQueue(): FileQueue {
  const native = addon();
  const queue = native.openQueue();
  if (typeof queue === 'number') throw syscallError('pthread_create', 'a queue of files', queue);
  let names: RawName[] = [];
  return {
    create(dir, name, { mode, uid, gid, mtime, content }) {
      const outcome = native.queueFile(queue, dir, name, mode, uid, gid, mtime.seconds, mtime.nanoseconds, content);
      check('create file', name, outcome);
      names.push(name);
    },
    settle() {
      const outcome = native.settleQueue(queue, failedAt);
      const at = failedAt[0] ?? 0;
      const name = names[at] ?? '';
      names = [];
      return outcome < 0 ? { at, error: syscallError('create file', name, outcome) } : undefined;
    },
    [Symbol.dispose]() {
      native.closeQueue(queue);
    },
  };
}
