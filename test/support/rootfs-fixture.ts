import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isKind } from '../../src/base/errors.js';
import { SILENT } from '../../src/base/logger.js';
import { Teardown } from '../../src/base/teardown.js';
import { createBlobFiles } from '../../src/core/content/blob-files.js';
import { DEFAULT_LIMITS, type Applier, type ApplyLimits } from '../../src/core/diff/applier.js';
import { createComparer, type Comparer } from '../../src/core/diff/comparer.js';
import { createDiffer, type Differ } from '../../src/core/diff/differ.js';
import { pooledApplier } from '../../src/core/diff/pooled-applier.js';
import type { WorkerPool } from '../../src/core/diff/worker-pool.js';
import type { Mount } from '../../src/core/kernel/mounts.js';
import { createRootfs } from '../../src/core/rootfs/create-rootfs.js';
import type { Rootfs } from '../../src/core/rootfs/rootfs.js';
import type { SnapshotBackend } from '../../src/core/snapshots/snapshot-backend.js';
import type { LayeredSnapshotter } from '../../src/core/snapshots/snapshotter.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata, type Metadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import { openNativeBackend } from '../../src/drivers/snapshot-native/native-backend.js';
import { openOverlayBackend } from '../../src/drivers/snapshot-overlay/overlay-backend.js';
import { openWorkerPool } from '../../src/drivers/worker-pool/worker-pool.js';
import { createKernel } from '../../src/sys/kernel.js';
import { HOST_PLATFORM, type Image } from './image.js';
import { tempDir } from './temp-dir.js';
import { SOURCE_WORKER_URL } from './worker-url.js';

export const SCOPE = { namespace: 'test' };

/** The real stores, workers and snapshot directories below a folder, without a daemon around them. */
export interface RootfsFixture extends AsyncDisposable {
  readonly root: string;
  readonly rootfs: Rootfs;
  readonly differ: Differ;
  readonly comparer: Comparer;
  readonly metadata: Metadata;
  readonly pool: WorkerPool;
  readonly backends: ReadonlyMap<string, SnapshotBackend>;
  /** Tasks that the workers were given, by kind. */
  readonly tasks: Map<string, number>;
  snapshots(name?: string, namespace?: string): LayeredSnapshotter;
  /** Puts all of an image into the content store. */
  store(image: Image, namespace?: string): Promise<void>;
  /** Runs `use` with the mounts done at a folder, which it gets. */
  mounted<T>(mounts: readonly Mount[], use: (path: string) => Promise<T>): Promise<T>;
}

export interface RootfsFixtureOptions {
  readonly limits?: Partial<ApplyLimits>;
  /** Stands between Rootfs and the real applier. */
  readonly applier?: (real: Applier) => Applier;
  /** Stands between all and a real backend. */
  readonly backend?: (real: SnapshotBackend) => SnapshotBackend;
}

export function rootfsFixture(t: TestContext, options: RootfsFixtureOptions = {}): Promise<RootfsFixture> {
  return Teardown.build(async (down) => {
    const home = down.own(await tempDir());
    const fixture = down.own(await openRootfs(home.path, options));
    t.after(() => down.run());
    return fixture;
  });
}

/** Opens the stores of a folder, new or left by an earlier one. */
export function openRootfs(root: string, options: RootfsFixtureOptions = {}): Promise<RootfsFixture> {
  return Teardown.build(async (down) => {
    const kernel = createKernel();
    const tasks = new Map<string, number>();
    const pool = counting(down.own(openWorkerPool(SOURCE_WORKER_URL, 2)), tasks);
    const parts = { pool, files: kernel.files, disks: kernel.disks };
    const backends = [
      await openOverlayBackend({ ...parts, root: join(root, 'overlayfs') }),
      await openNativeBackend({ ...parts, root: join(root, 'native') }),
    ].map(options.backend ?? ((real) => real));
    const blobs = await LocalBlobs.open(join(root, 'content'));
    const metadata = down.own(await openMetadata({ path: join(root, 'meta.db'), blobs, backends, log: SILENT }));
    const snapshots = (name = 'overlayfs', namespace = SCOPE.namespace) => {
      const found = metadata.snapshotters.get(name);
      if (!found) throw new Error(`no snapshotter ${name}`);
      return found({ namespace });
    };
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const applier = (options.applier ?? ((real) => real))(pooledApplier(pool));
    const blobFiles = createBlobFiles(metadata.content, () => Promise.resolve(join(root, 'spool')));
    const rootfs = createRootfs({
      content: metadata.content,
      blobFiles,
      snapshots: ({ namespace }, name) => snapshots(name, namespace),
      defaultSnapshotter: 'overlayfs',
      platform: HOST_PLATFORM,
      ...{ backends, files: kernel.files, applier, pool, limits },
    });
    const differ = createDiffer({
      blobFiles,
      applier,
      pool,
      kernel,
      limits,
      scratch: join(root, 'apply'),
    });
    const comparer = createComparer({
      content: metadata.content,
      pool,
      mounts: kernel.mounts,
      scratch: join(root, 'compare'),
    });
    let mountPoints = 0;
    return {
      ...{ root, rootfs, differ, comparer, metadata, pool, tasks, snapshots },
      backends: new Map(backends.map((backend) => [backend.name, backend])),
      store: (image, namespace = SCOPE.namespace) => store(metadata, namespace, image),
      async mounted(mounts, use) {
        mountPoints += 1;
        const path = join(root, `mounted-${mountPoints}`);
        await mkdir(path);
        await using _ = await kernel.mounts.mountAll(mounts, path);
        return await use(path);
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}

function counting(pool: WorkerPool, tasks: Map<string, number>): WorkerPool {
  return {
    run: (task, options) => {
      tasks.set(task.kind, (tasks.get(task.kind) ?? 0) + 1);
      return pool.run(task, options);
    },
  };
}

async function store(metadata: Metadata, namespace: string, image: Image): Promise<void> {
  const content = metadata.content({ namespace });
  const put = async (digest: Image['target']['digest'], bytes: Buffer) => {
    try {
      await using writer = await content.writer(`put-${digest}`, { digest, size: bytes.length });
      // What another namespace has is there already, by its digest.
      await writer.write(bytes.subarray(writer.status().offset));
      await writer.commit(undefined, { 'containerd.io/gc.root': 'test' });
    } catch (error) {
      if (!isKind(error, 'already-exists')) throw error;
    }
  };
  for (const [digest, bytes] of image.blobs) await put(digest, bytes);
  for (const { descriptor, bytes } of image.manifests) await put(descriptor.digest, bytes);
}
