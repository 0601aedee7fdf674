import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { kindOf } from '../../base/errors.js';
import type { WorkerPool } from '../../core/diff/worker-pool.js';
import type { FileCopies, PackTreeTask, UnpackTreeTask } from '../../core/execution/copy-tasks.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';

/**
 * Copies done by worker threads, each with a pipe between it and us: the slower side sets the pace and nothing is collected in between.
 *
 * @param pool Its threads wait for clients, so nobody else should need them.
 */
export function pipedCopies(pool: WorkerPool, descriptors: Pick<Descriptors, 'pipe' | 'close'>): FileCopies {
  return {
    async *pack(root, place, signal) {
      const { read, write } = descriptors.pipe();
      const stop = new AbortController();
      const until = AbortSignal.any([signal, stop.signal]);
      const source = new Socket({ fd: read, readable: true, writable: false });
      until.addEventListener('abort', () => source.destroy(), { once: true });
      const task: PackTreeTask = { kind: 'pack-tree', root, into: write, ...place };
      const work = pool.run(task, { signal: until }).finally(() => {
        descriptors.close(write);
      });
      work.catch(() => undefined);
      try {
        yield* source as AsyncIterable<Uint8Array>;
        await work;
      } finally {
        stop.abort();
        await work.catch(() => undefined);
      }
    },

    async unpack(root, place, tar, signal) {
      const { read, write } = descriptors.pipe();
      const stop = new AbortController();
      const until = AbortSignal.any([signal, stop.signal]);
      const target = new Socket({ fd: write, readable: false, writable: true });
      const task: UnpackTreeTask = { kind: 'unpack-tree', root, from: read, ...place };
      const work = pool.run(task, { signal: until }).finally(() => {
        descriptors.close(read);
        stop.abort();
      });
      const feeding = pipeline(Readable.from(tar, { objectMode: false }), target, { signal: until }).catch(
        (error: unknown) => {
          // Before the pipe ends, lest what was sent be taken for the whole.
          stop.abort();
          target.destroy();
          throw error;
        },
      );
      const [worked, fed] = await Promise.allSettled([work, feeding]);
      signal.throwIfAborted();
      if (worked.status === 'fulfilled') return;
      if (fed.status === 'rejected' && kindOf(worked.reason) === 'canceled') throw fed.reason;
      throw worked.reason;
    },
  };
}
