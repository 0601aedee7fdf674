import { join } from 'node:path';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import type { ContainerStore } from '../../src/core/containers/container-store.js';
import type { BlobStore } from '../../src/core/content/blob-store.js';
import type { ContentStore } from '../../src/core/content/content-store.js';
import type { ImageStore } from '../../src/core/images/image-store.js';
import type { LeaseStore } from '../../src/core/leases/lease-store.js';
import type { NamespaceStore } from '../../src/core/namespaces/namespace-store.js';
import type { Scoped } from '../../src/core/namespaces/scope.js';
import type { Snapshotter } from '../../src/core/snapshots/snapshotter.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata, type Metadata, type MetadataOptions } from '../../src/drivers/metadata-sqlite/metadata.js';
import type { Digest } from '../../src/spec/digest.js';
import { PlainBackend } from './plain-backend.js';

/** The stores that the suites test, of one daemon or of none. */
export interface Stores extends AsyncDisposable {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<ImageStore>;
  readonly containers: Scoped<ContainerStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly snapshots: Scoped<Snapshotter>;
  readonly namespaces: NamespaceStore;
}

/** How a suite comes by its stores: opened on a folder, where what a former opening left is found again. */
export type OpenStores = (root: string) => Promise<Stores>;

export interface LocalStores extends Stores {
  readonly metadata: Metadata;
  readonly blobs: LocalBlobs;
  readonly backend: PlainBackend;
}

/** The stores on disk, with plain directories for snapshots. */
export function openLocalStores(root: string, options: Partial<MetadataOptions> = {}): Promise<LocalStores> {
  return Teardown.build(async (down) => {
    const blobs = await LocalBlobs.open(join(root, 'content'));
    const backend = await PlainBackend.open(root);
    const path = join(root, 'meta.db');
    const metadata = down.own(await openMetadata({ path, blobs, backends: [backend], log: SILENT, ...options }));
    const snapshots = metadata.snapshotters.get(backend.name);
    if (!snapshots) throw new Error(`no snapshotter ${backend.name}`);
    const { content, images, containers, leases, namespaces } = metadata;
    return {
      ...{ content, images, containers, leases, namespaces, snapshots, metadata, blobs, backend },
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

/** Every blob and every ingest on disk. */
export async function filesOf(store: Pick<BlobStore, 'blobs' | 'ingests'>) {
  const blobs: Digest[] = [];
  for await (const digest of store.blobs()) blobs.push(digest);
  return { blobs, ingests: await store.ingests() };
}
