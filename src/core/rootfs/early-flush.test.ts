import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../base/abort.js';
import { EarlyFlush } from './early-flush.js';

const MIB = 1024 ** 2;

test('one flush at a time, after every 4 MiB of any layers', async () => {
  const runs: { readonly ids: readonly number[]; readonly done: () => void }[] = [];
  const flush = new EarlyFlush({
    sync: (ids) => {
      const { promise, resolve } = deferred<undefined>();
      runs.push({ ids, done: () => resolve(undefined) });
      return promise;
    },
  });
  flush.unpacked(1, 2 * MIB);
  assert.equal(runs.length, 0);
  flush.unpacked(2, 2 * MIB);
  flush.unpacked(1, 40 * MIB);
  assert.deepEqual(
    runs.map(({ ids }) => ids),
    [[2]],
  );
  let idle = false;
  const waiting = flush.idle(0).then(() => {
    idle = true;
  });
  await Promise.resolve();
  assert.equal(idle, false);
  runs[0]?.done();
  await waiting;
  flush.unpacked(3, 1);
  assert.equal(runs.length, 2, 'what came meanwhile counts');
  runs[1]?.done();
  await flush.idle(0);
});

test('who only waits is told of no error, and the next flush comes', async () => {
  let runs = 0;
  const flush = new EarlyFlush({
    sync: () => {
      runs += 1;
      throw new Error('at once');
    },
  });
  flush.unpacked(1, 20 * MIB);
  await flush.settled();
  flush.unpacked(1, 20 * MIB);
  await flush.settled();
  assert.equal(runs, 2);
});

test('an error of a flush is for all who had begun before it, and not for those who come later', async () => {
  const broken = new Error('EIO');
  let error: Error | undefined = broken;
  const flush = new EarlyFlush({ sync: () => (error ? Promise.reject(error) : Promise.resolve()) });
  const [first, second] = [flush.failures, flush.failures];
  flush.unpacked(1, 20 * MIB);
  await assert.rejects(flush.idle(first), broken);
  const later = flush.failures;
  error = undefined;
  flush.unpacked(2, 20 * MIB);
  await flush.idle(later);
  await assert.rejects(flush.idle(second), broken, 'a flush that went well later mends nothing');
});
