import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry, type FaultRegistry, type Script } from '../support/fault-registry.js';
import { layerOf, makeImage } from '../support/image.js';
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
