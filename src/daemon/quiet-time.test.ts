import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { SILENT } from '../base/logger.js';
import { AFTERMATH_MS, QUIET_MS, QuietTime } from './quiet-time.js';

/** A daemon's time: how often memory was given back, and how often its code alone; `work` takes CPU time. */
function watched(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const seen = { unused: 0, code: 0 };
  let cpuMs = 0;
  const memory = { releaseUnused: () => void (seen.unused += 1), releaseCode: () => void (seen.code += 1) };
  return {
    quiet: new QuietTime({ memory, log: SILENT, cpuMs: () => cpuMs }),
    work: (ms: number) => void (cpuMs += ms),
    tick: (ms: number) => {
      t.mock.timers.tick(ms);
    },
    seen: () => [seen.unused, seen.code],
  };
}

test('memory is given back once after work, when there was none for a while, and its code once more', (t) => {
  const { quiet, work, tick, seen } = watched(t);
  work(500); // the start
  tick(QUIET_MS);
  assert.deepEqual(seen(), [0, 0]);
  tick(QUIET_MS);
  assert.deepEqual(seen(), [1, 0]);
  tick(AFTERMATH_MS);
  assert.deepEqual(seen(), [1, 1]);
  tick(100 * QUIET_MS);
  assert.deepEqual(seen(), [1, 1]);
  quiet.stir();
  for (let window = 0; window < 10; window += 1) {
    work(200); // what was asked for goes on
    tick(QUIET_MS);
  }
  assert.deepEqual(seen(), [1, 1]);
  tick(QUIET_MS);
  assert.deepEqual(seen(), [2, 1]);
  quiet[Symbol.dispose]();
  tick(100 * QUIET_MS);
  assert.deepEqual(seen(), [2, 1]);
});

test('work that comes before the code has gone once more begins it all anew', (t) => {
  const { quiet, work, tick, seen } = watched(t);
  tick(QUIET_MS);
  quiet.stir();
  tick(AFTERMATH_MS);
  assert.deepEqual(seen(), [1, 0]);
  tick(QUIET_MS - AFTERMATH_MS);
  assert.deepEqual(seen(), [2, 0]);
  work(200); // of which nobody was told
  tick(AFTERMATH_MS);
  assert.deepEqual(seen(), [2, 0]);
  tick(QUIET_MS);
  assert.deepEqual(seen(), [3, 0]);
  tick(AFTERMATH_MS);
  assert.deepEqual(seen(), [3, 1]);
});

test('what can not be given back is told, and tried again after the next work', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const log = { ...SILENT, warn: (fields: object) => void told.push(JSON.stringify(fields)) };
  const fail = () => {
    throw new Error('no /proc');
  };
  using quiet = new QuietTime({ memory: { releaseUnused: fail, releaseCode: fail }, log, cpuMs: () => 0 });
  t.mock.timers.tick(QUIET_MS);
  quiet.stir();
  t.mock.timers.tick(QUIET_MS);
  t.mock.timers.tick(100 * QUIET_MS);
  assert.equal(told.length, 2);
  assert.match(told[0] ?? '', /no \/proc/);
});
