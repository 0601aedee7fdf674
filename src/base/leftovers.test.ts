import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from './errors.js';
import { Leftovers } from './leftovers.js';
import { SILENT } from './logger.js';

const tick = (): Promise<void> => new Promise(setImmediate);

test('what could not be removed is tried again by itself, less and less often, until it goes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const leftovers = new Leftovers(SILENT);
  let tries = 0;
  const remove = (): Promise<void> => {
    tries += 1;
    return tries < 3 ? Promise.reject(new Error('busy')) : Promise.resolve();
  };
  leftovers.keep('box', remove, new Error('busy'));
  const seen: number[] = [];
  for (const ms of [999, 1, 1999, 1, 3999, 1, 1_000_000]) {
    t.mock.timers.tick(ms);
    await tick();
    seen.push(tries);
  }
  assert.deepEqual(seen, [0, 1, 1, 2, 2, 3, 3]);
  await leftovers.clear('box');
  assert.equal(tries, 3);
});

test('who wants the name has it removed, once for all who do, or hears why not', async () => {
  const leftovers = new Leftovers(SILENT);
  let isBroken = true;
  let tries = 0;
  const remove = async (): Promise<void> => {
    tries += 1;
    await tick();
    if (isBroken) throw new Error('busy');
  };
  leftovers.keep('box', remove, new Error('busy'));
  const results = await Promise.allSettled([leftovers.clear('box'), leftovers.clear('box')]);
  for (const result of results) {
    assert.ok(result.status === 'rejected' && isKind(result.reason, 'failed-precondition'));
    assert.match(String(result.reason), /box can't be removed: busy/);
  }
  assert.equal(tries, 1);
  isBroken = false;
  await leftovers.clear('box');
  await leftovers.clear('box');
  await leftovers.clear('other');
  assert.equal(tries, 2);
});
