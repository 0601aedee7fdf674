import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges, type Challenge } from './challenge.js';

const plain = (challenges: readonly Challenge[]) =>
  challenges.map(({ params, ...rest }) => ({ ...rest, params: { ...params } }));

test('challenges as registries send them', () => {
  for (const [header, expected] of [
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/redis:pull"',
      [
        {
          scheme: 'bearer',
          params: {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:library/redis:pull',
          },
        },
      ],
    ],
    ['Basic realm="a \\"b\\", c"', [{ scheme: 'basic', params: { realm: 'a "b", c' } }]],
    ['BASIC Realm = x , charset="UTF-8"', [{ scheme: 'basic', params: { realm: 'x', charset: 'UTF-8' } }]],
    [
      'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
      [
        { scheme: 'newauth', params: { realm: 'apps', type: '1', title: 'Login to "apps"' } },
        { scheme: 'basic', params: { realm: 'simple' } },
      ],
    ],
    [
      'Negotiate, Basic realm=x',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'basic', params: { realm: 'x' } },
      ],
    ],
    [
      'Negotiate YWJj==, Basic realm=x',
      [
        { scheme: 'negotiate', token68: 'YWJj==', params: {} },
        { scheme: 'basic', params: { realm: 'x' } },
      ],
    ],
    [', ,Basic realm=x,,', [{ scheme: 'basic', params: { realm: 'x' } }]],
    ['Bearer realm="x",realm="y"', [{ scheme: 'bearer', params: { realm: 'x' } }]],
    ['Bearer realm="never ends', [{ scheme: 'bearer', params: {} }]],
    ['', []],
  ] as const) {
    assert.deepEqual(plain(parseChallenges([header])), expected, header);
  }
});

test('several headers', () => {
  assert.deepEqual(
    parseChallenges(['Basic realm=a', 'Bearer realm=b']).map(({ scheme }) => scheme),
    ['basic', 'bearer'],
  );
});

test('what is written by the grammar is read back', () => {
  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', '\\', '=', '\t', ':', 'é') });
  const params = fc.dictionary(
    token.map((name) => name.toLowerCase()),
    text,
    { minKeys: 1, maxKeys: 4, noNullPrototype: true },
  );
  const challenge = fc.record(
    { scheme: token.map((scheme) => scheme.toLowerCase()), params },
    { noNullPrototype: true },
  );
  const quote = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`;
  fc.assert(
    fc.property(fc.array(challenge, { minLength: 1, maxLength: 3 }), (challenges) => {
      const header = challenges
        .map(
          ({ scheme, params: fields }) =>
            `${scheme} ${Object.entries(fields)
              .map(([name, value]) => `${name}=${quote(value)}`)
              .join(', ')}`,
        )
        .join(', ');
      assert.deepEqual(plain(parseChallenges([header])), challenges);
    }),
  );
});

test('any header is read in short time, without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (header) => void parseChallenges([header])),
  );
  const started = performance.now();
  for (const hostile of [
    'a'.repeat(60_000),
    `Bearer ${'='.repeat(60_000)}`,
    `Bearer a="${'\\'.repeat(60_001)}`,
    'a, '.repeat(20_000),
    `B ${'x'.repeat(30_000)}=${'='.repeat(30_000)}"`,
  ]) {
    parseChallenges([hostile]);
  }
  assert.ok(performance.now() - started < 2_000);
});
