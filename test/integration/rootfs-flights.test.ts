import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { deferred } from '../../src/base/abort.js';
import { DEFAULT_LIMITS } from '../../src/core/diff/applier.js';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { parseManifest } from '../../src/spec/manifest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { layerOf, makeImage, makeLayer, tarOf, type Image, type Layer } from '../support/image.js';
import { openRootfs, rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { tempDir } from '../support/temp-dir.js';
import { inventory } from '../support/tree.js';

/** Folders of the snapshotter, whole or half. */
function foldersOf(fixture: RootfsFixture, snapshotter = 'overlayfs'): Promise<string[]> {
  return readdir(join(fixture.root, snapshotter, 'snapshots'));
}

async function smallImage(count: number, salt = ''): Promise<Image> {
  const layers: Promise<Layer>[] = [];
  for (let at = 0; at < count; at += 1) {
    layers.push(
      makeLayer([
        { path: 'shared', data: `${salt}${at}` },
        { path: `only-${at}`, data: `${salt}${at}` },
      ]),
    );
  }
  return makeImage({ layers: await Promise.all(layers) });
}

function unpackAll(fixture: RootfsFixture, image: Image, namespace = SCOPE.namespace, signal?: AbortSignal) {
  return fixture.rootfs.unpackManifest({ namespace }, image.target.digest, signal ? { signal } : {});
}

for (const snapshotter of ['overlayfs', 'native']) {
  test(`${snapshotter}: ten at once, in two namespaces, apply each layer once`, async (t) => {
    const fixture = await rootfsFixture(t);
    const image = await smallImage(4);
    for (const namespace of ['test', 'other']) await fixture.store(image, namespace);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, turn) =>
        fixture.rootfs.unpackManifest({ namespace: turn % 2 === 0 ? 'test' : 'other' }, image.target.digest, {
          snapshotter,
        }),
      ),
    );
    assert.equal(new Set(results.map(({ chainId }) => chainId)).size, 1);
    assert.equal(fixture.tasks.get('apply-layer'), 4);
    assert.equal((await foldersOf(fixture, snapshotter)).length, 4);
    for (const namespace of ['test', 'other']) {
      assert.equal((await fixture.snapshots(snapshotter, namespace).list()).length, 4);
      assert.ok((await fixture.snapshots(snapshotter, namespace).usage(results[0]?.chainId ?? '')).inodes > 0);
    }
    await unpackAll(fixture, image);
    assert.equal(fixture.tasks.get('apply-layer'), snapshotter === 'overlayfs' ? 4 : 8);
  });
}

test('layers are shared by images that begin alike', async (t) => {
  const fixture = await rootfsFixture(t);
  const common = await makeLayer([{ path: 'base', data: 'base' }]);
  for (const own of ['a', 'b']) {
    const image = makeImage({ layers: [common, await makeLayer([{ path: own }])] });
    await fixture.store(image);
    await unpackAll(fixture, image);
  }
  assert.equal(fixture.tasks.get('apply-layer'), 3);
});

test('a layer is applied as soon as it is ready, however late the others come', async (t) => {
  const begun = deferred<undefined>();
  const fixture = await rootfsFixture(t, {
    applier: (real) => ({
      apply: (request) => {
        begun.resolve(undefined);
        return real.apply(request);
      },
    }),
  });
  const image = await smallImage(3);
  await fixture.store(image);
  const { layers, diffIds } = partsOf(image);
  const states = new Map<string, string[]>();
  const onProgress = ({ layer, state }: { layer: { digest: string }; state: string }) => {
    const seen = states.get(layer.digest) ?? [];
    if (seen.at(-1) !== state) states.set(layer.digest, [...seen, state]);
  };
  await using unpacking = await fixture.rootfs.unpack(SCOPE, { layers, diffIds, onProgress });
  const [first, second, third] = layers;
  assert.ok(first && second && third);
  unpacking.ready(third);
  await begun.promise;
  unpacking.ready(first);
  unpacking.ready(first);
  unpacking.ready(second);
  await unpacking.finish();
  for (const { digest } of layers) {
    const seen = states.get(digest) ?? [];
    assert.equal(seen[0], 'waiting');
    assert.equal(seen.at(-1), 'done');
  }
  assert.equal(fixture.tasks.get('apply-layer'), 3);
});

/** The bytes of a layer in a file that is in no store, and how often it was let go of. */
async function heldLayer(t: TestContext, image: Image, layer: Descriptor) {
  const { path } = await tempDir(t);
  const file = join(path, 'bytes');
  await writeFile(file, image.blobs.get(layer.digest) ?? '');
  const held = { path: file, letGo: 0, [Symbol.asyncDispose]: async () => void (held.letGo += 1) };
  return held;
}

