import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../base/logger.js';
import type { Teardown } from '../base/teardown.js';
import type { ApplyLimits } from '../core/diff/applier.js';
import { createComparer, type Comparer } from '../core/diff/comparer.js';
import { createDiffer, type Differ } from '../core/diff/differ.js';
import { Scratch } from '../core/diff/scratch.js';
import type { Marked } from '../core/gc/unreachable.js';
import { pooledApplier } from '../core/diff/pooled-applier.js';
import type { WorkerPool } from '../core/diff/worker-pool.js';
import type { Kernel } from '../core/kernel/kernel.js';
import type { Scope } from '../core/namespaces/scope.js';
import { type BlobFiles, createBlobFiles } from '../core/content/blob-files.js';
import type { BlobStore } from '../core/content/blob-store.js';
import type { LayerWorkshop } from '../core/rootfs/layer-flight.js';
import { EarlyFlush } from '../core/rootfs/early-flush.js';
import { createRootfs } from '../core/rootfs/create-rootfs.js';
import { createMountedImages, type MountedImages } from '../core/rootfs/mounted-images.js';
import type { Rootfs } from '../core/rootfs/rootfs.js';
import { canMapOwners } from '../core/snapshots/probe-mapping.js';
import type { SnapshotBackend } from '../core/snapshots/snapshot-backend.js';
import { isLayered, type LayeredSnapshotter, type Snapshotter } from '../core/snapshots/snapshotter.js';
import { DaemonError } from '../base/errors.js';
import { LocalBlobs } from '../drivers/content-local/local-blobs.js';
import { MARKED_AT_ONCE } from '../drivers/metadata-sqlite/marking.js';
import { openMetadata, type Metadata } from '../drivers/metadata-sqlite/metadata.js';
import { openNativeBackend } from '../drivers/snapshot-native/native-backend.js';
import { openOverlayBackend } from '../drivers/snapshot-overlay/overlay-backend.js';
import { platformOfNode } from '../spec/platform.js';
import { openWorkerPool } from '../drivers/worker-pool/worker-pool.js';
import type { Config } from './config.js';
import { openProxyPlugins, type ProxyPlugins } from './proxy-plugins.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** What keeps images, layers and metadata. */
export interface Stores {
  readonly metadata: Metadata;
  readonly backends: readonly SnapshotBackend[];
  /** Names of those whose files the kernel can show with mapped owners. */
  readonly mapsOwners: ReadonlySet<string>;
  readonly rootfs: Rootfs;
  readonly differ: Differ;
  readonly comparer: Comparer;
  readonly mounted: MountedImages;
  readonly pool: WorkerPool;
  /** @param name Empty for the daemon's default. @throws not-found: no such snapshotter. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
  /** @throws unimplemented: it is one of another program. */
  readonly layered: (scope: Scope, name: string) => LayeredSnapshotter;
  readonly plugins: ProxyPlugins;
  readonly blobFiles: BlobFiles;
  /** Where the bytes of content are, in words of the introspection service. */
  readonly contentPlugin: { readonly name: string; readonly exports: Readonly<Record<string, string>> };
  readonly blobs: BlobStore;
  /** What unpacking a layer for a snapshotter takes. */
  readonly workshopOf: (snapshotter: string) => LayerWorkshop;
}

