import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filesOf, openLocalStores, type LocalStores } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { kindOf } from '../../base/errors.js';
import { digestOf } from '../../spec/digest.js';

const KEPT = { 'containerd.io/gc.root': 'x' };
const NAMESPACES = ['one', 'two'];
/** What may go wrong when several act on the same thing at once. */
const EXPECTED = new Set(['already-exists', 'not-found', 'unavailable', 'failed-precondition', 'invalid-argument']);

type Action = (stores: LocalStores, namespace: string, item: number) => Promise<unknown>;

const bytesOf = (item: number) => Buffer.alloc(1000 + item * 37, `${item}`);

const CONTENT_ACTIONS: readonly Action[] = [
  async (stores, namespace, item) => {
    const bytes = bytesOf(item);
    const expected = item % 2 === 0 ? { digest: digestOf(bytes), size: bytes.length } : {};
    await using writer = await stores.content({ namespace }).writer(`ref-${item % 3}`, expected);
    if (writer.status().offset !== bytes.length) {
      await writer.truncate(0);
      await writer.write(bytes);
    }
    await writer.commit({ digest: digestOf(bytes) }, KEPT);
  },
  (stores, namespace, item) => stores.content({ namespace }).delete(digestOf(bytesOf(item))),
  async (stores, namespace, item) => {
    await using reader = await stores.content({ namespace }).open(digestOf(bytesOf(item)));
    const read: Uint8Array[] = [];
    for await (const { bytes } of reader.chunks()) read.push(bytes);
    assert.deepEqual(Buffer.concat(read), bytesOf(item));
  },
  (stores, namespace, item) => stores.content({ namespace }).abort(`ref-${item % 3}`),
  (stores) => stores.metadata.collector.run(),
];

const SNAPSHOT_ACTIONS: readonly Action[] = [
  (stores, namespace, item) => stores.snapshots({ namespace }).prepare(`key-${item}`, '', KEPT),
  (stores, namespace, item) => stores.snapshots({ namespace }).prepare(`key-${item}`, `name-${(item * 3) % 7}`, KEPT),
  (stores, namespace, item) => stores.snapshots({ namespace }).view(`key-${item}`, `name-${item % 7}`),
  (stores, namespace, item) => stores.snapshots({ namespace }).commit(`name-${item % 7}`, `key-${item}`, KEPT),
  (stores, namespace, item) => stores.snapshots({ namespace }).remove(`name-${item % 7}`),
  (stores, namespace, item) => stores.snapshots({ namespace }).remove(`key-${item}`),
  (stores, namespace, item) => stores.snapshots({ namespace }).mounts(`key-${item}`),
  (stores) => stores.metadata.collector.run(),
];

/** Runs the same random actions, so many at a time. */
async function act(
  stores: LocalStores,
  actions: readonly Action[],
  steps: readonly (readonly number[])[],
): Promise<void> {
  const running = steps.map(async ([which = 0, where = 0, item = 0]) => {
    const action = actions[which % actions.length];
    await action?.(stores, NAMESPACES[where % 2] ?? '', item);
  });
  for (const result of await Promise.allSettled(running)) {
    if (result.status === 'fulfilled') continue;
    if (!EXPECTED.has(kindOf(result.reason))) throw result.reason;
  }
}

const STEPS = fc.array(fc.array(fc.tuple(fc.nat(7), fc.nat(1), fc.nat(8)), { minLength: 1, maxLength: 12 }), {
  minLength: 5,
  maxLength: 15,
});

test('whatever is written, read, deleted, aborted and collected at once: what is named is whole, nothing else is left', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openLocalStores(root.path, { collectDelayMs: 3_600_000 });
  await fc.assert(
    fc.asyncProperty(STEPS, async (batches) => {
      for (const steps of batches) await act(stores, CONTENT_ACTIONS, steps);
      await stores.metadata.collector.run();
      const named = new Set<string>();
      let ingests = 0;
      for (const namespace of NAMESPACES) {
        const content = stores.content({ namespace });
        for await (const { digest, size } of content.list()) {
          await using reader = await content.open(digest);
          assert.equal(reader.size, size);
          named.add(digest);
        }
        ingests += (await content.statuses()).length;
      }
      const found = await filesOf(stores.blobs);
      assert.deepEqual([...found.blobs].sort(), [...named].sort());
      assert.ok(found.ingests.length <= ingests);
    }),
    { numRuns: 12 },
  );
});

test('whatever is prepared, committed, removed and collected at once: every name has its directory, every directory a name', async (t) => {
  await using root = await tempDir(t);
  await using stores = await openLocalStores(root.path, { collectDelayMs: 3_600_000 });
  await fc.assert(
    fc.asyncProperty(STEPS, async (batches) => {
      for (const steps of batches) await act(stores, SNAPSHOT_ACTIONS, steps);
      await stores.metadata.collector.run();
      let count = 0;
      for (const namespace of NAMESPACES) {
        const snapshots = stores.snapshots({ namespace });
        const infos = await snapshots.list();
        const names = new Set(infos.map(({ name }) => name));
        for (const { name, parent, kind } of infos) {
          assert.ok(parent === '' || names.has(parent), `${name} has lost its parent ${parent}`);
          assert.ok((await snapshots.usage(name)).inodes > 0);
          if (kind !== 'committed') assert.equal((await snapshots.mounts(name)).length, 1);
        }
        count += infos.length;
      }
      assert.equal((await stores.backend.inventory()).length, count);
    }),
    { numRuns: 12 },
  );
});