test('a chain is made of verified bytes that are in no store yet, and lets go of them', async (t) => {
  const fixture = await rootfsFixture(t);
  const image = await smallImage(3);
  const { layers, diffIds } = partsOf(image);
  const files = await Promise.all(layers.map((layer) => heldLayer(t, image, layer)));
  await using unpacking = await fixture.rootfs.unpack(SCOPE, { layers, diffIds });
  const offer = async (layer: Descriptor) => unpacking.begin?.(layer, await heldLayer(t, image, layer));
  for (const [at, layer] of layers.toReversed().entries()) {
    const file = files[layers.length - 1 - at];
    assert.ok(file);
    assert.equal(unpacking.begin?.(layer, file), true);
    assert.equal(await offer(layer), false);
    unpacking.ready(layer);
  }
  const chainId = await unpacking.finish();
  assert.equal(fixture.tasks.get('apply-layer'), 3);
  assert.equal((await fixture.snapshots().stat(chainId ?? '')).kind, 'committed');
  assert.deepEqual(
    files.map(({ letGo }) => letGo),
    [1, 1, 1],
  );
});

test('held bytes that are not of the diff ID, or that nobody waits for any more, are let go of, and nothing stays', async (t) => {
  const fixture = await rootfsFixture(t);
  const [image, other] = [await smallImage(1), await smallImage(1, 'other')];
  const { layers, diffIds } = partsOf(image);
  const [layer] = layers;
  assert.ok(layer);
  const wrong = await heldLayer(t, other, partsOf(other).layers[0] ?? layer);
  {
    await using unpacking = await fixture.rootfs.unpack(SCOPE, { layers, diffIds });
    assert.equal(unpacking.begin?.(layer, wrong), true);
    await assertRejectsWithKind(unpacking.finish(), 'data-loss');
  }
  const unwanted = await heldLayer(t, image, layer);
  {
    await using unpacking = await fixture.rootfs.unpack(SCOPE, { layers, diffIds });
    assert.equal(unpacking.begin?.(layer, unwanted), true);
  }
  assert.deepEqual([wrong.letGo, unwanted.letGo], [1, 1]);
  assert.deepEqual(await foldersOf(fixture), []);
  assert.deepEqual(await fixture.snapshots().list(), []);
});

test('giving up leaves nothing, and nobody else alone', async (t) => {
  const held = deferred<undefined>();
  const reached = deferred<undefined>();
  const fixture = await rootfsFixture(t, {
    applier: (real) => ({
      apply: async (request) => {
        reached.resolve(undefined);
        await held.promise;
        return await real.apply(request);
      },
    }),
  });
  const image = await smallImage(2);
  await fixture.store(image);
  const quitter = new AbortController();
  const quitting = unpackAll(fixture, image, 'test', quitter.signal);
  const staying = unpackAll(fixture, image);
  await reached.promise;
  quitter.abort(new Error('enough'));
  await assert.rejects(quitting, /enough/);
  held.resolve(undefined);
  await staying;
  assert.equal((await foldersOf(fixture)).length, 2);
});

test('the last one to give up stops the worker and removes the files', async (t) => {
  const fixture = await rootfsFixture(t);
  const big = layerOf(await tarOf([{ path: 'zeros', data: Buffer.alloc(200 << 20) }]));
  const image = makeImage({ layers: [big] });
  await fixture.store(image);
  const controller = new AbortController();
  const unpacking = fixture.rootfs.unpackManifest(SCOPE, image.target.digest, {
    signal: controller.signal,
    onProgress: ({ state }) => {
      if (state === 'unpacking') controller.abort(new Error('changed my mind'));
    },
  });
  await assert.rejects(unpacking, /changed my mind/);
  assert.deepEqual(await foldersOf(fixture), []);
  assert.deepEqual(await fixture.snapshots().list(), []);
  await unpackAll(fixture, image);
});

const BAD: Readonly<
  Record<
    string,
    { readonly make: () => Promise<Image>; readonly kind: 'data-loss' | 'invalid-argument' | 'resource-exhausted' }
  >
> = {
  'a layer that is not what the config says': {
    make: async () => {
      const [good, other] = [await makeLayer([{ path: 'a' }]), await makeLayer([{ path: 'b' }])];
      return makeImage({ layers: [good, other], diffIds: [good.diffId, good.diffId] });
    },
    kind: 'data-loss',
  },
  'a gzip stream that is cut': { make: () => damaged((bytes) => bytes.subarray(0, -200)), kind: 'data-loss' },
  'a gzip stream that is broken': {
    make: () => damaged((bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.alloc(40, 0xff), bytes.subarray(80)])),
    kind: 'data-loss',
  },
  'a zstd stream that is cut': { make: () => damaged((bytes) => bytes.subarray(0, -200), 'zstd'), kind: 'data-loss' },
  'a tar that is cut': { make: () => damaged((bytes) => bytes.subarray(0, 700), 'none'), kind: 'data-loss' },
  'no tar at all': { make: () => damaged(() => gzipSync('hello'.repeat(1000))), kind: 'invalid-argument' },
  'a bomb': {
    make: async () => makeImage({ layers: [layerOf(await tarOf([{ path: 'zeros', data: Buffer.alloc(64 << 20) }]))] }),
    kind: 'resource-exhausted',
  },
};

