import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry, type FaultRegistry, type Script } from '../support/fault-registry.js';
import { layerOf, makeImage, makeIndex, type Image, type Layer } from '../support/image.js';
import { openPuller, SCOPE, type TestPuller } from '../support/puller.js';

interface Fixture extends AsyncDisposable {
  readonly registry: FaultRegistry;
  readonly puller: TestPuller;
  readonly image: Image;
  readonly layer: Layer;
  readonly digest: Digest;
  readonly reference: string;
}

const LAYER_BYTES = 1_000_000;

/** One image of one layer of random bytes, stored as they are. */
async function open(script?: Script): Promise<Fixture> {
  const registry = await openFaultRegistry();
  const puller = await openPuller();
  const layer = layerOf(randomBytes(LAYER_BYTES), 'none');
  const image = makeImage({ layers: [layer] });
  const reference = registry.add(image, 'a/b');
  registry.script = script;
  return {
    registry,
    puller,
    image,
    layer,
    digest: digestOf(layer.bytes),
    reference,
    async [Symbol.asyncDispose]() {
      await puller[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const isLayer = (uri: string, { digest }: Pick<Fixture, 'digest'>) => uri.endsWith(`/blobs/${digest}`);
const isManifest = (uri: string) => uri.includes('/manifests/');
const isBlob = (uri: string) => uri.includes('/blobs/');

const layerRanges = (f: Fixture) =>
  f.registry.seen.filter(({ uri }) => isLayer(uri, f)).map(({ headers }) => headers.range);

const names = async (f: Fixture) => (await f.puller.metadata.images(SCOPE).list()).map(({ name }) => name);

async function assertNothingNamed(f: Fixture): Promise<void> {
  assert.deepEqual(await names(f), []);
  assert.deepEqual(await f.puller.metadata.leases(SCOPE).list(), []);
}

async function assertNothingLeft(f: Fixture): Promise<void> {
  await assertNothingNamed(f);
  assert.deepEqual(await f.puller.metadata.content(SCOPE).statuses(), []);
}

test('a connection that is cut again and again: every byte is sent once', async () => {
  await using f = await open();
  f.registry.script = ({ uri }, answer) => (isLayer(uri, f) ? { ...answer, cutAfter: 100_000 } : answer);
  const { reports } = await f.puller.pull(f.reference);
  const sizes = [...f.image.blobs.values()].reduce((sum, { length }) => sum + length, f.image.target.size);
  assert.equal(f.registry.sentBytes, sizes);
  const offsets = reports
    .filter(({ state, target }) => state === 'downloading' && target?.digest === f.digest)
    .map(({ offset }) => offset);
  const ascending = [...offsets].sort((a, b) => a - b);
  assert.deepEqual(offsets, ascending, 'progress never goes back');
});

test('a server that ignores ranges: what is there is skipped, the rest is taken', async () => {
  await using f = await open();
  let requests = 0;
  f.registry.script = ({ uri }, answer) => {
    if (!isLayer(uri, f)) return answer;
    requests += 1;
    const whole = { status: 200, headers: { 'content-type': 'x/y' }, body: f.layer.bytes };
    return requests < 4 ? { ...whole, cutAfter: requests * 200_000 } : whole;
  };
  await f.puller.pull(f.reference);
  assert.equal(requests, 4);
});

test('a connection that stands still is given up and taken up again', async () => {
  await using f = await open();
  f.registry.script = ({ uri }, answer, count) =>
    isLayer(uri, f) && count === 1 ? { ...answer, stallAfter: 300_000 } : answer;
  await f.puller.pull(f.reference);
  assert.deepEqual(layerRanges(f), [undefined, 'bytes=300000-']);
});

test('a cancelled pull keeps its bytes; the next one, after a restart, goes on from them', async () => {
  await using f = await open();
  const controller = new AbortController();
  const seen = new Set<string>();
  f.registry.script = ({ uri }, answer) => (isLayer(uri, f) ? { ...answer, stallAfter: 400_000 } : answer);
  const pull = f.puller.pull(f.reference, {
    signal: controller.signal,
    onProgress: ({ key, state, target, offset }) => {
      if (target?.digest === f.digest && offset === 400_000) seen.add('layer');
      if (key.startsWith('config-') && state === 'downloaded') seen.add('config');
      if (seen.size === 2) controller.abort();
    },
  });
  await assert.rejects(pull, { name: 'AbortError' });
  assert.deepEqual(await names(f), []);
  await f.puller.metadata.collector.run();
  await f.puller.reopen();
  await f.puller.metadata.collector.run();
  f.registry.script = undefined;
  const { reports } = await f.puller.pull(f.reference);
  assert.equal(layerRanges(f).at(-1), 'bytes=400000-');
  const resumed = reports.find(({ state, target }) => state === 'downloading' && target?.digest === f.digest);
  assert.equal(resumed?.offset, 400_000);
  const others = f.registry.seen.filter(({ uri }) => isBlob(uri) && !isLayer(uri, f));
  assert.equal(others.length, 1, 'the config, complete by then, is not fetched again');
  assert.deepEqual(await f.puller.metadata.leases(SCOPE).list(), [], 'the first pull left a lease, the second ends it');
});

test('a cancelled caller leaves the others their download', async () => {
  await using f = await open();
  const controller = new AbortController();
  f.registry.script = ({ uri }, answer, count) =>
    isLayer(uri, f) && count === 1 ? { ...answer, stallAfter: 400_000 } : answer;
  const first = f.puller.pull(f.reference, { signal: controller.signal, names: ['first'] });
  const second = f.puller.pull(f.reference, {
    names: ['second'],
    onProgress: ({ target, offset }) => {
      if (target?.digest === f.digest && offset >= 400_000) controller.abort();
    },
  });
  await assert.rejects(first, { name: 'AbortError' });
  await second;
  assert.deepEqual(await names(f), ['second']);
  assert.deepEqual(layerRanges(f), [undefined, 'bytes=400000-']);
});

test('wrong bytes of the right length are thrown away, and right ones are fetched anew', async () => {
  await using f = await open();
  const wrong = randomBytes(LAYER_BYTES);
  f.registry.script = ({ uri }, answer) => (isLayer(uri, f) ? { ...answer, body: wrong } : answer);
  await assertRejectsWithKind(f.puller.pull(f.reference), 'data-loss', new RegExp(`${f.digest}.*other bytes`));
  await assertNothingLeft(f);
  f.registry.script = undefined;
  await f.puller.pull(f.reference);
});

test('wrong bytes kept from before do not spoil the next pull', async () => {
  await using f = await open();
  const content = f.puller.metadata.content(SCOPE);
  {
    await using writer = await content.writer(`layer-${f.digest}`, { digest: f.digest, size: LAYER_BYTES });
    await writer.write(randomBytes(5_000));
  }
  await f.puller.pull(f.reference);
  assert.equal((await content.info(f.digest)).size, LAYER_BYTES);
  assert.deepEqual(layerRanges(f), ['bytes=5000-', undefined]);
});

test('another client that writes the same ingest is waited for', async () => {
  await using f = await open();
  const content = f.puller.metadata.content(SCOPE);
  const expected = { digest: f.digest, size: LAYER_BYTES };
  const writer = await content.writer(`layer-${f.digest}`, expected);
  let waits = 0;
  const pull = f.puller.pull(f.reference, {
    onProgress: ({ waitingFor }) => {
      if (waitingFor === undefined || waits++ > 0) return;
      void writer.write(f.layer.bytes).then(() => writer.commit(expected));
    },
  });
  await pull;
  assert.ok(waits > 0);
  assert.deepEqual(layerRanges(f), [], 'nothing was downloaded twice');
});

const CHUNKED = { 'transfer-encoding': 'chunked' };
const LIES: readonly (readonly [string, Script, RegExp])[] = [
  [
    'longer than named',
    (_, answer) => ({ ...answer, body: Buffer.concat([answer.body, answer.body]) }),
    /should have 1000000 bytes, but has 2000000/,
  ],
  [
    'shorter than named',
    (_, answer) => ({ ...answer, body: answer.body.subarray(0, 10) }),
    /should have 1000000 bytes, but has 10/,
  ],
  [
    'without end',
    (_, answer) => ({ ...answer, headers: CHUNKED, body: Buffer.concat([answer.body, answer.body]) }),
    /should have 1000000 bytes, but goes on beyond that/,
  ],
  [
    'ended early without a length',
    (_, answer) => ({ ...answer, headers: CHUNKED, body: answer.body.subarray(0, 500) }),
    /should have 1000000 bytes, but ends after 500 bytes/,
  ],
];

for (const [name, lie, message] of LIES) {
  test(`a layer that is ${name} is refused, and nothing is kept`, async () => {
    await using f = await open();
    f.registry.script = (request, answer, count) => (isLayer(request.uri, f) ? lie(request, answer, count) : answer);
    await assertRejectsWithKind(f.puller.pull(f.reference), 'data-loss', message);
    await assertNothingLeft(f);
  });
}

test('a transfer packed although nobody asked for it is refused', async () => {
  await using f = await open();
  f.registry.script = ({ uri }, answer) =>
    isLayer(uri, f) ? { ...answer, headers: { 'content-encoding': 'gzip' }, body: gzipSync(answer.body) } : answer;
  await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', /gzip form, which was not asked for/);
});

test('a lying digest header, other bytes for a pinned digest, and a digest that is none', async () => {
  await using f = await open();
  const other = digestOf('other');
  f.registry.script = ({ uri }, answer) =>
    isManifest(uri) ? { ...answer, headers: { ...answer.headers, 'docker-content-digest': other } } : answer;
  const message = new RegExp(`says the digest is "${other}", but it is ${f.image.target.digest}`);
  await assertRejectsWithKind(f.puller.pull(f.reference), 'data-loss', message);
  f.registry.script = ({ uri }, answer) =>
    isManifest(uri)
      ? {
          status: 200,
          headers: { 'content-type': MEDIA_TYPES.ociManifest },
          body: Buffer.from(`${String(answer.body)} `),
        }
      : answer;
  const pinned = `${f.registry.host}/a/b@${f.image.target.digest}`;
  await assertRejectsWithKind(f.puller.pull(pinned), 'data-loss', /sent other bytes/);
  for (const wrong of [
    'sha256:../../x',
    `sha256:${'A'.repeat(64)}`,
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    'sha256:12',
  ]) {
    await assertRejectsWithKind(f.puller.pull(`${f.registry.host}/a/b@${wrong}`), 'invalid-argument');
  }
  await assertNothingLeft(f);
});

test('ambiguous, oversized and old documents are refused', async () => {
  await using f = await open();
  const { ociManifest, ociIndex } = MEDIA_TYPES;
  const valid = JSON.parse(f.image.manifests[0]?.bytes.toString() ?? '') as Record<string, unknown>;
  const text = JSON.stringify(valid);
  const many = { schemaVersion: 2, manifests: Array.from({ length: 10_000 }, () => valid.config) };
  const documents: readonly (readonly [string, string | Buffer, RegExp])[] = [
    [ociManifest, JSON.stringify({ ...valid, manifests: [] }), /ambiguous/],
    [ociIndex, JSON.stringify({ ...valid, mediaType: ociIndex, manifests: [] }), /ambiguous/],
    [ociIndex, text, /says it is .*manifest.*but came as .*index/],
    [ociManifest, text.replace('{', '{"layers":[],'), /"layers" is there twice/],
    [ociManifest, JSON.stringify({ ...valid, Layers: [] }), /could be read as layers/],
    [ociManifest, JSON.stringify({ ...valid, schemaVersion: 1 }), /schemaVersion/],
    [ociManifest, Buffer.alloc(4 * 1024 * 1024 + 1, ' '), /more than 4194304 bytes/],
    [ociManifest, '{"schemaVersion":2,', /no usable JSON/],
    [ociManifest, text.replace(/"size":\d+/, '"size":-1'), /size that is no whole number/],
    [ociManifest, text.replace(/"size":\d+/, '"size":9007199254740993'), /size that is no whole number/],
    [ociIndex, JSON.stringify(many), /10000 manifests/],
    ['application/vnd.docker.distribution.manifest.v1+prettyjws', '{}', /schema 1/],
  ];
  for (const [type, body, message] of documents) {
    f.registry.script = ({ uri }, answer) =>
      isManifest(uri) ? { status: 200, headers: { 'content-type': type }, body: Buffer.from(body) } : answer;
    await assertRejectsWithKind(f.puller.pull(f.reference), 'invalid-argument', message);
  }
  await assertNothingLeft(f);
});

test('an index in an index in an index ends somewhere', async () => {
  await using f = await open();
  let nested = f.image;
  for (let depth = 0; depth < 12; depth += 1) nested = makeIndex([nested]);
  const reference = f.registry.add(nested, 'deep');
  const pull = f.puller.pull(reference, { platforms: [], unpacks: [] });
  await assertRejectsWithKind(pull, 'invalid-argument', /deeper than 8/);
});

test('429 with Retry-After is waited for, shown, and holds for all requests to the host', async () => {
  await using f = await open();
  const tooMany = { status: 429, headers: { 'retry-after': '1' }, body: Buffer.alloc(0) };
  f.registry.script = ({ uri }, answer, count) => (isBlob(uri) && count === 1 ? tooMany : answer);
  const { reports } = await f.puller.pull(f.reference);
  const first = f.registry.seen.find(({ uri }) => isBlob(uri))?.atMs ?? 0;
  for (const { uri, atMs } of f.registry.seen.slice(-2)) {
    assert.ok(atMs - first >= 1000, `${uri} came ${atMs - first} ms after the first refusal`);
  }
  assert.ok(reports.some(({ waitingFor }) => /429 .*next try in/.test(waitingFor ?? '')));
});

test('a Retry-After beyond all patience is an error that tells it', async () => {
  const tooMany = { status: 429, headers: { 'retry-after': '86400' }, body: Buffer.alloc(0) };
  await using f = await open(({ uri }, answer) => (isManifest(uri) ? tooMany : answer));
  await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', /too many requests.*wait 86400 s/);
  assert.equal(f.registry.seen.length, 1);
});

test('a burst of 503s passes; 500s without end are an error', async () => {
  const busy = { status: 503, headers: {}, body: Buffer.from('busy') };
  await using f = await open(({ uri }, answer, count) => (isBlob(uri) && count < 4 ? busy : answer));
  await f.puller.pull(f.reference);
  const broken = f.registry.add(makeImage({ layers: [layerOf(randomBytes(10), 'none')] }), 'c');
  f.registry.script = ({ uri }, answer) => (isBlob(uri) ? { ...busy, status: 500 } : answer);
  await assertRejectsWithKind(f.puller.pull(broken), 'unavailable', /problem of its own, status 500/);
  assert.deepEqual(await names(f), [f.reference]);
});

test('a denied pull says so in one line', async () => {
  const body = Buffer.from('{"errors":[{"code":"DENIED","message":"not for\\nyou"}]}');
  const denied = { status: 403, headers: { 'content-type': 'application/json' }, body };
  await using f = await open(() => denied);
  await assertRejectsWithKind(f.puller.pull(f.reference), 'permission-denied', /denies access.*\(not for you\)$/);
});
