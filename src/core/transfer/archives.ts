import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Labels } from '../../spec/labels.js';
import type { Platform } from '../../spec/platform.js';
import type { ArchiveFormat } from '../archive/archive-format.js';
import { readArchive, type ArchivedImages } from '../archive/read-archive.js';
import { writeArchive } from '../archive/write-archive.js';
import type { ContentStore } from '../content/content-store.js';
import type { Image, ImageDraft, OwnImageStore } from '../images/image-store.js';
import { labelChildren } from '../images/handlers/child-labels.js';
import { childrenOf } from '../images/handlers/children.js';
import { inOrder } from '../images/handlers/handler.js';
import { onlyPlatforms } from '../images/handlers/platform-filter.js';
import { walk } from '../images/handlers/walk.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Rootfs } from '../rootfs/rootfs.js';
import { ImageUnpacking, type UnpackWish } from './image-unpacking.js';
import { OperationLease } from './operation-lease.js';
import type { ProgressSink } from './progress.js';
import { ProgressRows } from './progress-rows.js';

export interface ImportRequest {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Names for an image of the archive, by what its annotations say; `whole` for the index over all of them. None: it gets no name. */
  readonly namesFor: (target: Descriptor, whole: boolean) => readonly string[];
  /** A name that another image has is refused, and then none is set. */
  readonly keepNames?: boolean;
  /** Of the names. */
  readonly labels?: Labels;
  /** Taken out of indexes; none means all. */
  readonly platforms: readonly Platform[];
  readonly unpacks: readonly UnpackWish[];
  /** Packs layers that come without gzip in an archive of Docker's. */
  readonly compress?: boolean;
  readonly onProgress?: ProgressSink;
  readonly signal: AbortSignal;
}

export interface ExportRequest {
  readonly images: readonly Image[];
  /** Taken out of indexes; none means all. */
  readonly platforms: readonly Platform[];
  /** Docker's manifest.json, too. */
  readonly docker: boolean;
  readonly onlyDistributable?: boolean;
  readonly onProgress?: ProgressSink;
  readonly signal: AbortSignal;
}

/** What imports and exports work with. */
export interface ArchivePorts {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<OwnImageStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly rootfs: Pick<Rootfs, 'unpack' | 'mayHaveLayers'>;
  readonly archives: ArchiveFormat;
  readonly hostPlatform: Platform;
}

/** Images come out of archives and go into them. */
export interface ImageArchives {
  /**
   * Stores an archive, unpacks what is wanted, and sets the names last.
   *
   * @returns The images that have a name now; the content of others is left to collection.
   * @throws What readArchive, Rootfs and the stores throw. not-found: a part of an image is not in the archive and not here.
   */
  import(scope: Scope, request: ImportRequest): Promise<readonly Image[]>;
  /** The bytes of an archive of images. @throws not-found: a part of one is not here; before the first byte. */
  export(scope: Scope, request: ExportRequest): AsyncIterable<Uint8Array>;
}

export function createImageArchives(ports: ArchivePorts): ImageArchives {
  return {
    async import(scope, request) {
      const lease = await OperationLease.open(ports.leases, scope, 'import of an archive');
      try {
        const images = await importUnder(lease.scope, ports, request);
        await lease.end('done');
        return images;
      } catch (error) {
        await lease.end('failed');
        throw error;
      }
    },
    async *export(scope, request) {
      const { images, onProgress, signal } = request;
      if (images.length === 0) throw new DaemonError('invalid-argument', 'no image to export is named');
      const rows = new ProgressRows('', onProgress);
      rows.archive('exporting');
      const lease = await OperationLease.open(ports.leases, scope, 'export of images');
      try {
        for (const { target } of images) await lease.keep(target.digest);
        yield* await writeArchive(ports.content(lease.scope), ports.archives, {
          ...request,
          images: images.map(({ name, target }) => ({ name, target })),
          host: ports.hostPlatform,
          signal,
        });
      } finally {
        await lease.end('done');
      }
      rows.archive('exported');
    },
  };
}

async function importUnder(scope: Scope, ports: ArchivePorts, request: ImportRequest): Promise<readonly Image[]> {
  const { signal, compress = false } = request;
  const rows = new ProgressRows('', request.onProgress);
  rows.archive('importing');
  const content = ports.content(scope);
  const found = await readArchive(content, ports.archives, request.bytes, { compress, signal });
  await keepChildren(content, found, request, { ...ports, scope }, rows);
  const labels = request.labels ?? {};
  const named = [found.index, ...found.manifests].flatMap((target) =>
    request.namesFor(target, target === found.index).map((name) => ({ name, target, labels })),
  );
  const store = ports.images(scope);
  const images = await (request.keepNames === true ? keepTaken(store, named) : replaceTaken(store, named));
  for (const { name, target } of images) rows.saved(target, name);
  rows.archive('imported');
  return images;
}

/** @throws already-exists: one of the names stands for something else. */
async function keepTaken(store: OwnImageStore, named: readonly ImageDraft[]): Promise<readonly Image[]> {
  return await store.putUnlessTaken(named).catch((cause: unknown) => {
    if (!isKind(cause, 'already-exists')) throw cause;
    throw new DaemonError('already-exists', `${messageOf(cause)}; --force takes the name away from it`, { cause });
  });
}

async function replaceTaken(store: OwnImageStore, named: readonly ImageDraft[]): Promise<readonly Image[]> {
  const images: Image[] = [];
  for (const draft of named) images.push(await store.put(draft));
  return images;
}

/** Checks that all is there, labels what keeps what, and unpacks. */
async function keepChildren(
  content: ContentStore,
  { manifests }: ArchivedImages,
  { platforms, unpacks, signal }: ImportRequest,
  { rootfs, scope }: Pick<ArchivePorts, 'rootfs'> & { readonly scope: Scope },
  rows: ProgressRows,
): Promise<void> {
  for (const manifest of manifests) {
    await using unpacking = new ImageUnpacking({
      ...{ scope, content, rootfs, name: manifest.digest, wishes: unpacks, optional: true, signal },
      onProgress: (progress) => {
        rows.unpacking(progress);
      },
    });
    const children = onlyPlatforms(platforms, labelChildren(content, childrenOf(content)), manifest.digest);
    const present = inOrder(
      async ({ digest }) => {
        await content.info(digest);
        return [];
      },
      unpacking.handler,
      children,
    );
    await walk(present, [manifest], { signal: AbortSignal.any([signal, unpacking.failed]) });
    await unpacking.finish();
  }
}
