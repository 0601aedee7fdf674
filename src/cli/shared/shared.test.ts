import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { kindOf } from '../../base/errors.js';
import { oneLine } from './out.js';
import { parseCount, parseDurationMs } from './options.js';
import { formatTable } from './table.js';
import { formatAge, formatBytes } from './units.js';
import { write } from './write.js';

test('durations are read as Go users and shell users type them', () => {
  assert.equal(parseDurationMs('90s'), 90_000);
  assert.equal(parseDurationMs('1m30s'), 90_000);
  assert.equal(parseDurationMs('2h'), 7_200_000);
  assert.equal(parseDurationMs('500ms'), 500);
  assert.equal(parseDurationMs('1.5'), 1500);
  assert.equal(parseDurationMs('0'), 0);
  for (const bad of ['', '-1', 's', '1x', '1s1m', '1 s']) {
    assert.throws(
      () => parseDurationMs(bad),
      (error: unknown) => kindOf(error) === 'invalid-argument',
      bad,
    );
  }
});

test('counts are whole numbers that a double holds', () => {
  assert.equal(parseCount('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const bad of ['9007199254740992', '-1', '1.5', '', '0x10']) assert.throws(() => parseCount(bad), /whole number/);
});

test('sizes use binary units', () => {
  assert.equal(formatBytes(0), '0 B');
  assert.equal(formatBytes(1023), '1023 B');
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(48_000_000), '45.8 MiB');
});

test('ages use their largest unit, and never count below zero', () => {
  assert.equal(formatAge(-5), '0 seconds');
  assert.equal(formatAge(61_000), '1 minute');
  assert.equal(formatAge(3 * 86_400_000), '3 days');
});

test('columns are padded, the last is not, and control characters do not reach the terminal', () => {
  assert.equal(
    formatTable([
      ['ID', 'PID'],
      ['a\u001b[2Jb', '1'],
      ['c', ''],
    ]),
    'ID      PID\na?[2Jb  1\nc\n',
  );
});

test('an error is one line, whatever the registry wrote into it', () => {
  assert.equal(oneLine('denied:\n  no\u001b[31m access\r\n'), 'denied: no?[31m access ');
});

test('a write that waits for room leaves no listener behind, and does not wait for a stream that is closed', async () => {
  const taken: (() => void)[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write: (_bytes, _encoding, done) => void taken.push(done),
  });
  const before = slow.listenerCount('close');
  for (let at = 0; at < 20; at += 1) {
    const written = write(slow, Buffer.from('a line'));
    taken.pop()?.();
    await written;
  }
  assert.deepEqual([slow.listenerCount('drain'), slow.listenerCount('close')], [0, before]);
  const waiting = write(slow, Buffer.from('more'));
  slow.destroy();
  await waiting;
  await write(slow, Buffer.from('late'));
  assert.equal(slow.listenerCount('drain'), 0);
});
