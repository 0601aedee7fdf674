import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Headers, percentEncoded, timeoutMsOf } from './grpc-headers.js';

void test('headers are read by name, of several values the first', () => {
  const headers = new Headers(':path\0/a/b\0x\0first\0x\0second\0empty\0\0y\0name\0name\0value\0');
  const valuesOf = (...names: string[]) => names.map((name) => headers.get(name));
  assert.deepEqual(valuesOf(':path', 'x', 'empty', 'y', 'name'), ['/a/b', 'first', '', 'name', 'value']);
  assert.deepEqual(valuesOf('', 'first', 'pat', ':path/', 'value'), Array(5).fill(undefined));
  for (const text of ['', 'x', 'x\0', 'x\0cut off']) assert.equal(new Headers(text).get('x'), undefined);
});

void test('a timeout has up to eight digits and a unit', () => {
  const expected: readonly (readonly [string | undefined, number | undefined])[] = [
    ['2H', 7_200_000],
    ['3M', 180_000],
    ['4S', 4000],
    ['5m', 5],
    ['6000u', 6],
    ['7000000n', 7],
    ['0m', 0],
    ['99999999H', 99_999_999 * 3_600_000],
    ['123456789m', undefined],
    ['5', undefined],
    ['-5m', undefined],
    ['5s', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, ms] of expected) assert.equal(timeoutMsOf(header)?.toFixed(6), ms?.toFixed(6), header);
});

void test('the text of a status is percent-encoded UTF-8', () => {
  assert.equal(percentEncoded('plain ~ text'), 'plain ~ text');
  assert.equal(percentEncoded('100% ü\n\0'), '100%25 %C3%BC%0A%00');
  assert.equal(decodeURIComponent(percentEncoded('日本 % \u{1F40B}')), '日本 % \u{1F40B}');
});
