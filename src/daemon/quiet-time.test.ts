import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SILENT } from '../base/logger.js';
import { QUIET_MS, QuietTime } from './quiet-time.js';

test('memory is given back once after work, when there was none for a while', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let released = 0;
  let cpuMs = 0;
  const memory = { releaseUnused: () => void (released += 1) };
  using quiet = new QuietTime({ memory, log: SILENT, cpuMs: () => cpuMs });
  cpuMs += 500; // the start
  t.mock.timers.tick(QUIET_MS);
  assert.equal(released, 0);
  t.mock.timers.tick(QUIET_MS);
  assert.equal(released, 1);
  t.mock.timers.tick(100 * QUIET_MS);
  assert.equal(released, 1);
  quiet.stir();
  for (let window = 0; window < 10; window += 1) {
    cpuMs += 200; // what was asked for goes on
    t.mock.timers.tick(QUIET_MS);
  }
  assert.equal(released, 1);
  t.mock.timers.tick(QUIET_MS);
  assert.equal(released, 2);
});

test('what can not be given back is told, and tried again after the next work', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const log = { ...SILENT, warn: (fields: object) => void told.push(JSON.stringify(fields)) };
  const memory = {
    releaseUnused: () => {
      throw new Error('no /proc');
    },
  };
  using quiet = new QuietTime({ memory, log, cpuMs: () => 0 });
  t.mock.timers.tick(QUIET_MS);
  quiet.stir();
  t.mock.timers.tick(QUIET_MS);
  assert.equal(told.length, 2);
  assert.match(told[0] ?? '', /no \/proc/);
});
