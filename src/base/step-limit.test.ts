import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { deferred } from './abort.js';
import { StepLimit } from './step-limit.js';

test('each step has the whole time; one beyond it ends the work, and all that is done later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const limit = new StepLimit(1000, () => new Error('too slow'));
  for (let at = 0; at < 3; at += 1) {
    const { promise, resolve } = deferred<number>();
    const step = limit.step(promise);
    t.mock.timers.tick(999);
    resolve(at);
    assert.equal(await step, at);
  }
  t.mock.timers.tick(5000);
  assert.equal(limit.signal.aborted, false);
  const late = assert.rejects(limit.step(new Promise(() => undefined)), /too slow/);
  await setImmediate();
  t.mock.timers.tick(1000);
  await late;
  assert.equal(limit.signal.aborted, true);
  await assert.rejects(limit.step(Promise.resolve(1)), /too slow/);
});