/** Opens the stores below `config.root`; each adds its closing to `down`. */
export async function openStores(config: Config, kernel: Kernel, log: Logger, down: Teardown): Promise<Stores> {
  const { root } = config;
  const size = config.pull.unpack_workers ?? availableParallelism();
  const pool = down.own(openWorkerPool(new URL('./worker.js', import.meta.url), size));
  const parts = { pool, files: kernel.files, disks: kernel.disks };
  const backends = [
    await openOverlayBackend({ ...parts, root: join(root, 'overlayfs') }),
    await openNativeBackend({ ...parts, root: join(root, 'native') }),
  ];
  const own = backends.map(({ name }) => name);
  const plugins = down.own(await openProxyPlugins(config, own));
  const known = [...own, ...plugins.snapshotters.map(({ name }) => name)];
  if (!known.includes(config.snapshotter)) throw noSnapshotter(config.snapshotter, known);
  const marker = down.own(openWorkerPool(new URL('./worker.js', import.meta.url), 1));
  const contentRoot = join(root, 'content');
  const blobs = plugins.content?.blobs ?? (await LocalBlobs.open(contentRoot));
  const contentPlugin = plugins.content
    ? { name: plugins.content.name, exports: { address: plugins.content.address } }
    : { name: 'content', exports: { root: contentRoot } };
  const metadata = down.own(
    await openMetadata({
      path: join(root, 'meta.db'),
      blobs,
      backends,
      proxied: plugins.snapshotters,
      log,
      marking: { atOnce: MARKED_AT_ONCE, mark: (task, signal) => marker.run<Marked>(task, { signal }) },
      sharing: config.content.sharing,
      collectIntervalMs: config.gc.interval * 1000,
      retention: { events: config.journal.events, ageMs: config.journal.days * DAY_MS },
    }),
  );
  const snapshots = (scope: Scope, name: string) => {
    const wanted = name === '' ? config.snapshotter : name;
    const found = metadata.snapshotters.get(wanted) ?? metadata.proxied.get(wanted);
    if (!found) throw noSnapshotter(wanted, known);
    return found(scope);
  };
  const layered = (scope: Scope, name: string) => {
    const snapshotter = snapshots(scope, name);
    if (isLayered(snapshotter)) return snapshotter;
    throw new DaemonError(
      'unimplemented',
      `snapshotter ${name} is one of another program, which has no directories here`,
    );
  };
  const applier = pooledApplier(pool);
  const limits = applyLimits(config.limits);
  const spool = new Scratch(join(root, 'spool'), kernel.mounts);
  await spool.clean();
  const blobFiles = createBlobFiles(metadata.content, () => spool.path());
  const differ = createDiffer({
    blobFiles,
    applier,
    pool,
    kernel,
    limits,
    scratch: join(root, 'apply'),
  });
  const rootfs = createRootfs({
    content: metadata.content,
    blobFiles,
    snapshots,
    backends,
    defaultSnapshotter: config.snapshotter,
    files: kernel.files,
    applier,
    pool,
    limits,
    differ,
    platform: platformOfNode(process.arch),
  });
  await differ.clean();
  const workshopOf = (snapshotter: string): LayerWorkshop => {
    const backend = backends.find(({ name }) => name === snapshotter);
    if (!backend) throw new DaemonError('not-found', `snapshotter ${snapshotter} is not there`);
    return { backend, files: kernel.files, applier, pool, limits, earlyFlush: new EarlyFlush(backend) };
  };
  const comparer = createComparer({
    content: metadata.content,
    pool,
    mounts: kernel.mounts,
    scratch: join(root, 'compare'),
  });
  await comparer.clean();
  const mounted = createMountedImages({
    ...metadata,
    rootfs,
    snapshots,
    snapshotters: known,
    defaultSnapshotter: config.snapshotter,
    platform: platformOfNode(process.arch),
    mounts: kernel.mounts,
    log,
  });
  await mounted.recover();
  const mapsOwners = new Set<string>();
  for (const backend of backends) if (await canMapOwners(kernel.mounts, backend)) mapsOwners.add(backend.name);
  return {
    metadata,
    backends,
    mapsOwners,
    rootfs,
    differ,
    comparer,
    mounted,
    pool,
    snapshots,
    layered,
    plugins,
    blobFiles,
    contentPlugin,
    blobs,
    workshopOf,
  };
}

function applyLimits(settings: Config['limits']): ApplyLimits {
  return {
    maxBytes: settings.layer_bytes,
    maxEntries: settings.layer_entries,
    maxRatio: settings.layer_ratio,
    ratioFloorBytes: settings.layer_ratio_floor,
    maxPathBytes: settings.layer_path_bytes,
    maxPathDepth: settings.layer_depth,
    maxPaxBytes: settings.layer_pax_bytes,
  };
}

function noSnapshotter(name: string, known: readonly string[]): DaemonError {
  return new DaemonError('not-found', `snapshotter ${name} is not there: use one of ${known.join(', ')}`);
}
