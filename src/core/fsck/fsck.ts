import { isThere } from '../../base/directory.js';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import { algorithmOf, hasherOf, hexOf, type Digest } from '../../spec/digest.js';
import type { BlobReader, ContentStore } from '../content/content-store.js';
import type { WorkerPool } from '../diff/worker-pool.js';
import type { NamespaceStore } from '../namespaces/namespace-store.js';
import type { Scoped } from '../namespaces/scope.js';
import type { RemoteOptions } from '../remotes/remotes.js';
import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';
import type { BlobRepair } from './blob-repair.js';
import { inventoryOf } from './inventory-file.js';
import type { LayerRecord } from './layer-record.js';
import type { LayerRepair } from './layer-repair.js';
import type { CheckTreeTask, HashFileTask } from './tree-tasks.js';

export interface Finding {
  readonly kind: 'blob' | 'layer';
  /** Digest of a blob, chain ID of a layer. */
  readonly name: Digest;
  readonly namespaces: readonly string[];
  readonly snapshotter?: string;
  readonly problem: 'missing' | 'truncated' | 'altered';
  /** Of a layer: some of the paths that are not as they should be. */
  readonly paths: readonly string[];
  readonly pathCount: number;
  readonly repaired: boolean;
  /** Why not. */
  readonly reason?: string;
}

export interface FsckSummary {
  readonly blobs: number;
  readonly layers: number;
  /** Without an inventory. */
  readonly uncheckedLayers: number;
  readonly problems: number;
  readonly repaired: number;
}

export type FsckReport =
  | { readonly part: 'progress'; readonly checked: number; readonly total: number }
  | { readonly part: 'finding'; readonly finding: Finding }
  | { readonly part: 'summary'; readonly summary: FsckSummary };

export interface FsckParts {
  readonly content: Scoped<ContentStore>;
  readonly namespaces: NamespaceStore;
  readonly layers: () => readonly LayerRecord[];
  readonly backends: readonly SnapshotBackend[];
  readonly pool: WorkerPool;
  readonly blobRepair: BlobRepair;
  readonly layerRepair: LayerRepair;
}

export interface FsckOptions {
  /** What is broken is fetched or unpacked again, from registries that are reached like this. */
  readonly repair?: RemoteOptions;
  readonly signal: AbortSignal;
}

export interface Fsck {
  /** Checks blobs, then layers, of all namespaces, one after another; the last report is the summary. */
  check(options: FsckOptions): AsyncIterable<FsckReport>;
}

const PATHS_TOLD = 20;

export function createFsck(parts: FsckParts): Fsck {
  return { check: (options) => checkAll(parts, options) };
}

async function* checkAll(parts: FsckParts, { repair, signal }: FsckOptions): AsyncGenerator<FsckReport> {
  const resolver = repair && parts.blobRepair.resolver(repair);
  const blobs = await blobsOf(parts, signal);
  const layers = parts.layers();
  const total = blobs.size + layers.length;
  let [checked, uncheckedLayers, problems, repaired] = [0, 0, 0, 0];
  const found = function* (finding: Finding): Generator<FsckReport> {
    problems += 1;
    if (finding.repaired) repaired += 1;
    yield { part: 'finding', finding };
  };
  for (const [digest, namespaces] of blobs) {
    signal.throwIfAborted();
    const finding = await checkBlob(parts, digest, namespaces, signal);
    if (finding) yield* found(resolver ? await repairBlob(parts, finding, { resolver, signal }) : finding);
    checked += 1;
    yield { part: 'progress', checked, total };
  }
  for (const layer of layers) {
    signal.throwIfAborted();
    const finding = await checkLayer(parts, layer, signal);
    if (finding === 'unchecked') uncheckedLayers += 1;
    else if (finding) yield* found(repair ? await repairLayer(parts, layer, finding, signal) : finding);
    checked += 1;
    yield { part: 'progress', checked, total };
  }
  const summary = { blobs: blobs.size, layers: layers.length, uncheckedLayers, problems, repaired };
  yield { part: 'summary', summary };
}

/** Namespaces by digest. */
async function blobsOf({ content, namespaces }: FsckParts, signal: AbortSignal): Promise<Map<Digest, string[]>> {
  const found = new Map<Digest, string[]>();
  for (const { name } of await namespaces.list()) {
    for await (const { digest } of content({ namespace: name }).list([], signal)) {
      const owners = found.get(digest);
      if (owners) owners.push(name);
      else found.set(digest, [name]);
    }
  }
  return found;
}

