import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { filesOf, openLocalStores, type LocalStores } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SOURCE_WORKER_URL } from '../../../test/support/worker-url.js';
import type { Marked } from '../../core/gc/unreachable.js';
import type { Digest } from '../../spec/digest.js';
import { openWorkerPool } from '../worker-pool/worker-pool.js';
import { markOnView } from './marking.js';

const SCOPE = { namespace: 'testing' };
const HOUR_MS = 3_600_000;

/** Large stores, where `between` happens after the marking and before anything is removed. */
async function openLarge(t: TestContext, between: (stores: LocalStores) => Promise<unknown>): Promise<LocalStores> {
  const { path } = await tempDir(t);
  const stores: LocalStores = await openLocalStores(path, {
    collectDelayMs: HOUR_MS,
    marking: {
      atOnce: -1,
      mark: async (task) => {
        const marked = markOnView(task);
        await between(stores);
        return marked;
      },
    },
  });
  t.after(() => stores[Symbol.asyncDispose]());
  return stores;
}

async function put(stores: LocalStores, text: string, labels: Record<string, string> = {}, lease?: string) {
  const scope = lease === undefined ? SCOPE : { ...SCOPE, lease };
  await using writer = await stores.content(scope).writer(`ref of ${text}`);
  await writer.write(Buffer.from(text));
  return (await writer.commit({}, labels)).digest;
}

async function left(stores: LocalStores): Promise<Digest[]> {
  const all: Digest[] = [];
  for await (const { digest } of stores.content(SCOPE).list()) all.push(digest);
  const { blobs } = await filesOf(stores.blobs);
  assert.deepEqual(all.sort(), [...blobs].sort());
  return all;
}

test('an image that comes after the marking keeps what it leads to', async (t) => {
  const digests: Record<string, Digest> = {};
  const stores = await openLarge(t, ({ images }) => {
    const target = { mediaType: 'm', digest: digests['manifest'] ?? assert.fail(), size: 8 };
    return images(SCOPE).create({ name: 'a', labels: {}, target });
  });
  digests['layer'] = await put(stores, 'layer');
  digests['manifest'] = await put(stores, 'manifest', { 'containerd.io/gc.ref.content.l.0': digests['layer'] });
  await put(stores, 'garbage');
  const { removed } = await stores.metadata.collector.run();
  assert.equal(removed.length, 1);
  assert.deepEqual(await left(stores), Object.values(digests).sort());
});

test('labels and leases that come after the marking keep what they name', async (t) => {
  const digests: Digest[] = [];
  const stores = await openLarge(t, async ({ content, leases }) => {
    const [labelled, leased] = digests;
    assert.ok(labelled !== undefined && leased !== undefined);
    await content(SCOPE).update(labelled, { 'containerd.io/gc.root': 'x' }, ['labels.containerd.io/gc.root']);
    await leases(SCOPE).addResource('l', { type: 'content', id: leased });
  });
  await stores.leases(SCOPE).create({ id: 'l', labels: {} });
  digests.push(await put(stores, 'labelled'), await put(stores, 'leased'), await put(stores, 'garbage'));
  await stores.metadata.collector.run();
  assert.deepEqual(await left(stores), digests.slice(0, 2).sort());
});

test('what hangs itself on an owner stays when the owner comes after the marking', async (t) => {
  const stores = await openLarge(t, ({ snapshots }) => snapshots(SCOPE).prepare('owner', '', ROOT));
  const owned = await put(stores, 'owned', { [`containerd.io/gc.bref.snapshot.${stores.backend.name}`]: 'owner' });
  await stores.metadata.collector.run();
  assert.deepEqual(await left(stores), [owned]);
});

test('a snapshot that gets a child after the marking stays, with those below it', async (t) => {
  const stores = await openLarge(t, ({ snapshots }) => snapshots(SCOPE).prepare('box', 'top', ROOT));
  const snapshots = stores.snapshots(SCOPE);
  await snapshots.prepare('1', '');
  await snapshots.commit('base', '1');
  await snapshots.prepare('2', 'base');
  await snapshots.commit('top', '2');
  await snapshots.prepare('3', '');
  await stores.metadata.collector.run();
  assert.deepEqual((await snapshots.list()).map(({ name }) => name).sort(), ['base', 'box', 'top']);
});

test('an ingest that is written to again after the marking stays', async (t) => {
  const opened: AsyncDisposable[] = [];
  const stores = await openLarge(t, async ({ content }) => opened.push(await content(SCOPE).writer('r')));
  {
    await using writer = await stores
      .content({ ...SCOPE, lease: 'gone' })
      .writer('r')
      .catch(() => undefined);
    assert.equal(writer, undefined);
  }
  await stores.leases(SCOPE).create({ id: 'gone', labels: {} });
  const writer = await stores.content({ ...SCOPE, lease: 'gone' }).writer('r');
  await writer.write(Buffer.from('half'));
  await writer[Symbol.asyncDispose]();
  await stores.leases(SCOPE).delete('gone');
  await stores.metadata.collector.run();
  assert.deepEqual(
    (await stores.content(SCOPE).statuses()).map(({ ref, offset }) => [ref, offset]),
    [['r', 4]],
  );
  for (const each of opened) await each[Symbol.asyncDispose]();
});

test('thousands of objects are marked by a worker thread, and go in parts', async (t) => {
  const { path } = await tempDir(t);
  await using pool = openWorkerPool(SOURCE_WORKER_URL, 1);
  await using stores = await openLocalStores(path, {
    collectDelayMs: HOUR_MS,
    marking: { atOnce: 10, mark: (task, signal) => pool.run<Marked>(task, { signal }) },
  });
  const target = { mediaType: 'm', digest: await put(stores, 'kept'), size: 4 };
  for (let at = 0; at < 1200; at += 1) {
    const labels = at === 0 ? {} : { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' };
    await stores.images(SCOPE).create({ name: `image-${at}`, labels, target });
  }
  const { removed } = await stores.metadata.collector.run();
  assert.equal(removed.length, 1199);
  assert.deepEqual(
    (await stores.images(SCOPE).list()).map(({ name }) => name),
    ['image-0'],
  );
  assert.deepEqual(await left(stores), [target.digest]);
});

const ROOT = { 'containerd.io/gc.root': 'x' };
