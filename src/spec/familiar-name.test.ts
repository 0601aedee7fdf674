import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { canonicalName } from './familiar-name.js';
import { parseReference } from './reference.js';

const HEX = 'dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c';

test('what people type', () => {
  for (const [typed, meant] of [
    ['redis', 'docker.io/library/redis:latest'],
    ['redis:7', 'docker.io/library/redis:7'],
    ['library/redis', 'docker.io/library/redis:latest'],
    ['someone/thing', 'docker.io/someone/thing:latest'],
    ['docker.io/redis', 'docker.io/library/redis:latest'],
    ['index.docker.io/library/redis:6', 'docker.io/library/redis:6'],
    [`redis@sha256:${HEX}`, `docker.io/library/redis@sha256:${HEX}`],
    [`redis:7@sha256:${HEX}`, `docker.io/library/redis:7@sha256:${HEX}`],
    [`ghcr.io/a/b@sha256:${HEX}`, `ghcr.io/a/b@sha256:${HEX}`],
    ['localhost/x', 'localhost/x:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest'],
    ['127.0.0.1:5000/a/b:c', '127.0.0.1:5000/a/b:c'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    ['Example.COM/a', 'Example.COM/a:latest'],
    ['a__b/c--d', 'docker.io/a__b/c--d:latest'],
  ] as const) {
    assert.equal(canonicalName(typed), meant);
  }
});

test('what can not be meant', () => {
  for (const [typed, message] of [
    ['', /no proper repository/],
    ['https://docker.io/redis', /scheme/],
    [HEX, /bare digest/],
    ['Redis', /lower case/],
    ['a/B', /lower case/],
    ['a//b', /repository/],
    ['a/../b', /repository/],
    ['-a', /repository/],
    ['a:', /tag/],
    ['a:b:c', /tag/],
    [`a:${'x'.repeat(129)}`, /tag/],
    ['a@sha256:abc', /digest/],
    ['a@', /digest/],
    [`ho st.com/a`, /host/],
    ['a\n', /repository/],
    [`example.com/${'a'.repeat(256)}`, /repository/],
  ] as const) {
    assertThrowsWithKind(() => canonicalName(typed), 'invalid-argument', message);
  }
});

test('a canonical name is its own canonical name, and a reference', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?$/);
  const typed = fc
    .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.option(fc.stringMatching(/^\w[\w.-]{0,20}$/)))
    .map(([path, tag]) => path.join('/') + (tag === null ? '' : `:${tag}`));
  fc.assert(
    fc.property(typed, (text) => {
      const name = canonicalName(text);
      assert.equal(canonicalName(name), name);
      parseReference(name);
    }),
  );
});
