import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { Fields } from './fields.js';
import { chosenHealthCheck, readHealthCheck } from './health-check.js';

const MS = 1_000_000;
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5000, retries: 3 };
const read = (Healthcheck: object) => readHealthCheck(new Fields({ Healthcheck } as never, 'config'));

test('what an image says of its health check', () => {
  assert.deepEqual(read({ Test: ['CMD', 'a', 'b'] }), { args: ['a', 'b'], ...DEFAULTS });
  assert.deepEqual(read({ Test: ['CMD-SHELL', 'a | b'] })?.args, ['/bin/sh', '-c', 'a | b']);
  const times = { Interval: 5000 * MS, Timeout: 1, StartPeriod: 7 * MS, StartInterval: 300 * MS, Retries: 9 };
  assert.deepEqual(read({ Test: ['CMD', 'a'], ...times }), {
    ...{ args: ['a'], intervalMs: 5000, timeoutMs: 1, startPeriodMs: 7, startIntervalMs: 300, retries: 9 },
  });
  for (const none of [{}, { Test: [] }, { Test: ['NONE'] }, { Test: ['CMD'] }, { Test: ['OTHER', 'x'] }]) {
    assert.equal(read(none), undefined);
  }
});

test('what an image can not mean is no check, and what it can not have is bounded', () => {
  for (const wrong of [{ Test: 'text' }, { Test: ['CMD', 'a'], Interval: -1 }, { Test: ['CMD', 1] }]) {
    assert.equal(read(wrong), undefined);
  }
  const check = read({ Test: ['CMD', 'a'], Interval: 1, StartInterval: 1, StartPeriod: 1e15, Retries: 1e9 });
  assert.deepEqual([check?.intervalMs, check?.startIntervalMs, check?.retries], [100, 100, 1000]);
});

test('what a user says comes before the image', () => {
  const image = read({ Test: ['CMD', 'a'], Retries: 9 });
  assert.deepEqual(chosenHealthCheck(image), image);
  assert.equal(chosenHealthCheck(image, { none: true }), undefined);
  assert.equal(chosenHealthCheck(undefined), undefined);
  assert.deepEqual(chosenHealthCheck(image, { command: 'b', intervalMs: 1000 }), {
    ...{ ...DEFAULTS, args: ['/bin/sh', '-c', 'b'], intervalMs: 1000, retries: 9 },
  });
  assertThrowsWithKind(() => chosenHealthCheck(image, { none: true, command: 'b' }), 'invalid-argument', /not both/);
  assertThrowsWithKind(() => chosenHealthCheck(undefined, { retries: 2 }), 'invalid-argument', /no health check/);
  assertThrowsWithKind(() => chosenHealthCheck(image, { retries: 0 }), 'invalid-argument', /at least one try/);
});
