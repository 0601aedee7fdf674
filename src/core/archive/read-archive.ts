import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { openJson } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import type { ContentStore } from '../content/content-store.js';
import type { ArchiveFormat } from './archive-format.js';
import { manifestsOfDocker, storeDocument } from './docker-archive.js';
import { ARCHIVE_DOCUMENTS, refused, StoredArchive } from './stored-archive.js';

const LAYOUT_VERSION = '1.0.0';

/** An archive's images, all of whose bytes are in the content store. */
export interface ArchivedImages {
  /** The index over them; stored, too. */
  readonly index: Descriptor;
  /** What is in it; names are in the annotations (`NAME_ANNOTATIONS`). */
  readonly manifests: readonly Descriptor[];
}

export interface ReadArchiveOptions {
  /** Packs layers that are not packed by gzip; only those of Docker's archives, whose manifests are made here. */
  readonly compress?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Brings an image archive into the content store: an OCI layout (image-spec image-layout.md), or what `docker save` wrote. One that is
 * both is read as a layout.
 *
 * @param content With a lease in its scope that keeps what has no name yet.
 * @throws invalid-argument: no image archive. failed-precondition: a blob is not what its name says.
 */
export async function readArchive(
  content: ContentStore,
  format: ArchiveFormat,
  bytes: AsyncIterable<Uint8Array>,
  { compress = false, signal }: ReadArchiveOptions,
): Promise<ArchivedImages> {
  const archive = await StoredArchive.store(content, format.read(bytes, signal), signal);
  const layout = archive.document(ARCHIVE_DOCUMENTS.layout);
  const index = archive.document(ARCHIVE_DOCUMENTS.index);
  if (layout && index) return await indexOfLayout(content, layout, index);
  const docker = archive.document(ARCHIVE_DOCUMENTS.docker);
  if (!docker) {
    throw refused(
      `it has neither ${ARCHIVE_DOCUMENTS.layout} and ${ARCHIVE_DOCUMENTS.index} nor ${ARCHIVE_DOCUMENTS.docker}: ` +
        'give it what `dist save`, `ctr images export` or `docker save` wrote',
    );
  }
  const manifests = await manifestsOfDocker(content, archive, docker, { compress });
  const made = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  return { index: await storeDocument(content, Buffer.from(made), MEDIA_TYPES.ociIndex, manifests), manifests };
}

async function indexOfLayout(content: ContentStore, layout: Buffer, index: Buffer): Promise<ArchivedImages> {
  const version = openJson(layout, ARCHIVE_DOCUMENTS.layout).text('imageLayoutVersion');
  if (version !== LAYOUT_VERSION) {
    throw new DaemonError(
      'invalid-argument',
      `the archive is an OCI layout of version ${JSON.stringify(version.slice(0, 64))}, only ${LAYOUT_VERSION} is known`,
    );
  }
  const { manifests } = parseIndex(index, MEDIA_TYPES.ociIndex, ARCHIVE_DOCUMENTS.index);
  return { index: await storeDocument(content, index, MEDIA_TYPES.ociIndex, manifests), manifests };
}
