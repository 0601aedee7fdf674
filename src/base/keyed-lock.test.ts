import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from './abort.js';
import { KeyedLock } from './keyed-lock.js';

test('work under one key runs in turn, under another at once', async () => {
  const lock = new KeyedLock();
  const order: string[] = [];
  const gate = deferred<undefined>();
  const first = lock.run('a', async () => {
    order.push('first begins');
    await gate.promise;
    order.push('first ends');
  });
  const second = lock.run('a', () => Promise.resolve(order.push('second')));
  await lock.run('b', () => Promise.resolve(order.push('other key')));
  gate.resolve(undefined);
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first begins', 'other key', 'first ends', 'second']);
});

test('work that throws lets the next in, and waiting can be called off', async () => {
  const lock = new KeyedLock();
  const gate = deferred<undefined>();
  const failing = lock.run('a', async () => {
    await gate.promise;
    throw new Error('no');
  });
  const controller = new AbortController();
  const waiting = lock.run('a', () => Promise.reject(new Error('must not run')), controller.signal);
  const next = lock.run('a', () => Promise.resolve('in'));
  controller.abort(new Error('called off'));
  await assert.rejects(waiting, /called off/);
  gate.resolve(undefined);
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'in');
});