async function damaged(change: (bytes: Buffer) => Buffer, packing: 'gzip' | 'zstd' | 'none' = 'gzip'): Promise<Image> {
  const whole = layerOf(
    await tarOf([{ path: 'file', data: Buffer.from(Array.from({ length: 9000 }, (_, at) => at * at)) }]),
    packing,
  );
  return makeImage({ layers: [await makeLayer([{ path: 'below' }]), { ...whole, bytes: change(whole.bytes) }] });
}

for (const snapshotter of ['overlayfs', 'native']) {
  test(`${snapshotter}: a bad layer is refused, and nothing stays`, async (t) => {
    const fixture = await rootfsFixture(t, { limits: { maxRatio: 20, ratioFloorBytes: 1 << 20 } });
    for (const [what, { make, kind }] of Object.entries(BAD)) {
      await t.test(what, async () => {
        const image = await make();
        await fixture.store(image);
        await assertRejectsWithKind(fixture.rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter }), kind);
        assert.deepEqual(await foldersOf(fixture, snapshotter), []);
        assert.deepEqual(await fixture.snapshots(snapshotter).list(), []);
      });
    }
  });
}

test('fewer diff IDs than layers, and an unknown snapshotter, are told before any work', async (t) => {
  const fixture = await rootfsFixture(t);
  const layer = await makeLayer([{ path: 'a' }]);
  const image = makeImage({ layers: [layer, layer], diffIds: [layer.diffId] });
  await fixture.store(image);
  await assertRejectsWithKind(unpackAll(fixture, image), 'invalid-argument', /2 layers .* 1 diff IDs/);
  await assert.rejects(fixture.rootfs.prepare(SCOPE, { key: 'k', chainId: '', snapshotter: 'none' }));
});

test('130 layers can be mounted', async (t) => {
  const fixture = await rootfsFixture(t);
  const image = await smallImage(130, 'deep');
  await fixture.store(image);
  const { chainId } = await unpackAll(fixture, image);
  const mounts = await fixture.rootfs.prepare(SCOPE, { key: 'top', chainId: chainId ?? '' });
  const tree = await fixture.mounted(mounts, (path) => inventory(path));
  assert.equal(Object.keys(tree).length, 132);
});

test('what a crash left half-done is gone after the next start', async (t) => {
  const { path: root } = await tempDir(t);
  const limits = DEFAULT_LIMITS;
  const stuck = deferred<never>();
  const reached = deferred<undefined>();
  const applier = () => ({
    apply: () => {
      reached.resolve(undefined);
      return stuck.promise;
    },
  });
  const first = await openRootfs(root, { limits, applier });
  const image = await smallImage(1);
  await first.store(image);
  const unpacking = unpackAll(first, image);
  unpacking.catch(() => undefined);
  await reached.promise;
  assert.equal((await foldersOf(first)).length, 1);
  // Disposed without waiting for the layer: the folder stays as a crash would leave it.
  await first[Symbol.asyncDispose]();
  await using second = await openRootfs(root);
  assert.deepEqual(await foldersOf(second), []);
  await unpackAll(second, image);
});

function partsOf(image: Image) {
  const [stored] = image.manifests;
  assert.ok(stored);
  const { layers, config } = parseManifest(stored.bytes, stored.descriptor.mediaType);
  const { rootfs } = JSON.parse(String(image.blobs.get(config.digest))) as { rootfs: { diff_ids: never[] } };
  return { layers, diffIds: rootfs.diff_ids };
}

test('an error of the disk that an early flush has met is not lost: the layer gets no name and goes', async (t) => {
  const met = new Error('EIO: the disk is broken');
  let failing = true;
  const fixture = await rootfsFixture(t, {
    backend: (real) => ({
      ...real,
      sync: (ids) => {
        const fails = failing;
        failing = false;
        return fails ? Promise.reject(met) : real.sync(ids);
      },
    }),
  });
  const image = makeImage({ layers: [await makeLayer([{ path: 'large', data: randomBytes(20 << 20) }])] });
  await fixture.store(image);
  await assert.rejects(unpackAll(fixture, image), met);
  assert.deepEqual(await foldersOf(fixture), []);
  assert.equal((await fixture.snapshots().list()).length, 0);
  await unpackAll(fixture, image);
  assert.equal((await foldersOf(fixture)).length, 1);
});
