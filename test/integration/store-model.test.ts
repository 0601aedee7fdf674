import assert from 'node:assert/strict';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Teardown } from '../../src/base/teardown.js';
import type { Journal } from '../../src/core/events/journal.js';
import type { GcNode, GcReport } from '../../src/core/gc/graph.js';
import type { Marking } from '../../src/drivers/metadata-sqlite/collectable.js';
import { markOnView } from '../../src/drivers/metadata-sqlite/marking.js';
import { createDiskUsage, type DiskUsage } from '../../src/core/usage/disk-usage.js';
import { NAMESPACES, operations, perform, type Operation, type World } from '../support/store-operations.js';
import { keyOf, StoreModel, type ModelNode } from '../support/store-model.js';
import { openLocalStores } from '../support/stores.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
/** The same runs each time, but in the full test. */
const RUNS = FULL ? { numRuns: 400 } : { numRuns: 40, seed: -1555822363 };
const OPERATIONS = FULL ? 120 : 60;
const SNAPSHOTTER = 'plain';
const NEVER_MS = 3_600_000;

/** A `kill` ends the stores with nothing closed: what lies on disk at that moment is opened anew. */
type Step = Operation | 'collect' | 'restart' | 'kill';

interface Run {
  readonly steps: readonly Step[];
  readonly large: boolean;
}

interface OnDisk {
  readonly blobs: number;
  readonly blobBytes: number;
  readonly ingests: readonly number[];
  readonly layers: readonly number[];
}

/** What lies below the root, looked at without any of our own code. */
async function lookAt(root: string): Promise<OnDisk> {
  const sizes = async (...path: string[]) => {
    const names = await readdir(join(root, ...path));
    return Promise.all(names.map(async (name) => (await lstat(join(root, ...path, name))).size));
  };
  const blobs = [...(await sizes('content/blobs/sha256')), ...(await sizes('content/blobs/sha512'))];
  const layers: number[] = [];
  for (const id of await readdir(join(root, SNAPSHOTTER, 'snapshots'))) {
    layers.push(sum(await sizes(SNAPSHOTTER, 'snapshots', id, 'fs')));
  }
  return {
    blobs: blobs.length,
    blobBytes: sum(blobs),
    ingests: (await sizes('content/ingest')).sort(byNumber),
    layers: layers.sort(byNumber),
  };
}

const byNumber = (a: number, b: number) => a - b;
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
const totalOf = ({ blobBytes, ingests, layers }: OnDisk) => blobBytes + sum(ingests) + sum(layers);

function nodeOf({ kind, key }: GcNode): ModelNode {
  return `${kind} ${kind === 'snapshot' ? key.slice(key.indexOf('/') + 1) : key}`;
}

const QUIET = { collectDelayMs: NEVER_MS, collectIntervalMs: NEVER_MS };
/** As of large stores: marked on a view by another thread, and removed part by part. */
const marking: Marking = { atOnce: -1, mark: (task) => Promise.resolve(markOnView(task)) };
const usageIn = ({ stores }: World): DiskUsage => createDiskUsage(stores.metadata.disk, stores.metadata.collector);

/** Collects, and compares what went with what was foretold, and what is left with what the model has. */
async function collect(world: World, root: string): Promise<void> {
  const usage = usageIn(world);
  const foretold = await usage.preview();
  const before = await lookAt(root);
  const report = await usage.collect();
  const after = await lookAt(root);
  const plain = ({ removed, files, layers, bytes }: GcReport) => ({ removed, files, layers, bytes });
  assert.deepEqual(plain(report), plain(foretold), 'the dry run has foretold something else');
  assert.equal(report.bytes, totalOf(before) - totalOf(after), 'bytes that went');
  const gone = report.removed.map((node) => `${node.namespace} ${nodeOf(node)}`);
  assert.deepEqual(gone.sort(), world.model.collect().sort());
  assertOnDisk(after, world.model);
  await assertNames(world);
}

function assertOnDisk(found: OnDisk, model: StoreModel): void {
  const ingests = [...model.namespaces.values()].flatMap(({ ingests: all }) => [...all.values()]);
  const own = ingests.filter(({ shares }) => shares === undefined).map(({ size }) => size);
  assert.equal(found.blobs, model.digests().size, 'blobs on disk');
  assert.deepEqual(found.ingests, own.sort(byNumber), 'ingests on disk');
  const layers = [...model.layers()].map(({ size }) => size).sort(byNumber);
  assert.deepEqual(found.layers, layers, 'layers on disk');
}

