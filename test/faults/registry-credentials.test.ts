import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { Credentials } from '../../src/core/remotes/remotes.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry, type Answer, type FaultRegistry, type Seen } from '../support/fault-registry.js';
import { layerOf, makeImage, type Image } from '../support/image.js';
import { openPuller, type TestPuller } from '../support/puller.js';

const SECRET = 'marker-of-the-password';
const BASIC: Credentials = { kind: 'basic', user: 'me', secret: SECRET };

interface Fixture extends AsyncDisposable {
  readonly registry: FaultRegistry;
  /** At another loopback address: a host that must not learn anything. */
  readonly other: FaultRegistry;
  readonly puller: TestPuller;
  readonly image: Image;
  readonly reference: string;
}

async function open(): Promise<Fixture> {
  const registry = await openFaultRegistry('127.0.0.1');
  const other = await openFaultRegistry('127.0.0.2');
  const puller = await openPuller();
  const image = makeImage({ layers: [layerOf(randomBytes(300_000), 'none')] });
  const reference = registry.add(image, 'a/b');
  other.add(image, 'a/b');
  return {
    registry,
    other,
    puller,
    image,
    reference,
    async [Symbol.asyncDispose]() {
      await puller[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}

const remote = { credentials: () => Promise.resolve(BASIC), headers: { 'X-Secret': SECRET } };

const unauthorized = (challenge: string): Answer => ({
  status: 401,
  headers: { 'www-authenticate': challenge },
  body: Buffer.alloc(0),
});

const json = (value: unknown): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const withMarker = (seen: readonly Seen[]) =>
  seen.filter(({ headers, uri }) => JSON.stringify([headers, uri]).includes(SECRET));

test('a redirect to another host gets neither credentials nor extra headers', async () => {
  await using f = await open();
  f.registry.script = (request, answer) => {
    if (request.headers.authorization === undefined) return unauthorized('Basic realm="r"');
    if (!request.uri.includes('/blobs/')) return answer;
    return { status: 307, headers: { location: `http://u:p@${f.other.host}${request.uri}` }, body: Buffer.alloc(0) };
  };
  await f.puller.pull(f.reference, { remote });
  assert.equal(f.other.seen.length, 2);
  assert.deepEqual(withMarker(f.other.seen), []);
  assert.ok(f.other.seen.every(({ headers }) => headers.authorization === undefined));
  assert.ok(withMarker(f.registry.seen).length > 0);
});

test('a redirect within the registry keeps them; a cut on the way is taken up at the registry again', async () => {
  await using f = await open();
  let cut = false;
  f.registry.script = (request, answer) => {
    if (request.headers.authorization === undefined) return unauthorized('Basic realm="r"');
    if (!request.uri.includes('/blobs/') || request.uri.includes('?')) return answer;
    return { status: 302, headers: { location: `${request.uri}?signed=1` }, body: Buffer.alloc(0) };
  };
  const regular = f.registry.script;
  f.registry.script = async (request, answer, count) => {
    const now = await regular(request, answer, count);
    if (!request.uri.includes('?') || cut || now.body.length < 300_000) return now;
    cut = true;
    return { ...now, cutAfter: 100_000 };
  };
  await f.puller.pull(f.reference, { remote });
  assert.ok(cut);
  assert.ok(f.registry.seen.some(({ uri, headers }) => uri.includes('?signed') && headers.range === 'bytes=100000-'));
});

test('redirects without end, to other schemes and to nowhere are not followed', async () => {
  await using f = await open();
  for (const [location, message] of [
    ['/v2/a/b/manifests/latest', /redirects more than 5 times/],
    ['file:///etc/passwd', /a file: address/],
    ['http://[', /no URL/],
  ] as const) {
    f.registry.script = () => ({ status: 307, headers: { location }, body: Buffer.alloc(0) });
    await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', message);
  }
});

test('a 401 of the host that a redirect leads to is answered with nothing', async () => {
  await using f = await open();
  f.registry.script = (request, answer) =>
    request.uri.includes('/blobs/')
      ? { status: 307, headers: { location: `http://${f.other.host}${request.uri}` }, body: Buffer.alloc(0) }
      : answer;
  f.other.script = () => unauthorized(`Bearer realm="http://${f.other.host}/token"`);
  await assertRejectsWithKind(f.puller.pull(f.reference, { remote }), 'unauthenticated');
  assert.deepEqual(withMarker(f.other.seen), []);
  assert.ok(f.other.seen.every(({ uri }) => uri.includes('/blobs/')));
});

test('a token that expires in the middle of a pull is renewed, once for all who need it', async () => {
  await using f = await open();
  let generation = 0;
  const tokens = () => f.registry.seen.filter(({ uri }) => uri.startsWith('/token'));
  f.registry.script = (request, answer) => {
    if (request.uri.startsWith('/token')) return json({ token: `t${++generation}`, expires_in: 300 });
    const realm = `Bearer realm="http://${f.registry.host}/token",service="reg",scope="repository:a/b:pull"`;
    // The first token is good for the manifest only.
    const wanted = request.uri.includes('/manifests/') ? 'Bearer t1' : 'Bearer t2';
    return request.headers.authorization === wanted ? answer : unauthorized(realm);
  };
  await f.puller.pull(f.reference);
  assert.deepEqual(
    tokens().map(({ uri }) => uri),
    Array.from({ length: 2 }, () => '/token?service=reg&scope=repository%3Aa%2Fb%3Apull'),
  );
});

test('a short-lived token is renewed before it ends, without a refusal', async () => {
  await using f = await open();
  let tokens = 0;
  f.registry.script = (request, answer) => {
    if (request.uri.startsWith('/token')) return json({ access_token: `t${++tokens}`, expires_in: 0.001 });
    return request.headers.authorization === undefined
      ? unauthorized(`Bearer realm="http://${f.registry.host}/token"`)
      : answer;
  };
  await f.puller.pull(f.reference);
  assert.ok(tokens >= 2);
  assert.equal(
    f.registry.seen.filter(({ headers, uri }) => headers.authorization === undefined && !uri.startsWith('/token'))
      .length,
    1,
  );
});

test('a password goes to the token server only, a refresh token by POST', async () => {
  await using f = await open();
  f.registry.script = (request, answer) => {
    if (request.uri.startsWith('/token')) return json({ token: 'granted' });
    return request.headers.authorization === 'Bearer granted'
      ? answer
      : unauthorized(`Bearer realm="http://${f.registry.host}/token",service="s"`);
  };
  await f.puller.pull(f.reference, { remote: { credentials: remote.credentials } });
  const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`;
  assert.deepEqual(
    f.registry.seen.filter(({ headers }) => headers.authorization === basic).map(({ method }) => method),
    ['GET'],
  );
  const refresh = { credentials: () => Promise.resolve({ kind: 'refresh', token: SECRET } as const) };
  await f.puller.pull(f.reference, { remote: refresh });
  assert.equal(f.registry.seen.filter(({ method, uri }) => method === 'POST' && uri === '/token').length, 1);
  assert.deepEqual(withMarker(f.registry.seen), [], 'not in an address, and not in a header');
});

test('a refresh token goes by GET, as the password of nobody, where there is no POST', async () => {
  await using f = await open();
  const wanted = `Basic ${Buffer.from(`:${SECRET}`).toString('base64')}`;
  f.registry.script = (request, answer) => {
    if (request.uri.startsWith('/token')) {
      if (request.method === 'POST') return { status: 405, headers: {}, body: Buffer.alloc(0) };
      return request.headers.authorization === wanted ? json({ token: 'granted' }) : unauthorized('Basic realm="t"');
    }
    return request.headers.authorization === 'Bearer granted'
      ? answer
      : unauthorized(`Bearer realm="http://${f.registry.host}/token",service="s"`);
  };
  const refresh = { credentials: () => Promise.resolve({ kind: 'refresh', token: SECRET } as const) };
  await f.puller.pull(f.reference, { remote: refresh });
  const asked = f.registry.seen.filter(({ uri }) => uri.startsWith('/token'));
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['POST', 'GET'],
  );
});

test('a token server that is busy is asked again, and not before it wants to be', async () => {
  await using f = await open();
  const busy = [
    { status: 429, headers: { 'retry-after': '1' } },
    { status: 408, headers: {} },
    { status: 503, headers: { 'retry-after': '1' } },
  ];
  const notBefore: number[] = [];
  let earliest = 0;
  f.registry.script = (request, answer) => {
    notBefore.push(performance.now() - earliest);
    if (!request.uri.startsWith('/token')) {
      return request.headers.authorization === 'Bearer granted'
        ? answer
        : unauthorized(`Bearer realm="http://${f.registry.host}/token"`);
    }
    const next = busy.shift();
    if (next === undefined) return json({ token: 'granted' });
    if ('retry-after' in next.headers) earliest = performance.now() + 1000;
    return { ...next, headers: { ...next.headers }, body: Buffer.alloc(0) };
  };
  await f.puller.pull(f.reference);
  assert.deepEqual(busy, []);
  assert.deepEqual(
    notBefore.filter((late) => late < 0),
    [],
    'milliseconds too early',
  );
});

test('a token server that asks for more patience than there is: its wish is told', async () => {
  await using f = await open();
  f.registry.script = ({ uri }) =>
    uri.startsWith('/token')
      ? { status: 429, headers: { 'retry-after': '86400' }, body: Buffer.alloc(0) }
      : unauthorized(`Bearer realm="http://${f.registry.host}/token"`);
  await assertRejectsWithKind(
    f.puller.pull(f.reference),
    'unavailable',
    /token for repository:a\/b:pull: .*asks to wait 86400 s/,
  );
});

test('a token server that refuses, lies or can not be reached: one line, without the secret', async () => {
  await using f = await open();
  const answers: readonly (readonly [Answer, RegExp])[] = [
    [{ status: 401, headers: {}, body: Buffer.alloc(0) }, /token for repository:a\/b:pull: .*denies access/],
    [json({}), /answers a request for a token without one/],
    [{ ...json({}), body: Buffer.from(`{"token": "${SECRET}`) }, /something that is no JSON/],
    [json({ token: 'with\r\nX-Header: injected' }), /without one/],
  ];
  for (const [answer, message] of answers) {
    f.registry.script = ({ uri }) =>
      uri.startsWith('/token') ? answer : unauthorized(`Bearer realm="http://${f.registry.host}/token"`);
    const error = await f.puller.pull(f.reference, { remote }).catch((cause: unknown) => cause);
    assert.match(String(error), message);
    assert.doesNotMatch(inspect(error, { depth: 10 }), new RegExp(SECRET));
    assert.doesNotMatch(String(error), /\n/);
  }
  for (const realm of ['ftp://x/y', 'none']) {
    f.registry.script = () => unauthorized(`Bearer realm="${realm}"`);
    await assertRejectsWithKind(f.puller.pull(f.reference, { remote }), 'unavailable', /asks for a token from/);
  }
});

test('an anonymous pull of what needs a login ends after the offered ways are used up', async () => {
  await using f = await open();
  f.registry.script = (request) => {
    if (request.uri.startsWith('/token')) return json({ token: `t${f.registry.seen.length}` });
    return unauthorized(`Bearer realm="http://${f.registry.host}/token",error="insufficient_scope"`);
  };
  await assertRejectsWithKind(
    f.puller.pull(f.reference),
    'unauthenticated',
    /denies access: it does not exist, or you need to log in/,
  );
  assert.ok(f.registry.seen.length <= 6);
});
