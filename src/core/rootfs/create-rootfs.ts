import { DaemonError } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, mediaTypeInDocument } from '../../spec/document.js';
import { LABELS } from '../../spec/labels.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import type { Platform } from '../../spec/platform.js';
import type { BlobFiles } from '../content/blob-files.js';
import type { ContentStore } from '../content/content-store.js';
import type { Applier, ApplyLimits } from '../diff/applier.js';
import type { Differ } from '../diff/differ.js';
import type { WorkerPool } from '../diff/worker-pool.js';
import { readDocument } from '../images/handlers/children.js';
import { readImage } from '../images/handlers/image-manifest.js';
import type { DirectoryFiles } from '../kernel/directory-files.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';
import { isLayered, type Snapshotter } from '../snapshots/snapshotter.js';
import { ChainUnpacking } from './chain-unpacking.js';
import { MountedUnpacking } from './mounted-unpacking.js';
import { LayerFlights } from './layer-flights.js';
import type { Rootfs, UnpackedManifest, Unpacking, UnpackRequest } from './rootfs.js';

/** What the root file systems are made with. */
export interface RootfsParts {
  readonly content: Scoped<ContentStore>;
  readonly blobFiles: BlobFiles;
  /** @throws not-found: no snapshotter of that name. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
  /** Where those snapshotters keep their files; their names are the snapshotters' names. */
  readonly backends: readonly SnapshotBackend[];
  readonly defaultSnapshotter: string;
  readonly files: DirectoryFiles;
  readonly applier: Applier;
  /** Its workers know the tasks of layer-tasks.ts. */
  readonly pool: WorkerPool;
  readonly limits: ApplyLimits;
  /** For snapshotters that take layers by mounts only. */
  readonly differ?: Pick<Differ, 'apply'>;
  /** The host's. */
  readonly platform: Platform;
}

/** Makes the one Rootfs of a daemon: layers under way are shared among all its callers. */
export function createRootfs(parts: RootfsParts): Rootfs {
  const { pool, applier, limits, files } = parts;
  const homes = new Map(
    parts.backends.map((backend) => [
      backend.name,
      { flights: new LayerFlights({ backend, files, applier, pool, limits }), naming: new Semaphore(1) },
    ]),
  );
  const nameOf = (wanted = '') => (wanted === '' ? parts.defaultSnapshotter : wanted);
  const unpack = async (scope: Scope, request: UnpackRequest): Promise<Unpacking> => {
    if (request.layers.length !== request.diffIds.length) {
      throw new DaemonError(
        'invalid-argument',
        `the image has ${request.layers.length} layers and its config ${request.diffIds.length} diff IDs: it is broken`,
      );
    }
    request.signal?.throwIfAborted();
    const snapshotterName = nameOf(request.snapshotter);
    const snapshotter = parts.snapshots(scope, snapshotterName);
    if (!isLayered(snapshotter) && parts.differ) {
      return await MountedUnpacking.begin({ scope, snapshotterName, snapshotter, differ: parts.differ }, request);
    }
    const home = homes.get(snapshotterName);
    if (!home || !isLayered(snapshotter))
      throw new DaemonError('unimplemented', `snapshotter ${snapshotterName} takes no layers of ours`);
    return await ChainUnpacking.begin(
      { ...home, snapshotterName, snapshotter, scope, blobFiles: parts.blobFiles },
      request,
    );
  };
  return {
    mayHaveLayers: (snapshotter) => !homes.has(nameOf(snapshotter)),
    unpack,
    unpackManifest: (scope, target, options = {}) => unpackManifest(parts, unpack, scope, target, options),
    prepare: async (scope, { key, chainId, readonly = false, snapshotter, labels }) => {
      const home = parts.snapshots(scope, nameOf(snapshotter));
      return readonly ? await home.view(key, chainId, labels) : await home.prepare(key, chainId, labels);
    },
    mounts: async (scope, key, snapshotter) => await parts.snapshots(scope, nameOf(snapshotter)).mounts(key),
  };
}

type ManifestOptions = NonNullable<Parameters<Rootfs['unpackManifest']>[2]>;

async function unpackManifest(
  parts: RootfsParts,
  unpack: Rootfs['unpack'],
  scope: Scope,
  target: Digest,
  { platform = parts.platform, ...options }: ManifestOptions,
): Promise<UnpackedManifest> {
  const content = parts.content(scope);
  const stored = await readImage(content, await describe(content, target, options.signal), platform, options.signal);
  const { layers, config } = stored.manifest;
  const { diffIds } = stored.config;
  await using unpacking = await unpack(scope, {
    ...{ layers, diffIds, image: { name: target, manifest: stored.target.digest } },
    ...options,
  });
  for (const layer of layers) {
    if (!unpacking.needs(layer)) continue;
    await content.info(layer.digest);
    unpacking.ready(layer);
  }
  const chainId = await unpacking.finish();
  const { snapshotter } = unpacking;
  if (chainId !== undefined) {
    const key = `${LABELS.gcRefSnapshot}.${snapshotter}`;
    await content.update(config.digest, { [key]: chainId }, [`labels.${key}`]);
  }
  return { chainId, diffIds, manifest: stored.target, snapshotter };
}

/** The descriptor of a manifest or index that is known by its digest only. */
async function describe(content: ContentStore, digest: Digest, signal?: AbortSignal): Promise<Descriptor> {
  const { size } = await content.info(digest);
  if (size > DOCUMENT_BYTES_MAX) {
    throw new DaemonError('invalid-argument', `${digest} has ${size} bytes: it is no manifest and no index`);
  }
  const bytes = await readDocument(content, { mediaType: '', digest, size }, signal);
  return { mediaType: mediaTypeInDocument(bytes, digest) ?? MEDIA_TYPES.ociManifest, digest, size };
}
