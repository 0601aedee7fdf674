import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { isJsonObject, parseStrictJson } from './strict-json.js';

const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text as string), 'the document');

const JSON_CHARACTERS = Array.from('{}[]",:\\u0e+-.1tfn \n');

/** The same value with ordinary prototypes, to be compared. */
const plain = (value: unknown): unknown => structuredClone(value);

test('any JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      assert.deepEqual(plain(parse(text)), plain(JSON.parse(text)));
    }),
  );
});

test('what JSON.parse refuses is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...JSON_CHARACTERS) }), (text) => {
      let refused = false;
      try {
        JSON.parse(text);
      } catch {
        refused = true;
      }
      if (refused) assertThrowsWithKind(() => parse(text), 'invalid-argument');
    }),
    { numRuns: 2000 },
  );
});

test('two readings of one document are refused', () => {
  assertThrowsWithKind(
    () => parse('{"a":1,"b":{"c":1,"\\u0063":2}}'),
    'invalid-argument',
    /the key "c" is there twice \(at character/,
  );
  assertThrowsWithKind(() => parse(Uint8Array.of(0x22, 0xff, 0x22)), 'invalid-argument', /not UTF-8/);
  assertThrowsWithKind(() => parse('\ufeff{}'), 'invalid-argument');
  assertThrowsWithKind(() => parse('{} {}'), 'invalid-argument', /something follows/);
  assertThrowsWithKind(() => parse('['.repeat(100_000)), 'invalid-argument', /nested over 64/);
});

test('__proto__ is a key like any other', () => {
  const value = parse('{"__proto__":{"polluted":1},"constructor":2}');
  assert.ok(isJsonObject(value));
  assert.equal(Object.getPrototypeOf(value), null);
  assert.deepEqual(Object.keys(value), ['__proto__', 'constructor']);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});
