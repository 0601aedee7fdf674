import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readlink, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packedSize } from '../../src/core/images/handlers/packed-size.js';
import { readImage } from '../../src/core/images/handlers/image-manifest.js';
import { walk } from '../../src/core/images/handlers/walk.js';
import { childrenOf } from '../../src/core/images/handlers/children.js';
import { effect, inOrder } from '../../src/core/images/handlers/handler.js';
import type { Metadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { digestOf } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { HOST_PLATFORM, makeImage, makeIndex, makeLayer, type Image, type Packing } from '../support/image.js';
import { openPuller, SCOPE } from '../support/puller.js';
import { writeLayout } from '../support/oci-layout.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const layer = async (packing: Packing = 'gzip', bytes = 200_000) =>
  makeLayer([{ path: 'file', data: randomBytes(bytes) }], packing);

/** Reads every object below `target` back and compares it with its digest. */
async function assertWhole(metadata: Metadata, target: Descriptor): Promise<number> {
  const content = metadata.content(SCOPE);
  let objects = 0;
  const check = effect(async ({ digest, size }, signal) => {
    await using blob = await content.open(digest, signal);
    const parts: Uint8Array[] = [];
    for await (const { bytes } of blob.chunks()) parts.push(bytes);
    const whole = Buffer.concat(parts);
    assert.equal(digestOf(whole), digest);
    assert.equal(whole.length, size);
    objects += 1;
  });
  await walk(inOrder(check, childrenOf(content)), [target]);
  return objects;
}

async function digestsIn(metadata: Metadata): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of metadata.content(SCOPE).list()) digests.push(digest);
  return digests;
}

function sizeOf(image: Image): number {
  const documents = image.manifests.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return [...image.blobs.values()].reduce((sum, bytes) => sum + bytes.length, documents);
}

test('pull of OCI and schema 2, gzip, zstd and plain layers: all is there, verified, named, and handed to unpack', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const variants = [
    { format: 'oci', packing: 'gzip' },
    { format: 'oci', packing: 'zstd' },
    { format: 'oci', packing: 'none' },
    { format: 'docker', packing: 'gzip' },
  ] as const;
  for (const { format, packing } of variants) {
    const image = makeImage({ format, layers: [await layer(packing), await layer(packing)] });
    const reference = await registry.push(image, `a/${format}-${packing}`);
    const { target } = await fixture.pull(reference);
    assert.equal(target.digest, image.target.digest);
    assert.equal(target.mediaType, image.target.mediaType);
    assert.equal(await assertWhole(fixture.metadata, target), 4);
    assert.equal((await fixture.metadata.images(SCOPE).get(reference)).target.digest, target.digest);
    assert.equal(await packedSize(fixture.metadata.content(SCOPE), target), sizeOf(image));
    const unpack = fixture.rootfs.requests.at(-1);
    assert.ok(unpack);
    const stored = await readImage(fixture.metadata.content(SCOPE), target, HOST_PLATFORM);
    assert.deepEqual(unpack.diffIds, stored.config.diffIds);
    assert.deepEqual(new Set(fixture.rootfs.ready.slice(-2)), new Set(unpack.layers.map(({ digest }) => digest)));
  }
  assert.deepEqual(await fixture.metadata.leases(SCOPE).list(), [], 'operation leases end');
  assert.deepEqual(await fixture.metadata.content(SCOPE).statuses(), [], 'no ingest is left');
  await fixture.metadata.collector.run();
  assert.equal((await digestsIn(fixture.metadata)).length, 16, 'the names keep everything');
});

test('pull of an index takes one platform, and all of them when asked', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const ours = makeImage({ layers: [await layer()] });
  const other = makeImage({ layers: [await layer()], platform: { os: 'linux', architecture: 'riscv64' } });
  const index = makeIndex([other, ours]);
  const reference = await registry.push(index, 'multi');
  const { target } = await fixture.pull(reference);
  assert.equal(target.digest, index.target.digest);
  assert.deepEqual(
    (await digestsIn(fixture.metadata)).sort(),
    [target.digest, ours.target.digest, ...ours.blobs.keys()].sort(),
  );
  await fixture.pull(reference, { platforms: [] });
  assert.equal(await assertWhole(fixture.metadata, target), 7);
  assert.equal(fixture.rootfs.requests.length, 2, 'only the wanted platform is unpacked');

  const nothing = [{ os: 'linux', architecture: 's390x' }];
  await assertRejectsWithKind(
    fixture.pull(reference, { names: ['other'], platforms: nothing, unpacks: [] }),
    'not-found',
    /multi:latest: no match for platform linux\/s390x: .*linux\/riscv64, linux\/amd64/,
  );
  await assertRejectsWithKind(fixture.metadata.images(SCOPE).get('other'), 'not-found');
});

