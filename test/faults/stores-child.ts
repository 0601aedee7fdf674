import { randomBytes } from 'node:crypto';
import type { BlobStore } from '../../src/core/content/blob-store.js';
import type { SnapshotBackend } from '../../src/core/snapshots/snapshot-backend.js';
import { LocalBlobs } from '../../src/drivers/content-local/local-blobs.js';
import { openMetadata, type Metadata } from '../../src/drivers/metadata-sqlite/metadata.js';
import { SILENT } from '../../src/base/logger.js';
import { join } from 'node:path';
import { PlainBackend } from '../support/plain-backend.js';

export const SCOPE = { namespace: 'testing' };
export const HALF = Buffer.alloc(100_000, 'a');
export const WHOLE = Buffer.concat([HALF, Buffer.alloc(50_000, 'b')]);
export const KEPT = { 'containerd.io/gc.root': 'x' };

/** Where the process stops to be killed. */
export type FaultPoint =
  | 'bytes are written'
  | 'the blob is published'
  | 'the blob is named'
  | 'the directory is made'
  | 'the directory is synced'
  | 'the layer has no row any more';

/** Runs the operation that comes by the fault point, says so on stdout when it is there, and waits for its death. */
export async function runToFault(root: string, point: FaultPoint): Promise<void> {
  const here = async (reached: FaultPoint) => {
    if (reached !== point) return;
    process.stdout.write('there\n');
    await new Promise(() => setInterval(() => undefined, 1 << 30));
  };
  const metadata = await open(root, here);
  const snapshots = metadata.snapshotters.get('plain')?.(SCOPE);
  const writer = await metadata.content(SCOPE).writer('ref', { size: WHOLE.length });
  await writer.write(HALF);
  await here('bytes are written');
  await writer.write(WHOLE.subarray(HALF.length));
  await writer.commit({}, KEPT);
  await snapshots?.prepare('key', '', KEPT);
  await snapshots?.commit('name', 'key', KEPT);
  await snapshots?.remove('name');
  await metadata.collector.run();
}

/** Stores one blob after another, and says so of each, until it is killed. */
export async function writeForEver(root: string): Promise<void> {
  const metadata = await open(root, () => Promise.resolve());
  for (let count = 0; ; count += 1) {
    const writer = await metadata.content(SCOPE).writer(`ref-${count % 3}`);
    await writer.truncate(0);
    await writer.write(randomBytes(32 + ((count * 7919) % 60_000)));
    const { digest } = await writer.commit({}, KEPT);
    process.stdout.write(`${digest}\n`);
  }
}

async function open(root: string, here: (reached: FaultPoint) => Promise<void>): Promise<Metadata> {
  const blobs = stoppingBlobs(await LocalBlobs.open(join(root, 'content')), here);
  const backend = stoppingBackend(await PlainBackend.open(root), here);
  return openMetadata({
    path: join(root, 'meta.db'),
    blobs,
    backends: [backend],
    log: SILENT,
    collectDelayMs: 1 << 30,
  });
}

function stoppingBlobs(blobs: LocalBlobs, here: (reached: FaultPoint) => Promise<void>): BlobStore {
  return {
    ingest: async (id, algorithm, signal) => {
      const file = await blobs.ingest(id, algorithm, signal);
      const publish = file.publish.bind(file);
      file.publish = async (expected) => {
        const published = await publish(expected);
        await here('the blob is published');
        return published;
      };
      return file;
    },
    removeIngest: async (id) => {
      await here('the blob is named');
      await blobs.removeIngest(id);
    },
    ingestSize: (id) => blobs.ingestSize(id),
    open: (digest) => blobs.open(digest),
    size: (digest) => blobs.size(digest),
    remove: (digest) => blobs.remove(digest),
    blobs: () => blobs.blobs(),
    ingests: () => blobs.ingests(),
  };
}

function stoppingBackend(backend: PlainBackend, here: (reached: FaultPoint) => Promise<void>): SnapshotBackend {
  return {
    name: backend.name,
    root: backend.root,
    layering: backend.layering,
    create: async (id, options) => {
      await backend.create(id, options);
      await here('the directory is made');
    },
    sync: async (ids) => {
      await backend.sync(ids);
      await here('the directory is synced');
    },
    remove: async (id) => {
      await here('the layer has no row any more');
      await backend.remove(id);
    },
    filesOf: (id) => backend.filesOf(id),
    mounts: (id, kind, parents) => backend.mounts(id, kind, parents),
    usage: (id) => backend.usage(id),
    inventory: () => backend.inventory(),
  };
}
