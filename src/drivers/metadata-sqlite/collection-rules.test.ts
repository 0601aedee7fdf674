import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { filesOf, openLocalStores, type LocalStores } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import type { Digest } from '../../spec/digest.js';

const SCOPE = { namespace: 'testing' };
const HOUR_MS = 3_600_000;
const GC = 'containerd.io/gc';
const PAST = '2026-01-01T00:00:00Z';
const FUTURE = '2999-01-01T00:00:00+01:00';

async function withStores(t: TestContext, run: (stores: LocalStores) => Promise<void>): Promise<void> {
  await using root = await tempDir(t);
  await using stores = await openLocalStores(root.path, { collectDelayMs: HOUR_MS });
  await run(stores);
}

async function put(
  stores: LocalStores,
  text: string,
  labels: Record<string, string> = {},
  lease?: string,
): Promise<Digest> {
  const scope = lease === undefined ? SCOPE : { ...SCOPE, lease };
  await using writer = await stores.content(scope).writer(`ref of ${text}`);
  await writer.write(Buffer.from(text));
  return (await writer.commit({}, labels)).digest;
}

const imageOn = (digest: Digest, name: string, labels: Record<string, string> = {}) => ({
  name,
  labels,
  target: { mediaType: 'm', digest, size: 10 },
});

/** Digests that are left in the metadata and on disk after a collection. */
async function leftAfterCollection(stores: LocalStores): Promise<readonly Digest[]> {
  await stores.metadata.collector.run();
  const named: Digest[] = [];
  for await (const { digest } of stores.content(SCOPE).list()) named.push(digest);
  const { blobs } = await filesOf(stores.blobs);
  assert.deepEqual([...blobs].sort(), named);
  return named;
}

const sorted = (...digests: readonly Digest[]) => [...digests].sort();

test('gc.ref.image keeps an image that has expired, with all below it', (t) =>
  withStores(t, async (stores) => {
    const target = await put(stores, 'target');
    await stores.images(SCOPE).create(imageOn(target, 'old', { [`${GC}.expire`]: PAST }));
    const keeper = await put(stores, 'keeper', { [`${GC}.root`]: 'x', [`${GC}.ref.image.base`]: 'old' });
    assert.deepEqual(await leftAfterCollection(stores), sorted(target, keeper));
    assert.equal((await stores.images(SCOPE).list()).length, 1);
    await stores.content(SCOPE).update(keeper, {}, [`labels.${GC}.ref.image.base`]);
    assert.deepEqual(await leftAfterCollection(stores), [keeper]);
    assert.deepEqual(await stores.images(SCOPE).list(), []);
  }));

test('gc.bref ties a child to an image, a container, content or a snapshot', (t) =>
  withStores(t, async (stores) => {
    const { name } = stores.backend;
    const target = await put(stores, 'target');
    await stores.images(SCOPE).create(imageOn(target, 'image'));
    await stores.snapshots(SCOPE).prepare('key', '', { [`${GC}.root`]: 'x' });
    const children = [
      await put(stores, 'of the image', { [`${GC}.bref.image`]: 'image' }),
      await put(stores, 'of the content', { [`${GC}.bref.content/why`]: target }),
      await put(stores, 'of the snapshot', { [`${GC}.bref.snapshot.${name}`]: 'key' }),
      await put(stores, 'of the container', { [`${GC}.bref.container.a`]: 'box' }),
    ];
    const spec = { typeUrl: 'x', value: Buffer.alloc(0) };
    await stores.containers(SCOPE).create({
      ...{ id: 'box', labels: {}, image: '', runtime: { name: 'r' }, spec, extensions: {}, sandbox: '' },
      ...{ snapshotter: '', snapshotKey: '' },
    });
    assert.deepEqual(await leftAfterCollection(stores), sorted(target, ...children));
    await stores.containers(SCOPE).delete('box');
    await stores.snapshots(SCOPE).remove('key');
    assert.deepEqual(await leftAfterCollection(stores), sorted(target, ...children.slice(0, 2)));
    await stores.images(SCOPE).delete('image');
    assert.deepEqual(await leftAfterCollection(stores), []);
  }));

test('gc.expire ends a lease, and keeps content and snapshots until then; what is no RFC 3339 time counts for nothing', (t) =>
  withStores(t, async (stores) => {
    const leases = stores.leases(SCOPE);
    for (const [id, expire] of [
      ['past', PAST],
      ['future', FUTURE],
      ['unreadable', '2001'],
    ] as const) {
      await leases.create({ id, labels: { [`${GC}.expire`]: expire } });
    }
    await put(stores, 'of the past', {}, 'past');
    const kept = [
      await put(stores, 'of the future', {}, 'future'),
      await put(stores, 'of no time', {}, 'unreadable'),
      await put(stores, 'for a time', { [`${GC}.expire`]: FUTURE }),
    ];
    await put(stores, 'its time is up', { [`${GC}.expire`]: PAST });
    await put(stores, 'never had one', { [`${GC}.expire`]: 'soon' });
    await stores.snapshots(SCOPE).prepare('later', '', { [`${GC}.expire`]: FUTURE });
    await stores.snapshots(SCOPE).prepare('over', '', { [`${GC}.expire`]: PAST });
    assert.deepEqual(await leftAfterCollection(stores), sorted(...kept));
    assert.deepEqual(
      (await leases.list()).map(({ id }) => id),
      ['future', 'unreadable'],
    );
    assert.deepEqual(
      (await stores.snapshots(SCOPE).list()).map(({ name }) => name),
      ['later'],
    );
  }));

test('a flat lease keeps the index without what its labels name, and a snapshot with its parents', (t) =>
  withStores(t, async (stores) => {
    await stores.leases(SCOPE).create({ id: 'flat', labels: { [`${GC}.flat`]: 'true' } });
    const layer = await put(stores, 'layer');
    const manifest = await put(stores, 'manifest', { [`${GC}.ref.content.l.0`]: layer }, 'flat');
    await stores.snapshots(SCOPE).prepare('base', '');
    await stores.snapshots(SCOPE).commit('parent', 'base');
    await stores.snapshots({ ...SCOPE, lease: 'flat' }).prepare('child', 'parent');
    assert.deepEqual(await leftAfterCollection(stores), [manifest]);
    assert.equal((await stores.snapshots(SCOPE).list()).length, 2);
  }));

test('an ingest without a lease is given up a day after it was last opened', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await withStores(t, async (stores) => {
    const content = stores.content(SCOPE);
    const begin = async () => {
      await using writer = await content.writer('half', { size: 10 });
      await writer.write(Buffer.from('half'));
    };
    await begin();
    t.mock.timers.setTime(Date.now() + 23 * HOUR_MS);
    await begin();
    t.mock.timers.setTime(Date.now() + 23 * HOUR_MS);
    await stores.metadata.collector.run();
    assert.equal((await content.status('half')).offset, 8);
    {
      await using writer = await content.writer('half', { size: 10 });
      t.mock.timers.setTime(Date.now() + 25 * HOUR_MS);
      await stores.metadata.collector.run();
      await writer.write(Buffer.from('9'));
    }
    await stores.metadata.collector.run();
    assert.deepEqual(await content.statuses(), []);
    assert.deepEqual((await filesOf(stores.blobs)).ingests, []);
  });
});
