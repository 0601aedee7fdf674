import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { ErrorKind } from '../../src/base/errors.js';
import type { LeaseResource } from '../../src/core/leases/lease-store.js';
import type { AppliedLayer, LayeredSnapshotter } from '../../src/core/snapshots/snapshotter.js';
import type { Scope } from '../../src/core/namespaces/scope.js';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from './assert-kind.js';
import { keyOf, type ModelLease, type ModelNamespace, type StoreModel } from './store-model.js';
import type { LocalStores } from './stores.js';

export const NAMESPACES = ['one', 'two'] as const;
const TEXTS = Array.from({ length: 6 }, (_, at) => `text ${at} `.repeat(at + 1));
const DIGESTS = TEXTS.map((text) => digestOf(text));
const KEYS = ['key-0', 'key-1', 'key-2', 'name-0', 'name-1', 'chain-0', 'chain-1', 'chain-2'] as const;
const CHAIN = ['chain-0', 'chain-1', 'chain-2'] as const;
const IMAGES = ['image-0', 'image-1', 'image-2'] as const;
const CONTAINERS = ['box-0', 'box-1'] as const;
const LEASES = ['lease-0', 'lease-1', 'lease-2'] as const;
const REFS = ['ref-0', 'ref-1'] as const;
const PAST = '2020-01-01T00:00:00Z';
const FUTURE = '2999-01-01T00:00:00Z';

/** What operations act on: the stores and what they should be. `stores` is another after a restart. */
export interface World {
  stores: LocalStores;
  readonly model: StoreModel;
}

/** One random operation; what the numbers mean is the operation's matter. */
export interface Operation {
  readonly verb: keyof typeof VERBS;
  readonly namespace: (typeof NAMESPACES)[number];
  readonly a: number;
  readonly b: number;
  readonly lease: number;
  readonly labels: Readonly<Record<string, string>>;
}

interface Call extends Operation {
  readonly world: World;
  readonly here: ModelNamespace;
  /** With one of the leases that there are, or none. */
  readonly scope: Scope;
  readonly leased: ModelLease | undefined;
}

