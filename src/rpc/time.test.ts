import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKind } from '../base/errors.js';
import {
  dateOfTimestamp,
  isoOfTimestamp,
  nsOfTimestamp,
  timestampOfDate,
  timestampOfIso,
  timestampOfNs,
} from './time.js';

const YEAR_1 = -62_135_596_800_000_000_000n;
const END_OF_9999 = 253_402_300_799_999_999_999n;

void test('nanoseconds survive, before 1970 and at both ends of the range too', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: YEAR_1, max: END_OF_9999 }), (ns) => {
      const timestamp = timestampOfNs(ns);
      assert(timestamp.nanos >= 0 && timestamp.nanos < 1e9);
      assert.equal(nsOfTimestamp(timestamp), ns);
      assert.deepEqual(timestampOfIso(isoOfTimestamp(timestamp)), timestamp);
    }),
  );
  assert.deepEqual(timestampOfNs(-1n), { seconds: '-1', nanos: 999_999_999 });
  assert.deepEqual(timestampOfNs(YEAR_1), { seconds: '-62135596800', nanos: 0 });
  for (const ns of [YEAR_1 - 1n, END_OF_9999 + 1n]) {
    assert.throws(
      () => timestampOfNs(ns),
      (error) => isKind(error, 'out-of-range'),
    );
  }
});

void test('dates keep their milliseconds, and a missing one stays missing', () => {
  for (const ms of [0, 1, -1, -1001, 1_700_000_000_123]) {
    assert.equal(dateOfTimestamp(timestampOfDate(new Date(ms)))?.getTime(), ms);
  }
  assert.equal(dateOfTimestamp({ seconds: '-1', nanos: 999_999_999 })?.getTime(), -1);
  assert.equal(timestampOfDate(undefined), null);
  assert.equal(dateOfTimestamp(null), undefined);
});

void test('RFC 3339 text is read with its zone and all its decimals', () => {
  assert.deepEqual(timestampOfIso('1970-01-01T00:00:01.000000001Z'), { seconds: '1', nanos: 1 });
  assert.deepEqual(timestampOfIso('1970-01-01T01:00:00.5+01:00'), { seconds: '0', nanos: 500_000_000 });
  assert.equal(isoOfTimestamp({ seconds: '0', nanos: 120_000_000 }), '1970-01-01T00:00:00.12Z');
  for (const text of [
    '',
    '1970-01-01',
    '1970-13-01T00:00:00Z',
    '1970-01-01T00:00:00',
    '1970-01-01T00:00:00.1234567890Z',
  ]) {
    assert.throws(
      () => timestampOfIso(text),
      (error) => isKind(error, 'invalid-argument'),
      text,
    );
  }
  assert.throws(
    () => nsOfTimestamp({ seconds: '0', nanos: 1_000_000_000 }),
    (error) => isKind(error, 'invalid-argument'),
  );
});
