import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { openLocalStores, type LocalStores } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { AppliedLayer, LayeredSnapshotter } from '../../core/snapshots/snapshotter.js';

const SCOPE = { namespace: 'testing' };
const OTHER = { namespace: 'other' };
const USAGE = { size: 4096, inodes: 1 };
const ROOT = { 'containerd.io/gc.root': 'x' };

const openQuiet = (root: string) => openLocalStores(root, { collectDelayMs: 3_600_000 });

function layered({ metadata, backend }: LocalStores, scope: Scope): LayeredSnapshotter {
  const snapshots = metadata.snapshotters.get(backend.name);
  assert.ok(snapshots);
  return snapshots(scope);
}

/** Applied layers for a chain, each in a directory of its own. */
async function apply(stores: LocalStores, snapshots: LayeredSnapshotter, ...names: string[]): Promise<AppliedLayer[]> {
  const layers: AppliedLayer[] = [];
  for (const name of names) {
    const layerId = await snapshots.newLayer();
    await stores.backend.create(layerId, { writable: false, parents: [] });
    layers.push({ name, parent: layers.at(-1)?.name ?? '', layerId, labels: ROOT, usage: USAGE });
  }
  return layers;
}

test('a chain is adopted whole, synced before it is named, and can be built on', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const snapshots = layered(stores, SCOPE);
  const layers = await apply(stores, snapshots, 'a', 'b', 'c');
  await snapshots.adopt(layers);
  assert.deepEqual(
    stores.backend.synced,
    layers.map(({ layerId }) => layerId),
  );
  const infos = (await snapshots.list()).map(({ name, parent, kind }) => [name, parent, kind]);
  assert.deepEqual(infos, [
    ['a', '', 'committed'],
    ['b', 'a', 'committed'],
    ['c', 'b', 'committed'],
  ]);
  assert.deepEqual(await snapshots.usage('b'), USAGE);
  await snapshots.prepare('box', 'c');
  await stores.metadata.collector.run();
  assert.equal((await stores.backend.inventory()).length, 3); // the box has no root
});

test('nothing is adopted when one of the layers can not be', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const snapshots = layered(stores, SCOPE);
  const [a, b] = await apply(stores, snapshots, 'a', 'b');
  assert.ok(a && b);
  await assertRejectsWithKind(snapshots.adopt([a, { ...b, parent: 'nobody' }]), 'not-found');
  await assertRejectsWithKind(snapshots.adopt([a, { ...b, layerId: 999 }]), 'aborted', /unpack it again/);
  assert.deepEqual(await snapshots.list(), []);
  await snapshots.adopt([a, b]);
});

test('names that exist are left as they are, and the directories that came for them go', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const snapshots = layered(stores, SCOPE);
  await snapshots.adopt(await apply(stores, snapshots, 'a', 'b'));
  await stores.metadata.leases(SCOPE).create({ id: 'lease', labels: {} });
  const leased = layered(stores, { ...SCOPE, lease: 'lease' });
  await leased.adopt(await apply(stores, leased, 'a', 'b', 'c'));
  assert.equal((await stores.backend.inventory()).length, 3);
  const type = `snapshots/${stores.backend.name}`;
  assert.deepEqual(
    await stores.leases(SCOPE).resources('lease'),
    ['a', 'b', 'c'].map((id) => ({ type, id })),
  );
});

test('layers that several adopt at once are named once, and stay', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const [here, there] = [layered(stores, SCOPE), layered(stores, OTHER)];
  const layers = await apply(stores, here, 'a', 'b', 'c');
  await Promise.all([here.adopt(layers), there.adopt(layers), here.adopt(layers), there.adopt(layers.slice(0, 2))]);
  await stores.metadata.collector.run();
  assert.equal((await stores.backend.inventory()).length, 3);
  assert.equal((await here.list()).length, 3);
  assert.equal((await there.list()).length, 3);
});

test('another namespace finds what was applied, and names the same directories', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const here = layered(stores, SCOPE);
  const layers = await apply(stores, here, 'a', 'b');
  await here.adopt(layers);
  await here.prepare('made', '');
  await here.commit('by a client', 'made');
  const there = layered(stores, OTHER);
  const known = await there.known(['a', 'b', 'c', 'by a client']);
  assert.deepEqual(
    [...known].sort(),
    layers.map(({ name, layerId }) => [name, layerId]),
  );
  await there.adopt(layers);
  assert.equal((await stores.backend.inventory()).length, 3);
  for (const name of ['b', 'a']) await here.remove(name);
  await stores.metadata.collector.run();
  assert.equal((await stores.backend.inventory()).length, 2);
  assert.deepEqual((await there.mounts('x').catch(() => there.prepare('x', 'b'))).length, 1);
});

test('a lease keeps layers that were found until they are named', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openQuiet(root.path);
  const here = layered(stores, SCOPE);
  const layers = await apply(stores, here, 'a');
  await here.adopt(layers);
  await stores.metadata.leases(OTHER).create({ id: 'pull', labels: {} }, true);
  const there = layered(stores, { ...OTHER, lease: 'pull' });
  assert.equal((await there.known(['a'])).size, 1);
  await here.remove('a');
  await stores.metadata.collector.run();
  await there.adopt(layers);
  await stores.metadata.leases(OTHER).delete('pull', { sync: true });
  assert.equal((await there.stat('a')).kind, 'committed');
  await there.remove('a');
  await stores.metadata.collector.run();
  assert.deepEqual(await stores.backend.inventory(), []);
});

test('a number that was given up is not used again, and its directory goes', async (t) => {
  await using root = await tempDir(t);
  let given: number;
  {
    await using stores = await openQuiet(root.path);
    const snapshots = layered(stores, SCOPE);
    const [layer] = await apply(stores, snapshots, 'a');
    given = layer?.layerId ?? 0;
    await snapshots.discard(given);
    await snapshots.discard(given);
    assert.deepEqual(await stores.backend.inventory(), []);
    await snapshots.prepare('x', '');
    await snapshots.remove('x');
    await stores.metadata.collector.run();
  }
  await using stores = await openQuiet(root.path);
  assert.ok((await layered(stores, SCOPE).newLayer()) > given + 1);
});