function pick<T>(from: readonly T[], at: number): T {
  const found = from[at % from.length];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

/** Labels of all the kinds that the collector reads, on names that may be there or not. */
function labelsFor(snapshotter: string): fc.Arbitrary<Readonly<Record<string, string>>> {
  const label = fc.oneof(
    fc.constantFrom<[string, string]>(
      ['root', 'x'],
      ['root', 'x'],
      ['expire', PAST],
      ['expire', FUTURE],
      ['flat', 'x'],
    ),
    fc.tuple(fc.constantFrom('ref.content', 'bref.content'), fc.constantFrom<string>(...DIGESTS)),
    fc.tuple(fc.constantFrom('ref.image', 'bref.image'), fc.constantFrom<string>(...IMAGES)),
    fc.tuple(
      fc.constantFrom(`ref.snapshot.${snapshotter}`, `bref.snapshot.${snapshotter}`),
      fc.constantFrom<string>(...KEYS),
    ),
    fc.tuple(fc.constant('bref.container'), fc.constantFrom<string>(...CONTAINERS)),
  );
  return fc
    .array(label, { maxLength: 2 })
    .map((labels) => Object.fromEntries(labels.map(([key, value]) => [`containerd.io/gc.${key}`, value])));
}

/** Without more of these, little is there to be kept or collected. */
const MAKERS = ['putContent', 'labelContent', 'putImage', 'createLease', 'prepare', 'commit', 'adopt'] as const;

export function operations(snapshotter: string, maxLength: number): fc.Arbitrary<readonly Operation[]> {
  const operation = fc.record({
    verb: fc.oneof(
      { arbitrary: fc.constantFrom(...ALL_VERBS), weight: 1 },
      { arbitrary: fc.constantFrom(...MAKERS), weight: 2 },
    ),
    namespace: fc.constantFrom(...NAMESPACES),
    a: fc.nat(23),
    b: fc.nat(23),
    lease: fc.nat(5),
    labels: labelsFor(snapshotter),
  });
  return fc.array(operation, { minLength: Math.floor(maxLength / 4), maxLength, size: 'max' });
}

/** Does an operation on the stores, checks its outcome against the model's, and does it there too. */
export async function perform(world: World, operation: Operation): Promise<void> {
  const here = world.model.in(operation.namespace);
  const id = LEASES[operation.lease];
  const leased = id === undefined ? undefined : here.leases.get(id);
  const scope = { namespace: operation.namespace, ...(leased && id !== undefined ? { lease: id } : {}) };
  await VERBS[operation.verb]({ ...operation, world, here, scope, leased });
}

async function expect(work: Promise<unknown>, refusal: ErrorKind | undefined): Promise<boolean> {
  if (refusal === undefined) await work;
  else await assertRejectsWithKind(work, refusal);
  return refusal === undefined;
}

const VERBS = {
  putContent,
  deleteContent: async ({ world, here, scope, leased, a }: Call) => {
    const digest = pick(DIGESTS, a);
    const known = here.content.has(digest);
    if (!(await expect(world.stores.content(scope).delete(digest), known ? undefined : 'not-found'))) return;
    here.content.delete(digest);
    leased?.resources.delete(`content ${digest}`);
  },
  labelContent: async ({ world, here, scope, a, labels }: Call) => {
    const digest = pick(DIGESTS, a);
    const work = world.stores.content(scope).update(digest, labels);
    if (await expect(work, here.content.has(digest) ? undefined : 'not-found')) here.content.set(digest, labels);
  },
  beginIngest,
  abortIngest: async ({ world, here, scope, leased, a }: Call) => {
    const ref = pick(REFS, a);
    const work = world.stores.content(scope).abort(ref);
    if (!(await expect(work, here.ingests.has(ref) ? undefined : 'not-found'))) return;
    here.ingests.delete(ref);
    leased?.resources.delete(`ingest ${ref}`);
  },
  putImage: async ({ world, here, scope, leased, a, b, labels }: Call) => {
    const [name, target] = [pick(IMAGES, a), pick(DIGESTS, b)];
    await world.stores.images(scope).put({ name, labels, target: { mediaType: 'm', digest: target, size: 1 } });
    here.images.set(name, { target, labels });
    if ('containerd.io/gc.expire' in labels) leased?.resources.add(`image ${name}`);
  },
  deleteImage: async ({ world, here, scope, leased, a }: Call) => {
    const name = pick(IMAGES, a);
    const work = world.stores.images(scope).delete(name);
    if (!(await expect(work, here.images.has(name) ? undefined : 'not-found'))) return;
    here.images.delete(name);
    leased?.resources.delete(`image ${name}`);
  },
  createContainer: async ({ world, here, scope, a, b, labels }: Call) => {
    const [id, image, snapshot] = [pick(CONTAINERS, a), pick(IMAGES, b), pick(KEYS, b)];
    const spec = { typeUrl: 'x', value: Buffer.alloc(0) };
    const work = world.stores.containers(scope).create({
      ...{ id, labels, image, runtime: { name: 'r' }, spec, extensions: {}, sandbox: '' },
      ...{ snapshotter: world.model.snapshotter, snapshotKey: snapshot },
    });
    if (await expect(work, here.containers.has(id) ? 'already-exists' : undefined)) {
      here.containers.set(id, { image, snapshot, labels });
    }
  },
  deleteContainer: async ({ world, here, scope, a }: Call) => {
    const id = pick(CONTAINERS, a);
    const work = world.stores.containers(scope).delete(id);
    if (await expect(work, here.containers.has(id) ? undefined : 'not-found')) here.containers.delete(id);
  },
  createLease: async ({ world, here, namespace, a, b, labels }: Call) => {
    const id = pick(LEASES, a);
    const operation = b % 4 === 0;
    const work = world.stores.leases({ namespace }).create({ id, labels }, operation);
    if (await expect(work, here.leases.has(id) ? 'already-exists' : undefined)) {
      here.leases.set(id, { labels, operation, resources: new Set(), layers: new Set() });
    }
  },
  deleteLease: async ({ world, here, namespace, a }: Call) => {
    const id = pick(LEASES, a);
    const work = world.stores.leases({ namespace }).delete(id);
    if (await expect(work, here.leases.has(id) ? undefined : 'not-found')) here.leases.delete(id);
  },
  changeResource: async ({ world, here, namespace, a, b }: Call) => {
    const id = pick(LEASES, a);
    const lease = here.leases.get(id);
    const node = pick(
      [
        ...DIGESTS.map((each) => `content ${each}`),
        ...IMAGES.map((each) => `image ${each}`),
        ...KEYS.map((each) => `snapshot ${each}`),
      ],
      b,
    );
    const leases = world.stores.leases({ namespace });
    const resource = resourceOf(world.model.snapshotter, node);
    const has = lease?.resources.has(node) === true;
    const work = has ? leases.deleteResource(id, resource) : leases.addResource(id, resource);
    if (!(await expect(work, lease ? undefined : 'not-found'))) return;
    if (has) lease.resources.delete(node);
    else lease?.resources.add(node);
  },
  prepare: (call: Call) => makeSnapshot(call, 'active'),
  view: (call: Call) => makeSnapshot(call, 'view'),
  commit: commitSnapshot,
  labelSnapshot: async ({ world, here, scope, a, labels }: Call) => {
    const key = pick(KEYS, a);
    const former = here.snapshots.get(key);
    const work = world.stores.snapshots(scope).update(key, labels);
    if ((await expect(work, former ? undefined : 'not-found')) && former)
      here.snapshots.set(key, { ...former, labels });
  },
  removeSnapshot: async ({ world, here, scope, leased, a }: Call) => {
    const key = pick(KEYS, a);
    const children = [...here.snapshots.values()].some(({ parent }) => parent === key);
    const refusal = !here.snapshots.has(key) ? 'not-found' : children ? 'failed-precondition' : undefined;
    if (!(await expect(world.stores.snapshots(scope).remove(key), refusal))) return;
    here.snapshots.delete(key);
    leased?.resources.delete(`snapshot ${key}`);
  },
  adopt: adoptChain,
} satisfies Record<string, (call: Call) => Promise<void>>;

const ALL_VERBS = Object.keys(VERBS) as (keyof typeof VERBS)[];

function resourceOf(snapshotter: string, node: string): LeaseResource {
  const id = keyOf(node);
  if (node.startsWith('snapshot ')) return { type: `snapshots/${snapshotter}`, id };
  return { type: node.startsWith('image ') ? 'images' : 'content', id };
}

/** By its digest where `b` says so, so that bytes of the other namespace are shared. */
async function putContent({ world, here, scope, leased, a, b, labels }: Call): Promise<void> {
  const text = pick(TEXTS, a);
  const digest = digestOf(text);
  const work = async () => {
    const expected = b % 2 === 0 ? {} : { digest };
    await using writer = await world.stores.content(scope).writer(`put ${digest}`, expected);
    if (writer.status().offset === 0) await writer.write(Buffer.from(text));
    await writer.commit({}, labels);
  };
  const known = here.content.has(digest);
  leased?.resources.add(`content ${digest}`);
  if (await expect(work(), known ? 'already-exists' : undefined)) here.content.set(digest, labels);
}

const WHOLE = 100;

async function beginIngest({ world, here, scope, leased, a, b, lease }: Call): Promise<void> {
  const ref = pick(REFS, a);
  const byDigest = lease % 2 === 0;
  const digest = pick(DIGESTS, b);
  const shares = byDigest && world.model.digests().has(digest) && isNamed(world.model, digest) ? digest : undefined;
  const refused = byDigest && here.content.has(digest);
  let size = 0;
  const work = async () => {
    await using writer = await world.stores.content(scope).writer(ref, byDigest ? { digest } : { size: WHOLE });
    if (!shares) await writer.write(Buffer.alloc(b + 1));
    size = shares ? 0 : writer.status().offset;
  };
  if (refused) leased?.resources.add(`content ${digest}`);
  if (!(await expect(work(), refused ? 'already-exists' : undefined))) return;
  leased?.resources.add(`ingest ${ref}`);
  here.ingests.set(ref, { held: leased === undefined, size, ...(shares ? { shares } : {}) });
}

/** Whether any namespace has the content; an ingest that shares it is not enough for others to share it. */
function isNamed(model: StoreModel, digest: Digest): boolean {
  return [...model.namespaces.values()].some(({ content }) => content.has(digest));
}

function refusalOfCreate({ here }: Call, key: string, parent: string): ErrorKind | undefined {
  if (here.snapshots.has(key)) return 'already-exists';
  if (parent === '') return undefined;
  const under = here.snapshots.get(parent);
  if (!under) return 'not-found';
  return under.kind === 'committed' ? undefined : 'invalid-argument';
}

async function makeSnapshot(call: Call, kind: 'active' | 'view'): Promise<void> {
  const { world, here, scope, leased, a, b, labels } = call;
  const key = pick(KEYS.slice(0, 3), a);
  const parent = b % 3 === 0 ? '' : pick(KEYS, b);
  const refusal = refusalOfCreate(call, key, parent);
  if (refusal === 'already-exists') leased?.resources.add(`snapshot ${key}`);
  const snapshots = world.stores.snapshots(scope);
  const work = kind === 'active' ? snapshots.prepare(key, parent, labels) : snapshots.view(key, parent, labels);
  if (!(await expect(work, refusal))) return;
  leased?.resources.add(`snapshot ${key}`);
  const layer = { size: 0 };
  here.snapshots.set(key, { kind, parent, layer, labels, chained: false });
  const source = (await work)[0]?.source;
  if (kind === 'view' || source === undefined) return;
  layer.size = b * 10 + 1;
  await writeFile(join(source, 'file'), Buffer.alloc(layer.size));
}

async function commitSnapshot({ world, here, scope, leased, a, b, labels }: Call): Promise<void> {
  const [key, name] = [pick(KEYS.slice(0, 3), a), pick(KEYS.slice(3, 5), b)];
  const former = here.snapshots.get(key);
  const refusal = here.snapshots.has(name)
    ? 'already-exists'
    : !former
      ? 'not-found'
      : former.kind !== 'active'
        ? 'failed-precondition'
        : undefined;
  if (refusal === 'already-exists') leased?.resources.add(`snapshot ${name}`);
  if (!(await expect(world.stores.snapshots(scope).commit(name, key, labels), refusal)) || !former) return;
  here.snapshots.delete(key);
  here.snapshots.set(name, { ...former, kind: 'committed', labels });
  leased?.resources.delete(`snapshot ${key}`);
  leased?.resources.add(`snapshot ${name}`);
}

/** The first layers of the chain, as an unpacking names them: those that any namespace has are not made again. */
async function adoptChain({ world, here, scope, leased, a, b, labels }: Call): Promise<void> {
  const names = CHAIN.slice(0, 1 + (a % CHAIN.length));
  const snapshots = world.stores.snapshots(scope) as LayeredSnapshotter;
  const known = await snapshots.known(names);
  const layers: AppliedLayer[] = [];
  for (const [at, name] of names.entries()) {
    const found = known.get(name);
    const shared = world.model.chained(name);
    if ((found === undefined) !== (shared === undefined)) throw new Error(`layer ${name}: the model knows better`);
    if (shared) leased?.layers.add(shared);
    const layerId = found ?? (await newLayer(world, snapshots, b + at));
    const parent = names[at - 1] ?? '';
    layers.push({ name, parent, layerId, labels, usage: { size: b + at, inodes: 2 } });
    leased?.resources.add(`snapshot ${name}`);
    if (here.snapshots.has(name)) continue;
    const layer = shared ?? { size: b + at };
    here.snapshots.set(name, { kind: 'committed', parent, layer, labels, chained: true });
  }
  await snapshots.adopt(layers);
}

async function newLayer({ stores }: World, snapshots: LayeredSnapshotter, size: number): Promise<number> {
  const id = await snapshots.newLayer();
  await stores.backend.create(id, { writable: false, parents: [] });
  await writeFile(join(stores.backend.filesOf(id), 'file'), Buffer.alloc(size));
  return id;
}
