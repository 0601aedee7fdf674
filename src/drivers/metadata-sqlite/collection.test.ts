import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { eventually } from '../../../test/support/eventually.js';
import { filesOf, openLocalStores, type LocalStores } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { digestOf, type Digest } from '../../spec/digest.js';

const SCOPE = { namespace: 'testing' };
const HOUR_MS = 3_600_000;
const CONFIG = 'config of the image';
const LAYER = 'layer of the image';
const TOP = 'snapshots of the image';

/** Collections only where the test asks for one. */
const openQuiet = (root: string) => openLocalStores(root, { collectDelayMs: HOUR_MS });

async function put(
  stores: LocalStores,
  scope: Scope,
  text: string,
  labels: Record<string, string> = {},
): Promise<Digest> {
  await using writer = await stores.content(scope).writer(`ref of ${text}`);
  await writer.write(Buffer.from(text));
  return (await writer.commit({}, labels)).digest;
}

/** An image as a pull leaves it: manifest, config, layer, and a chain of two snapshots. */
async function putImage(stores: LocalStores, scope: Scope, name: string): Promise<Digest> {
  const config = await put(stores, scope, CONFIG, { [`containerd.io/gc.ref.snapshot.${stores.backend.name}`]: TOP });
  const layer = await put(stores, scope, LAYER);
  const manifest = await put(stores, scope, `manifest of ${name}`, {
    'containerd.io/gc.ref.content.config': config,
    'containerd.io/gc.ref.content.l.0': layer,
  });
  const snapshots = stores.snapshots(scope);
  await snapshots.prepare('extract-1', '');
  await snapshots.commit('base', 'extract-1');
  await snapshots.prepare('extract-2', 'base');
  await snapshots.commit(TOP, 'extract-2');
  await stores.images(scope).create({ name, labels: {}, target: { mediaType: 'm', digest: manifest, size: 10 } });
  return manifest;
}

async function onDisk(stores: LocalStores): Promise<{ blobs: number; ingests: number; layers: number }> {
  const { blobs, ingests } = await filesOf(stores.blobs);
  return { blobs: blobs.length, ingests: ingests.length, layers: (await stores.backend.inventory()).length };
}

const EMPTY = { blobs: 0, ingests: 0, layers: 0 };

test('deleting the image frees everything that nothing else needs, and tells of it', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  await putImage(stores, SCOPE, 'a');
  await stores.metadata.collector.run();
  assert.deepEqual(await onDisk(stores), { blobs: 3, ingests: 0, layers: 2 });
  const from = stores.metadata.journal.last() + 1;
  await stores.images(SCOPE).delete('a', { sync: true });
  assert.deepEqual(await onDisk(stores), EMPTY);
  assert.deepEqual(await stores.snapshots(SCOPE).list(), []);
  const topics: string[] = [];
  for await (const { topic, sequence } of stores.metadata.journal.subscribe({ from, signal: t.signal })) {
    topics.push(topic);
    if (sequence === stores.metadata.journal.last()) break;
  }
  const removed = ['/snapshot/remove', '/snapshot/remove'];
  assert.deepEqual(topics.sort(), [
    '/content/delete',
    '/content/delete',
    '/content/delete',
    '/images/delete',
    ...removed,
  ]);
});

test('without sync it is freed soon after', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openLocalStores(root.path, { collectDelayMs: 1 });
  // Without this, the collection that every opening asks for may come while the image is still being put together.
  await stores.leases(SCOPE).create({ id: 'pull', labels: {} });
  await putImage(stores, { ...SCOPE, lease: 'pull' }, 'a');
  await stores.leases(SCOPE).delete('pull', { sync: true });
  assert.deepEqual(await onDisk(stores), { blobs: 3, ingests: 0, layers: 2 });
  await stores.images(SCOPE).delete('a');
  await eventually(async () => assert.deepEqual(await onDisk(stores), EMPTY));
});

test('what another image, a container, a lease or a label needs stays', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const manifest = await putImage(stores, SCOPE, 'a');
  const target = { mediaType: 'm', digest: manifest, size: 10 };
  await stores.images(SCOPE).create({ name: 'b', labels: {}, target });
  await stores.images(SCOPE).delete('a', { sync: true });
  assert.deepEqual(await onDisk(stores), { blobs: 3, ingests: 0, layers: 2 });

  await stores.snapshots(SCOPE).prepare('box', TOP);
  const spec = { typeUrl: 'x', value: Buffer.alloc(0) };
  await stores.containers(SCOPE).create({
    ...{ id: 'box', labels: {}, image: 'b', runtime: { name: 'r' }, spec, extensions: {}, sandbox: '' },
    snapshotter: stores.backend.name,
    snapshotKey: 'box',
  });
  await put(stores, SCOPE, 'kept by label', { 'containerd.io/gc.root': '2026-11-22T09:00:00Z' });
  await stores.leases(SCOPE).create({ id: 'lease', labels: {} });
  await put(stores, { ...SCOPE, lease: 'lease' }, 'kept by lease');
  await stores.images(SCOPE).delete('b', { sync: true });
  assert.deepEqual(await onDisk(stores), { blobs: 2, ingests: 0, layers: 3 });
  assert.equal((await stores.snapshots(SCOPE).mounts('box')).length, 1);

  await stores.containers(SCOPE).delete('box');
  await stores.leases(SCOPE).delete('lease', { sync: true });
  assert.deepEqual(await onDisk(stores), { blobs: 1, ingests: 0, layers: 0 });
});