async function checkBlob(
  parts: FsckParts,
  digest: Digest,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const [namespace = ''] = namespaces;
  const problem = await problemOf(parts, parts.content({ namespace }), digest, signal);
  if (problem === undefined) return undefined;
  return { kind: 'blob', name: digest, namespaces, problem, paths: [], pathCount: 0, repaired: false };
}

async function problemOf(
  { pool }: FsckParts,
  content: ContentStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<Finding['problem'] | undefined> {
  try {
    await using blob = await content.open(digest, signal);
    return (await hashOf(pool, blob, signal)) === hexOf(digest) ? undefined : 'altered';
  } catch (error) {
    signal.throwIfAborted();
    // Deleted meanwhile.
    if (isKind(error, 'not-found')) return undefined;
    if (!isKind(error, 'data-loss')) throw error;
    return messageOf(error).includes('gone') ? 'missing' : 'truncated';
  }
}

async function hashOf(pool: WorkerPool, blob: BlobReader, signal: AbortSignal): Promise<string> {
  const algorithm = algorithmOf(blob.digest);
  if (blob.path !== undefined) {
    const task: HashFileTask = { kind: 'hash-file', path: blob.path, algorithm };
    return await pool.run<string>(task, { signal });
  }
  const hash = hasherOf(algorithm);
  for await (const { bytes } of blob.chunks({}, signal)) hash.update(bytes);
  return hash.digest('hex');
}

async function repairBlob(
  parts: FsckParts,
  finding: Finding,
  options: Parameters<BlobRepair['repair']>[2],
): Promise<Finding> {
  try {
    const { name, namespaces } = finding;
    await parts.blobRepair.repair(name, namespaces, options);
    const [namespace = ''] = namespaces;
    const left = await problemOf(parts, parts.content({ namespace }), name, options.signal);
    if (left === undefined) return { ...finding, repaired: true };
    const why = `it is ${left} even after it was fetched anew: the content store has kept its broken copy, remove that there`;
    throw new DaemonError('data-loss', why);
  } catch (error) {
    options.signal.throwIfAborted();
    return { ...finding, reason: messageOf(error) };
  }
}

async function checkLayer(
  parts: FsckParts,
  layer: LayerRecord,
  signal: AbortSignal,
): Promise<Finding | 'unchecked' | undefined> {
  const backend = backendOf(parts, layer);
  const { chainId: name, namespaces, snapshotter } = layer;
  const finding = { kind: 'layer', name, namespaces, snapshotter, repaired: false } as const;
  if (!(await isThere(backend.filesOf(layer.id)))) {
    return { ...finding, problem: 'missing', paths: [], pathCount: 0 };
  }
  const file = inventoryOf(backend, layer.id);
  if (!(await isThere(file))) return 'unchecked';
  const task: CheckTreeTask = { kind: 'check-tree', directory: backend.filesOf(layer.id), file };
  const paths = await differentPaths(parts, task, signal);
  if (paths === undefined) return { ...finding, problem: 'altered', paths: [], pathCount: 0 };
  if (paths.length === 0) return undefined;
  const told = paths.slice(0, PATHS_TOLD).map((path) => Buffer.from(path, 'latin1').toString());
  return { ...finding, problem: 'altered', paths: told, pathCount: paths.length };
}

/** Undefined: the inventory itself is damaged, as it is by the same accident as the tree. */
async function differentPaths(
  { pool }: FsckParts,
  task: CheckTreeTask,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    return await pool.run<readonly string[]>(task, { signal });
  } catch (error) {
    if (!isKind(error, 'data-loss')) throw error;
    return undefined;
  }
}

async function repairLayer(
  parts: FsckParts,
  layer: LayerRecord,
  finding: Finding,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    await parts.layerRepair.repair(layer, signal);
    return { ...finding, repaired: true };
  } catch (error) {
    signal.throwIfAborted();
    return { ...finding, reason: messageOf(error) };
  }
}

function backendOf({ backends }: FsckParts, { snapshotter }: LayerRecord): SnapshotBackend {
  const backend = backends.find(({ name }) => name === snapshotter);
  if (!backend) throw new DaemonError('not-found', `snapshotter ${snapshotter} is not there any more`);
  return backend;
}