/** The names and what they say, by the stores' own lists. */
async function assertNames({ stores, model }: World): Promise<void> {
  for (const namespace of NAMESPACES) {
    const here = model.in(namespace);
    const scope = { namespace };
    const content: (readonly [string, object])[] = [];
    for await (const { digest, labels } of stores.content(scope).list()) content.push([digest, labels]);
    assert.deepEqual(new Map(content), here.content);
    const images = await stores.images(scope).list();
    assert.deepEqual(
      new Map(images.map(({ name, target, labels }) => [name, { target: target.digest, labels }])),
      here.images,
    );
    const snapshots = await stores.snapshots(scope).list();
    const expected = [...here.snapshots].map(([name, { kind, parent, labels }]) => ({ name, kind, parent, labels }));
    assert.deepEqual(
      snapshots.map(({ name, kind, parent, labels }) => ({ name, kind, parent, labels })),
      expected.sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
    const refs = (await stores.content(scope).statuses()).map(({ ref }) => ref);
    assert.deepEqual(refs, [...here.ingests.keys()].sort());
    for (const lease of await stores.leases(scope).list()) {
      assert.deepEqual(lease.labels, here.leases.get(lease.id)?.labels);
      assert.equal((await stores.leases(scope).resources(lease.id)).length, here.leases.get(lease.id)?.resources.size);
    }
  }
}

/** Every object that is left has a way down from each root that keeps it, and each step of it is true. */
async function assertExplained(world: World): Promise<void> {
  const { model } = world;
  const usage = usageIn(world);
  for (const namespace of NAMESPACES) {
    const roots = model.roots(namespace);
    const keeping = new Map(roots.map((root) => [root, model.keptBy(namespace, [root])]));
    for (const node of model.nodes(namespace)) {
      const found = (await usage.why(namespace, keyOf(node))).find(({ object }) => nodeOf(object) === node);
      assert.ok(found, `${node} is not known`);
      const owners = found.chains.map(({ links }) => links[0] && nodeOf(links[0].object));
      assert.deepEqual(owners.sort(), roots.filter((root) => keeping.get(root)?.has(node)).sort(), `roots of ${node}`);
      assert.notEqual(owners.length, 0);
      for (const { links } of found.chains) {
        const nodes = links.map(({ object }) => nodeOf(object));
        assert.equal(nodes.at(-1), node);
        for (const [at, owned] of nodes.entries()) {
          const owner = nodes[at - 1];
          if (owner !== undefined) assert.ok(model.keeps(namespace, owner, owned, false), `${owner} keeps ${owned}`);
        }
      }
    }
  }
}

/** The journal read from its beginning tells what there is now. */
async function assertReplayed({ stores, model }: World): Promise<void> {
  const there = new Set<string>();
  for (const { namespace, topic, fields } of await eventsOf(stores.metadata.journal)) {
    const at = (kind: string, key: unknown) => `${namespace} ${kind} ${String(key)}`;
    switch (topic) {
      case '/content/create':
        there.add(at('content', fields['digest']));
        break;
      case '/content/delete':
        assert.ok(there.delete(at('content', fields['digest'])));
        break;
      case '/images/create':
        there.add(at('image', fields['name']));
        break;
      case '/images/delete':
        assert.ok(there.delete(at('image', fields['name'])));
        break;
      case '/snapshot/prepare':
      case '/snapshot/view':
        there.add(at('snapshot', fields['key']));
        break;
      case '/snapshot/commit':
        // Layers that were unpacked come with their names at once.
        assert.ok(there.delete(at('snapshot', fields['key'])) || fields['key'] === fields['name']);
        there.add(at('snapshot', fields['name']));
        break;
      case '/snapshot/remove':
        assert.ok(there.delete(at('snapshot', fields['key'])));
    }
  }
  const real = NAMESPACES.flatMap((namespace) => {
    const { content, images, snapshots } = model.in(namespace);
    return [
      ...[...content.keys()].map((digest) => `${namespace} content ${digest}`),
      ...[...images.keys()].map((name) => `${namespace} image ${name}`),
      ...[...snapshots.keys()].map((name) => `${namespace} snapshot ${name}`),
    ];
  });
  assert.deepEqual([...there].sort(), real.sort());
}

async function eventsOf(journal: Journal) {
  const events: { namespace: string; topic: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const last = journal.last();
  if (last === 0) return events;
  for await (const each of journal.subscribe({ from: 1, signal: new AbortController().signal })) {
    const { namespace, topic, payload, sequence } = each;
    assert.equal(sequence, events.length + 1);
    events.push({ namespace, topic, fields: 'fields' in payload ? payload.fields : {} });
    if (sequence === last) break;
  }
  return events;
}

/** The sums of `df` are what is on disk, and removing an image frees what was told. */
async function assertUsage(world: World, root: string): Promise<void> {
  const usage = usageIn(world);
  for (const namespace of NAMESPACES) {
    const before = await lookAt(root);
    const { disk, images, total, garbage } = await usage.usage(namespace);
    assert.deepEqual([disk.blob.count, disk.blob.size], [before.blobs, before.blobBytes]);
    assert.deepEqual([disk.ingest.count, disk.ingest.size], [before.ingests.length, sum(before.ingests)]);
    assert.equal(disk.layer.count + disk.writable.count, before.layers.length);
    assert.equal(disk.layer.size + disk.writable.size, sum(before.layers));
    assert.equal(garbage, 0);
    assert.equal(total.packed + total.unpacked, total.shared + total.unique);
    assert.deepEqual(
      images.map(({ name }) => name),
      [...world.model.in(namespace).images.keys()].sort(),
    );
  }
  for (const namespace of NAMESPACES) {
    for (const name of [...world.model.in(namespace).images.keys()]) {
      const image = (await usage.usage(namespace)).images.find((each) => each.name === name);
      if (!image) continue; // kept by one that was removed before
      const before = await lookAt(root);
      await world.stores.images({ namespace }).delete(name);
      world.model.in(namespace).images.delete(name);
      await collect(world, root);
      assert.equal(totalOf(before) - totalOf(await lookAt(root)), image.reclaimable, `reclaimable of ${name}`);
    }
  }
}

async function run({ steps, large }: Run): Promise<void> {
  await using down = new Teardown();
  let { path: root } = down.own(await tempDir());
  const open = (path: string) => openLocalStores(path, large ? { ...QUIET, marking } : QUIET);
  const world: World = { stores: await open(root), model: new StoreModel(NAMESPACES, SNAPSHOTTER) };
  try {
    for (const step of steps) {
      if (step === 'collect') await collect(world, root);
      else if (step === 'restart' || step === 'kill') {
        const before = root;
        if (step === 'kill') {
          root = down.own(await tempDir()).path;
          await output('cp', ['-a', `${before}/.`, root]);
        }
        await world.stores[Symbol.asyncDispose]();
        world.stores = await open(root);
        world.model.restart();
      } else await perform(world, step);
    }
    await collect(world, root);
    await assertExplained(world);
    await assertReplayed(world);
    await assertUsage(world, root);
  } finally {
    await world.stores[Symbol.asyncDispose]();
  }
}

test('random operations, collections, restarts and kills: what is left is what is reachable, explained, and counted', async () => {
  const steps = fc
    .tuple(
      operations(SNAPSHOTTER, OPERATIONS),
      fc.array(fc.tuple(fc.nat(OPERATIONS), fc.constantFrom('collect', 'restart', 'kill')), {
        maxLength: 5,
      }),
    )
    .map(([list, breaks]) => {
      const all: Step[] = [...list];
      for (const [at, step] of breaks) all.splice(at, 0, step);
      return all;
    });
  await fc.assert(fc.asyncProperty(fc.record({ steps, large: fc.boolean() }), run), RUNS);
});

test('an ingest that shares a blob is begun for another one: what only it had kept is collected', async () => {
  const plain = { lease: 0, labels: {} };
  const put: Step = { verb: 'putContent', namespace: 'one', a: 0, b: 1, ...plain };
  const share: Step = { verb: 'beginIngest', namespace: 'two', a: 13, b: 18, ...plain };
  const again: Step = { verb: 'beginIngest', namespace: 'two', a: 7, b: 15, ...plain };
  await run({ steps: [put, share, 'collect', again], large: true });
});
