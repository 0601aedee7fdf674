import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Digest, digestOf } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry, type FaultRegistry, type Script } from '../support/fault-registry.js';
import { type Image, layerOf, makeImage } from '../support/image.js';
import { openPuller, SCOPE, type TestPuller } from '../support/puller.js';

interface Fixture extends AsyncDisposable {
  readonly registry: FaultRegistry;
  readonly puller: TestPuller;
  readonly reference: string;
}

async function open(script?: Script): Promise<Fixture> {
  const registry = await openFaultRegistry();
  const puller = await openPuller();
  const reference = registry.add(makeImage({ layers: [layerOf(randomBytes(100_000), 'none')] }), 'a');
  registry.script = script;
  return {
    registry,
    puller,
    reference,
    async [Symbol.asyncDispose]() {
      await puller[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const isManifest = (uri: string) => uri.includes('/manifests/');
const isBlob = (uri: string) => uri.includes('/blobs/');
const CHUNKED = { 'transfer-encoding': 'chunked' };

test('a manifest without end is cut off at the largest that there may be', async () => {
  await using f = await open(({ uri }, answer) => {
    const headers = { ...CHUNKED, 'content-type': MEDIA_TYPES.ociManifest };
    return isManifest(uri) ? { ...answer, headers, body: Buffer.alloc(65_536, ' '), endless: true } : answer;
  });
  await assertRejectsWithKind(f.puller.pull(f.reference), 'invalid-argument', /more than 4194304 bytes/);
  assert.equal(f.registry.seen.length, 1);
});

test('a blob without end is cut off behind its size', async () => {
  await using f = await open(({ uri }, answer) =>
    isBlob(uri) ? { ...answer, headers: CHUNKED, endless: true } : answer,
  );
  await assertRejectsWithKind(f.puller.pull(f.reference), 'data-loss', /goes on beyond that/);
});

for (const type of ['application/json', 'text/html']) {
  test(`an error page without end, ${type}: the error is told without it`, async () => {
    await using f = await open((_, answer) => ({
      ...answer,
      status: 404,
      headers: { ...CHUNKED, 'content-type': type },
      body: Buffer.alloc(65_536, '['),
      endless: true,
    }));
    await assertRejectsWithKind(f.puller.pull(f.reference), 'not-found', /not found at/);
  });
}

test('an error page that drips for hours holds nobody up', async () => {
  await using f = await open((_, answer) => ({
    ...answer,
    status: 403,
    headers: { 'content-type': 'text/html' },
    body: Buffer.alloc(60_000, '.'),
    drip: { bytes: 1, everyMs: 100 },
  }));
  await assertRejectsWithKind(f.puller.pull(f.reference), 'permission-denied', /denies access/);
});

for (const what of ['manifest', 'token']) {
  test(`a ${what} that drips for hours is given up, and the host named`, async () => {
    await using f = await open(({ uri, headers }, answer) => {
      const { host = '' } = headers;
      const drip = { bytes: 1, everyMs: 20 };
      if (uri.startsWith('/token')) return { status: 200, headers: {}, body: Buffer.alloc(60_000, ' '), drip };
      if (what === 'manifest') return { ...answer, drip };
      const challenge = `Bearer realm="http://${host}/token",service="registry"`;
      return { ...answer, status: 401, headers: { 'www-authenticate': challenge }, body: Buffer.alloc(0) };
    });
    await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', /took more than 1 s over \d+ bytes/);
  });
}

test('parts without a byte in them, for ever: the blob is given up after some tries', async () => {
  let asked = 0;
  await using f = await open(({ uri }, answer) => {
    if (!isBlob(uri)) return answer;
    asked += 1;
    const size = answer.body.length;
    return { status: 206, headers: { 'content-range': `bytes 0-${size - 1}/${size}` }, body: Buffer.alloc(0) };
  });
  await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', /sends a part without a byte in it/);
  assert.ok(asked <= 20, `asked ${asked} times`);
});

test('a digest header that lies about a blob: the bytes decide', async () => {
  await using f = await open(({ uri }, answer) => {
    const lie = { ...answer.headers, 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
    return isBlob(uri) ? { ...answer, headers: lie } : answer;
  });
  await f.puller.pull(f.reference);
});

test('a page that comes in place of a manifest is no image, and nothing is named', async () => {
  await using f = await open(({ uri }, answer) =>
    isManifest(uri)
      ? { ...answer, headers: { 'content-type': 'text/html' }, body: Buffer.from('<html>log in</html>') }
      : answer,
  );
  await assert.rejects(f.puller.pull(f.reference));
  assert.deepEqual(await f.puller.metadata.images(SCOPE).list(), []);
});

test('a token server whose reply has no end is cut off, and no manifest is asked for again', async () => {
  await using f = await open(({ uri, headers }, answer) => {
    if (uri.startsWith('/token')) {
      return { status: 200, headers: CHUNKED, body: Buffer.alloc(65_536, '{"token":"'), endless: true };
    }
    const { host = '' } = headers;
    const challenge = `Bearer realm="http://${host}/token",service="registry"`;
    return { ...answer, status: 401, headers: { 'www-authenticate': challenge }, body: Buffer.alloc(0) };
  });
  await assertRejectsWithKind(f.puller.pull(f.reference), 'unavailable', /bytes instead of a token/);
  assert.equal(f.registry.seen.filter(({ uri }) => isManifest(uri)).length, 1);
});

test('a configuration with one key twice is refused, and nothing is named', async () => {
  await using f = await open();
  const image = makeImage({ layers: [layerOf(randomBytes(1000), 'none')] });
  const reference = f.registry.add(
    withConfig(image, (text) => text.replace('{', '{"os":"plan9",')),
    'twice',
  );
  await assertRejectsWithKind(f.puller.pull(reference), 'invalid-argument', /"os"/);
  assert.deepEqual(await f.puller.metadata.images(SCOPE).list(), []);
});

test('a layer with addresses of its own is asked for at its registry only', async () => {
  await using f = await open();
  await using elsewhere = await openFaultRegistry('127.0.0.2');
  const image = makeImage({ layers: [layerOf(randomBytes(1000), 'none')] });
  const urls = [`http://${elsewhere.host}/layer`];
  const { image: foreign, layer } = withUrls(image, urls);
  const reference = f.registry.add(foreign, 'foreign');
  f.registry.script = ({ uri }, answer) => (uri.endsWith(layer) ? { ...answer, status: 404 } : answer);
  await assertRejectsWithKind(f.puller.pull(reference), 'not-found');
  assert.deepEqual(elsewhere.seen, []);
});

/** The same image with another text of its configuration. */
function withConfig(image: Image, change: (text: string) => string): Image {
  const manifest = manifestOf(image);
  const bytes = Buffer.from(change(String(image.blobs.get(manifest.config.digest))));
  const config = { ...manifest.config, digest: digestOf(bytes), size: bytes.length };
  return withManifest(image, { ...manifest, config }, new Map([...image.blobs, [config.digest, bytes]]));
}

/** The same image whose only layer is said to lie elsewhere, too. */
function withUrls(image: Image, urls: readonly string[]): { readonly image: Image; readonly layer: string } {
  const manifest = manifestOf(image);
  const layers = manifest.layers.map((layer) => ({ ...layer, urls }));
  return { image: withManifest(image, { ...manifest, layers }, image.blobs), layer: layers[0]?.digest ?? '' };
}

interface ManifestFields {
  readonly config: { readonly digest: Digest };
  readonly layers: readonly { readonly digest: string }[];
}

function manifestOf(image: Image): ManifestFields {
  return JSON.parse(String(image.manifests.at(-1)?.bytes)) as ManifestFields;
}

function withManifest(image: Image, manifest: object, blobs: Image['blobs']): Image {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const target = { ...image.target, digest: digestOf(bytes), size: bytes.length };
  return { target, manifests: [{ descriptor: target, bytes }], blobs };
}