test('a running pull keeps its ingests and its blobs by its lease', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  await stores.leases(SCOPE).create({ id: 'pull', labels: {} }, true);
  const leased = stores.content({ ...SCOPE, lease: 'pull' });
  {
    await using writer = await leased.writer('half', { size: 10 });
    await writer.write(Buffer.from('half'));
    await stores.metadata.collector.run();
    await writer.write(Buffer.from('more'));
  }
  const blob = await put(stores, { ...SCOPE, lease: 'pull' }, 'whole');
  await stores.metadata.collector.run();
  assert.equal((await leased.status('half')).offset, 8);
  assert.equal((await leased.info(blob)).size, 5);
  await stores.leases(SCOPE).delete('pull', { sync: true });
  assert.deepEqual(await onDisk(stores), EMPTY);
  await assertRejectsWithKind(leased.status('half'), 'not-found');
});

test('bytes that another namespace names stay, and go with the last name', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const labels = { 'containerd.io/gc.root': 'x' };
  const digest = await put(stores, SCOPE, 'shared', labels);
  await put(stores, { namespace: 'other' }, 'shared', labels);
  await stores.content(SCOPE).delete(digest);
  await stores.metadata.collector.run();
  assert.deepEqual(await onDisk(stores), { blobs: 1, ingests: 0, layers: 0 });
  {
    await using writer = await stores.content(SCOPE).writer('share', { digest });
    await stores.content({ namespace: 'other' }).delete(digest);
    await stores.metadata.collector.run();
    await writer.commit({}, labels);
  }
  await stores.metadata.collector.run();
  assert.deepEqual(await onDisk(stores), { blobs: 1, ingests: 0, layers: 0 });
  await stores.content(SCOPE).delete(digest);
  await stores.metadata.collector.run();
  assert.deepEqual(await onDisk(stores), EMPTY);
});

test('isolated namespaces bring their own bytes, but for those that share theirs', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openLocalStores(root.path, { collectDelayMs: HOUR_MS, sharing: 'isolated' });
  const digest = await put(stores, SCOPE, 'secret');
  const offset = async () => {
    await using writer = await stores.content({ namespace: 'other' }).writer('r', { digest });
    return writer.status().offset;
  };
  assert.equal(await offset(), 0);
  await stores.namespaces.update({ name: 'testing', labels: { 'containerd.io/namespace.shareable': 'true' } });
  assert.equal(await offset(), 6);
});

test('a start cleans up after a crash: operation leases, stray directories, ingests and blobs', async (t) => {
  await using root = await tempDir(t);
  {
    await using stores = await openQuiet(root.path);
    await stores.leases(SCOPE).create({ id: 'operation', labels: {} }, true);
    await stores.leases(SCOPE).create({ id: 'client', labels: {} });
    await put(stores, { ...SCOPE, lease: 'operation' }, 'of the pull');
    await put(stores, { ...SCOPE, lease: 'client' }, 'of the client');
    const [snapshots] = stores.metadata.snapshotters.values();
    const layered = snapshots?.({ ...SCOPE, lease: 'client' });
    const layer = await layered?.newLayer();
    await stores.backend.create(layer ?? 0, { writable: false, parents: [] });
    await using ingest = await stores.blobs.ingest('00000000-dead', 'sha256');
    await ingest.write(Buffer.from('stray'));
    await using twice = await stores.blobs.ingest('00000000-beef', 'sha256');
    await twice.write(Buffer.from('stray blob'));
    await twice.publish({});
    await writeFile(join(root.path, 'content', 'ingest', '00000000-beef.copy'), 'x');
    assert.deepEqual(await onDisk(stores), { blobs: 3, ingests: 2, layers: 1 });
  }
  await using stores = await openQuiet(root.path);
  assert.deepEqual(
    (await stores.leases(SCOPE).list()).map(({ id }) => id),
    ['client'],
  );
  await stores.metadata.collector.run();
  assert.deepEqual(await onDisk(stores), { blobs: 1, ingests: 0, layers: 0 });
  assert.deepEqual(await readdir(join(root.path, 'content', 'ingest')), []);
});

test('a lost or cut-off blob counts as absent, and fetching it again heals it', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const content = stores.content(SCOPE);
  const digest = await put(stores, SCOPE, 'precious');
  assert.equal(digest, digestOf('precious'));
  const path = join(root.path, 'content', 'blobs', 'sha256', digest.slice('sha256:'.length));
  const damages = [() => stores.blobs.remove(digest), () => writeFile(path, 'prec')];
  for (const damage of damages) {
    await damage();
    await assertRejectsWithKind(content.open(digest), 'data-loss', /pull the image again/);
    await using writer = await content.writer('again', { digest, size: 8 });
    await writer.write(Buffer.from('precious'));
    await assertRejectsWithKind(writer.commit(), 'already-exists');
    await using reader = await content.open(digest);
    assert.equal(reader.size, 8);
  }
});