test('pull of an image for another platform without an index says which one it is for', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer()], platform: { os: 'linux', architecture: 'riscv64' } });
  const reference = await registry.push(image, 'foreign');
  await assertRejectsWithKind(
    fixture.pull(reference),
    'not-found',
    /is for platform linux\/riscv64, not for linux\/amd64/,
  );
  assert.deepEqual(await fixture.metadata.images(SCOPE).list(), []);
});

test('fetch keeps the content without a name and unpacks nothing', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer()] });
  const reference = await registry.push(image, 'fetched');
  const { target } = await fixture.pull(reference, { names: [], unpacks: [] });
  assert.deepEqual(await fixture.metadata.images(SCOPE).list(), []);
  assert.equal(fixture.rootfs.requests.length, 0);
  await fixture.metadata.collector.run();
  assert.equal(await assertWhole(fixture.metadata, target), 3);
});

test('a second pull transfers no blob again, and twenty at once fetch each blob once', async () => {
  await using registry = await openRegistry({ auth: 'token' });
  await using fixture = await openPuller();
  const image = makeImage({ layers: await Promise.all([layer(), layer(), layer('gzip', 2_000_000)]) });
  const reference = await registry.push(image, 'busy');
  const fetched = () =>
    registry.answered.filter(
      ({ method, uri, status }) => method === 'GET' && uri.includes('/blobs/') && status === 200,
    );
  await Promise.all(Array.from({ length: 20 }, () => fixture.pull(reference)));
  assert.equal(fetched().length, image.blobs.size);
  const { reports } = await fixture.pull(reference);
  assert.equal(fetched().length, image.blobs.size);
  const last = new Map(reports.map(({ key, state }) => [key, state]));
  assert.deepEqual(new Set([...last.values()]), new Set(['saved', 'exists', 'unpacked']));
});

test('pinned names, unknown tags, unknown repositories and unreachable registries', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer()] });
  const reference = await registry.push(image, 'pinned', 'v1');
  const pinned = `${registry.host}/pinned:v1@${image.target.digest}`;
  assert.equal((await fixture.pull(pinned)).target.digest, image.target.digest);
  const absent = digestOf('absent');
  await assertRejectsWithKind(fixture.pull(`${registry.host}/pinned@${absent}`), 'not-found', new RegExp(absent));
  await assertRejectsWithKind(
    fixture.pull(`${registry.host}/pinned:v2`),
    'not-found',
    /pinned:v2: not found at 127\.0\.0\.1.*check the name/,
  );
  await assertRejectsWithKind(fixture.pull(`${registry.host}/none:v1`), 'not-found');
  await assertRejectsWithKind(
    fixture.pull('127.0.0.1:1/x:y'),
    'unavailable',
    /127\.0\.0\.1:1 can not be reached over http: connection refused/,
  );
  await assertRejectsWithKind(fixture.pull('../x:y'), 'invalid-argument');
  await assertRejectsWithKind(fixture.pull(`${registry.host}/x:../../y`), 'invalid-argument', /tag/);
  assert.deepEqual(
    (await fixture.metadata.images(SCOPE).list()).map(({ name }) => name),
    [pinned],
  );
  assert.ok(reference);
});

test('a registry with passwords: denied without, pulled with', async () => {
  await using registry = await openRegistry({ auth: 'basic' });
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer()] });
  const reference = await registry.push(image, 'private');
  await assertRejectsWithKind(fixture.pull(reference), 'unauthenticated', /denies access.*log in/);
  const credentials = () => Promise.resolve({ kind: 'basic', user: 'user', secret: 'right' } as const);
  const { target } = await fixture.pull(reference, { remote: { credentials } });
  assert.equal(await assertWhole(fixture.metadata, target), 3);
  const wrong = () => Promise.resolve({ kind: 'basic', user: 'user', secret: 'wrong' } as const);
  await assertRejectsWithKind(fixture.pull(reference, { remote: { credentials: wrong } }), 'unauthenticated');
});

test('an image that can not fit is refused before its layers are fetched', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer(), await layer()] });
  const reference = await registry.push(image, 'large');
  fixture.free = 300_000;
  await assertRejectsWithKind(
    fixture.pull(reference),
    'resource-exhausted',
    /no space left on device: 0\.[48] MB .* the file system \/small has .*are missing/,
  );
  assert.equal(registry.answered.filter(({ method, uri }) => method === 'GET' && uri.includes('/blobs/')).length, 0);
  fixture.free = 500_000;
  await fixture.pull(reference, { unpacks: [] });
});

