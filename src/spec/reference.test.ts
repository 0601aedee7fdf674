import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { digestTextOf, formatReference, hostOf, parseReference, pathOf, pinnedDigestOf, tagOf } from './reference.js';

const HEX = 'dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c';

const CASES: readonly {
  readonly what: string;
  readonly input: string;
  readonly normal?: string;
  readonly host: string;
  readonly locator: string;
  readonly object: string;
  readonly tag: string;
  readonly digest: string;
}[] = [
  {
    what: 'tag and digest',
    input: `docker.io/library/redis:foo?fooo=asdf`,
    normal: 'docker.io/library/redis:foo',
    host: 'docker.io',
    locator: 'docker.io/library/redis',
    object: 'foo',
    tag: 'foo',
    digest: '',
  },
  {
    what: 'tag with a digest',
    input: `docker.io/library/redis:foo@sha256:${HEX}`,
    host: 'docker.io',
    locator: 'docker.io/library/redis',
    object: `foo@sha256:${HEX}`,
    tag: 'foo',
    digest: `sha256:${HEX}`,
  },
  {
    what: 'digest only',
    input: `docker.io/library/redis@sha256:${HEX}`,
    host: 'docker.io',
    locator: 'docker.io/library/redis',
    object: `@sha256:${HEX}`,
    tag: '',
    digest: `sha256:${HEX}`,
  },
  {
    what: 'a digest that is cut short',
    input: 'docker.io/library/redis:obj@abcdef123',
    host: 'docker.io',
    locator: 'docker.io/library/redis',
    object: 'obj@abcdef123',
    tag: 'obj',
    digest: 'abcdef123',
  },
  {
    what: 'a port',
    input: 'localhost:5000/a/b:obj@abcdef',
    host: 'localhost:5000',
    locator: 'localhost:5000/a/b',
    object: 'obj@abcdef',
    tag: 'obj',
    digest: 'abcdef',
  },
  {
    what: 'IPv6',
    input: '[::1]:5000/a:b',
    host: '[::1]:5000',
    locator: '[::1]:5000/a',
    object: 'b',
    tag: 'b',
    digest: '',
  },
  {
    what: 'sub-domains',
    input: 'sub-dom1.foo.com/bar/baz/quux:some-long-tag',
    host: 'sub-dom1.foo.com',
    locator: 'sub-dom1.foo.com/bar/baz/quux',
    object: 'some-long-tag',
    tag: 'some-long-tag',
    digest: '',
  },
  {
    what: 'a tag that looks like a domain',
    input: 'sub-dom1.foo.com/bar/baz/quux:blah.com',
    host: 'sub-dom1.foo.com',
    locator: 'sub-dom1.foo.com/bar/baz/quux',
    object: 'blah.com',
    tag: 'blah.com',
    digest: '',
  },
  {
    what: 'punycode',
    input: 'xn--7o8h.com/myimage:xn--7o8h.com@sha512:fffffff',
    host: 'xn--7o8h.com',
    locator: 'xn--7o8h.com/myimage',
    object: 'xn--7o8h.com@sha512:fffffff',
    tag: 'xn--7o8h.com',
    digest: 'sha512:fffffff',
  },
];

for (const { what, input, normal = input, host, locator, object, tag, digest } of CASES) {
  test(`a reference with ${what}`, () => {
    const reference = parseReference(input);
    assert.deepEqual(reference, { locator, object });
    assert.equal(hostOf(reference), host);
    assert.equal(tagOf(reference), tag);
    assert.equal(digestTextOf(reference), digest);
    assert.equal(formatReference(reference), normal);
    assert.deepEqual(parseReference(normal), reference);
  });
}

test('what is no reference', () => {
  for (const [input, message] of [
    ['', /hostname required/],
    ['/docker.io/library/redis:foo', /hostname required/],
    ['docker.io/library/redis', /object required/],
    ['docker.io/library/redis:', /object required/],
    ['docker.io/library/redis@', /object required/],
    ['http://xn--7o8h.com/myimage:xn--7o8h.com@sha512:fffffff', /scheme/],
    ['user:password@docker.io/a:b', /host/],
    ['docker.io/a b:c', /space/],
    ['docker.io/a\n:c', /control/],
    ['docker.io/a\0:c', /control/],
  ] as const) {
    assertThrowsWithKind(() => parseReference(input), 'invalid-argument', message);
  }
});

test('a path can not climb over its host', () => {
  assert.equal(parseReference('host/a/../../../b:c').locator, 'host/b');
});

test('only a whole digest is one to be pinned to', () => {
  assert.equal(pinnedDigestOf(parseReference('h/a:b')), undefined);
  assert.equal(pinnedDigestOf(parseReference(`h/a@sha256:${HEX}`)), `sha256:${HEX}`);
  assertThrowsWithKind(() => pinnedDigestOf(parseReference('h/a@sha256:abc')), 'invalid-argument', /no whole digest/);
});

test('any reference survives being written and read', () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,10}$/);
  const host = fc
    .tuple(word, fc.option(fc.integer({ min: 1, max: 65535 })))
    .map(([name, port]) => name + (port === null ? '' : `:${port}`));
  const path = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('/'));
  const object = fc.oneof(
    word,
    word.map((text) => `@sha256:${text}`),
    fc.tuple(word, word).map(([tag, text]) => `${tag}@sha256:${text}`),
  );
  fc.assert(
    fc.property(host, path, object, (...[where, what, which]) => {
      const reference = { locator: `${where}/${what}`, object: which };
      assert.deepEqual(parseReference(formatReference(reference)), reference);
      assert.equal(hostOf(reference), where);
      assert.equal(pathOf(reference), what);
    }),
  );
});

test('any text is either refused or read the same the second time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      let reference;
      try {
        reference = parseReference(text);
      } catch (error) {
        assert.equal((error as { kind?: string }).kind, 'invalid-argument');
        return;
      }
      assert.deepEqual(parseReference(formatReference(reference)), reference);
    }),
    { numRuns: 1000 },
  );
});
