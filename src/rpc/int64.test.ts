import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '../base/errors.js';
import { fromInteger, toBigInt, toSafeNumber } from './int64.js';
import { wholeSchema } from './whole.js';

const EDGES = [
  0n,
  1n,
  -1n,
  2n ** 31n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
] as const;

void test('64-bit integers survive the codec and both conversions exactly', () => {
  const codec = wholeSchema.codec('containerd.types.Descriptor');
  for (const value of EDGES) {
    const decoded = codec.decode(codec.encode({ size: fromInteger(value) })) as { size: string };
    assert.equal(decoded.size, value.toString());
    assert.equal(toBigInt(decoded.size), value);
  }
});

void test('unsigned ones go up to 2^64 - 1', () => {
  const codec = wholeSchema.codec('containerd.services.introspection.v1.ServerResponse');
  const decoded = codec.decode(codec.encode({ pid: fromInteger(2n ** 64n - 1n) })) as { pid: string };
  assert.equal(decoded.pid, '18446744073709551615');
});

void test('a number is given only where it is exact', () => {
  assert.equal(toSafeNumber('9007199254740991'), Number.MAX_SAFE_INTEGER);
  assert.equal(toSafeNumber('-9007199254740991'), Number.MIN_SAFE_INTEGER);
  for (const decimal of ['9007199254740992', '9007199254740993', '-9007199254740992', '9223372036854775807']) {
    assert.throws(
      () => toSafeNumber(decimal),
      (error) => isKind(error, 'out-of-range'),
      decimal,
    );
  }
});

void test('what is no 64-bit integer is refused', () => {
  for (const text of ['', 'x', '1.5', '1e3', ' 1', '0x10', '18446744073709551616', '-9223372036854775809']) {
    assert.throws(
      () => toBigInt(text),
      (error) => isKind(error, 'invalid-argument'),
      JSON.stringify(text),
    );
  }
  for (const value of [1.5, NaN, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n]) {
    assert.throws(
      () => fromInteger(value),
      (error) => isKind(error, 'out-of-range'),
      String(value),
    );
  }
});