test('a layer that can not be unpacked ends the pull with its error, without a name', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const bad = await layer();
  const image = makeImage({ layers: [bad, await layer('gzip', 3_000_000)] });
  const reference = await registry.push(image, 'bad');
  const error = new Error('diff ID differs');
  fixture.rootfs.failAt = { layer: digestOf(bad.bytes), error };
  await assert.rejects(fixture.pull(reference), error);
  assert.deepEqual(await fixture.metadata.images(SCOPE).list(), []);
  assert.deepEqual(await fixture.metadata.leases(SCOPE).list(), []);
});

test('a blob whose file was lost or cut off is brought back by the next pull', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  const lost = await layer();
  const short = await layer();
  const reference = await registry.push(makeImage({ layers: [lost, short] }), 'healed');
  const { target } = await fixture.pull(reference);
  const fileOf = ({ bytes }: { bytes: Buffer }) =>
    join(fixture.dir, 'content/blobs', digestOf(bytes).replace(':', '/'));
  await rm(fileOf(lost));
  await truncate(fileOf(short), 1000);
  await fixture.pull(reference);
  assert.equal(await assertWhole(fixture.metadata, target), 4);
});

test('an image that names a stored blob with another size is refused', async () => {
  await using registry = await openFaultRegistry();
  await using fixture = await openPuller();
  const image = makeImage({ layers: [await layer()] });
  await fixture.pull(registry.add(image, 'honest'));
  const bytes = image.manifests[0]?.bytes.toString() ?? '';
  const lie = Buffer.from(bytes.replace(/"size":\d+(?=\}\])/, '"size":12'));
  const descriptor = { ...image.target, digest: digestOf(lie), size: lie.length };
  const liar = { target: descriptor, manifests: [{ descriptor, bytes: lie }], blobs: image.blobs };
  const pull = fixture.pull(registry.add(liar, 'liar'));
  await assertRejectsWithKind(pull, 'invalid-argument', /bytes, but the image says 12; the image is broken/);
});

test('images as skopeo pushes them: OCI, schema 2, an index, zstd', async () => {
  await using registry = await openRegistry();
  await using fixture = await openPuller();
  await using dir = await tempDir();
  const copies = [
    { tag: 'zstd', options: ['--format', 'oci', '--dest-compress-format', 'zstd'], type: MEDIA_TYPES.ociManifest },
    { tag: 'index', options: ['--all'], type: MEDIA_TYPES.ociIndex },
    { tag: 'oci', options: ['--format', 'oci'], type: MEDIA_TYPES.ociManifest },
    { tag: 'docker', options: ['--format', 'v2s2'], type: MEDIA_TYPES.dockerManifest },
  ];
  for (const { tag, options, type } of copies) {
    // A layer of its own each time: skopeo takes what it has once pushed, whatever its packing.
    const ours = makeImage({ layers: [await layer('none')] });
    const other = makeImage({ layers: [await layer()], platform: { os: 'linux', architecture: 'riscv64' } });
    const layout = join(dir.path, tag);
    await writeLayout(layout, makeIndex([other, ours]));
    const reference = `${registry.host}/skopeo:${tag}`;
    const copy = ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false', ...options];
    await output('skopeo', [...copy, `oci:${layout}:latest`, `docker://${reference}`]);
    const { target } = await fixture.pull(reference);
    assert.equal(target.mediaType, type);
    const { config, manifest } = await readImage(fixture.metadata.content(SCOPE), target, HOST_PLATFORM);
    assert.equal(config.diffIds.length, 1);
    if (tag === 'zstd') assert.equal(manifest.layers[0]?.mediaType, MEDIA_TYPES.ociLayerZstd);
    if (tag !== 'index') assert.equal(await assertWhole(fixture.metadata, target), 3);
  }
});

test('a layer is handed on as soon as its bytes are verified, before it is in the store; what is not taken is closed', async () => {
  await using registry = await openRegistry();
  // The config comes first, and with it the chain.
  await using fixture = await openPuller(undefined, { concurrency: 1 });
  const image = makeImage({ layers: [await layer(), await layer('zstd'), await layer('none')] });
  const seen: string[] = [];
  let refused = '';
  const { rootfs, metadata } = fixture;
  const looks: PromiseLike<unknown>[] = [];
  rootfs.begin = ({ digest }, held) => {
    assert.equal(digestOf(readFileSync(held.path)), digest);
    looks.push(assertRejectsWithKind(metadata.content(SCOPE).info(digest), 'not-found'));
    seen.push(digest);
    if (seen.length > 1) {
      refused = held.path;
      return false;
    }
    looks.push(Promise.resolve(held[Symbol.asyncDispose]()));
    return true;
  };
  await fixture.pull(await registry.push(image, 'a/early'));
  await Promise.all(looks);
  assert.deepEqual(seen, rootfs.ready);
  assert.equal(seen.length, 3);
  const target = await readlink(refused).catch(() => 'closed');
  assert.ok(!target.includes('/ingest/'), target);
});
