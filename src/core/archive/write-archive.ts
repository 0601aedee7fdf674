import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, hexOf, type Digest } from '../../spec/digest.js';
import { familiarName, nameAnnotations, NAME_ANNOTATIONS } from '../../spec/image-names.js';
import { parseManifest } from '../../spec/manifest.js';
import { kindOfMedia, MEDIA_TYPES } from '../../spec/media-types.js';
import { onlyPlatform, type Platform } from '../../spec/platform.js';
import { isKind } from '../../base/errors.js';
import type { ContentStore } from '../content/content-store.js';
import { childrenOf, readDocument } from '../images/handlers/children.js';
import { inOrder, NO_CHILDREN, type Handler } from '../images/handlers/handler.js';
import { bestMatch, onlyPlatforms } from '../images/handlers/platform-filter.js';
import { walk } from '../images/handlers/walk.js';
import type { ArchiveFormat, NewArchiveMember } from './archive-format.js';
import { ARCHIVE_DOCUMENTS } from './stored-archive.js';

/** An image that goes into an archive. */
export interface ExportedImage {
  /** Missing: it has no name there. */
  readonly name?: string;
  readonly target: Descriptor;
}

export interface WriteArchiveOptions {
  readonly images: readonly ExportedImage[];
  /** Taken out of indexes; none means all. */
  readonly platforms: readonly Platform[];
  /** Docker's manifest.json, too, so that `docker load` of any version reads it. */
  readonly docker: boolean;
  /** Layers that may not be distributed stay out. */
  readonly onlyDistributable?: boolean;
  /** Which of several platforms Docker is told of. */
  readonly host: Platform;
  readonly signal: AbortSignal;
}

/**
 * Writes images as an OCI layout in an archive, with a manifest.json beside it for Docker.
 *
 * @throws not-found: a part of an image is not here, or nothing is there for the platforms. All of that before the first byte.
 */
export async function writeArchive(
  content: ContentStore,
  format: ArchiveFormat,
  options: WriteArchiveOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const blobs = new Map<Digest, number>();
  for (const { name, target } of options.images) await gather(content, target, name, options, blobs);
  const documents = [
    { path: ARCHIVE_DOCUMENTS.index, bytes: indexOf(options.images) },
    ...(options.docker ? [{ path: ARCHIVE_DOCUMENTS.docker, bytes: await dockerList(content, options) }] : []),
    { path: ARCHIVE_DOCUMENTS.layout, bytes: json({ imageLayoutVersion: '1.0.0' }) },
  ];
  return format.write(membersOf(content, blobs, documents), options.signal);
}

/** Notes all blobs of an image. */
async function gather(
  content: ContentStore,
  target: Descriptor,
  name: string | undefined,
  { platforms, onlyDistributable = false, signal }: WriteArchiveOptions,
  blobs: Map<Digest, number>,
): Promise<void> {
  const note: Handler = async ({ digest, mediaType, size }) => {
    if (onlyDistributable && /nondistributable|\.foreign\./.test(mediaType)) return NO_CHILDREN;
    await content.info(digest);
    blobs.set(digest, size);
    return NO_CHILDREN;
  };
  const handler = inOrder(note, onlyPlatforms(platforms, childrenOf(content), name));
  await walk(handler, [target], { signal });
}

function indexOf(images: readonly ExportedImage[]): Buffer {
  const manifests = images.map(({ name, target }) => {
    const annotations = { ...target.annotations, ...(name !== undefined && nameAnnotations(name)) };
    const { mediaType, digest, size, platform } = target;
    const named = Object.keys(annotations).length > 0 && { annotations };
    return { mediaType, digest, size, ...(platform && { platform }), ...named };
  });
  return json({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
}

interface DockerImage {
  readonly Config: string;
  RepoTags: string[] | null;
  readonly Layers: readonly string[];
}

/** Docker knows an image by its config; all names of one are told together. */
async function dockerList(content: ContentStore, options: WriteArchiveOptions): Promise<Buffer> {
  const list = new Map<Digest, DockerImage>();
  for (const { name, target } of options.images) {
    const manifest = await manifestForDocker(content, target, options);
    if (manifest === undefined) continue;
    const bytes = await readDocument(content, manifest, options.signal);
    const { config, layers } = parseManifest(bytes, manifest.mediaType, manifest.digest);
    const known = list.get(manifest.digest);
    const image = known ?? {
      Config: blobPath(config.digest),
      RepoTags: null,
      Layers: layers
        .filter(({ mediaType }) => kindOfMedia(mediaType) === 'layer')
        .map(({ digest }) => blobPath(digest)),
    };
    const tag = familiarName(name ?? target.annotations?.[NAME_ANNOTATIONS.image] ?? '');
    if (tag !== undefined) image.RepoTags = [...(image.RepoTags ?? []), tag];
    list.set(manifest.digest, image);
  }
  return json([...list.values()]);
}

/** The host's of several platforms, else the first that is here. */
async function manifestForDocker(
  content: ContentStore,
  target: Descriptor,
  { platforms, host, signal }: WriteArchiveOptions,
): Promise<Descriptor | undefined> {
  if (kindOfMedia(target.mediaType) === 'manifest') return target;
  const children = await onlyPlatforms(platforms, childrenOf(content))(target, signal);
  const here: Descriptor[] = [];
  for (const child of children) {
    const isHere = await content.info(child.digest).then(
      () => true,
      (error: unknown) => {
        if (isKind(error, 'not-found')) return false;
        throw error;
      },
    );
    if (isHere && kindOfMedia(child.mediaType) === 'manifest') here.push(child);
  }
  return bestMatch(here, onlyPlatform(host)) ?? here[0];
}

async function* membersOf(
  content: ContentStore,
  blobs: ReadonlyMap<Digest, number>,
  documents: readonly { readonly path: string; readonly bytes: Buffer }[],
): AsyncGenerator<NewArchiveMember> {
  yield { kind: 'directory', path: 'blobs' };
  const algorithms = new Set([...blobs.keys()].map(algorithmOf));
  for (const algorithm of [...algorithms].sort()) yield { kind: 'directory', path: `blobs/${algorithm}` };
  for (const digest of [...blobs.keys()].sort()) {
    await using blob = await content.open(digest);
    yield { kind: 'file', path: blobPath(digest), size: blob.size, data: bytesOf(blob.chunks()) };
  }
  for (const { path, bytes } of documents) yield { kind: 'file', path, size: bytes.length, data: once(bytes) };
}

const blobPath = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncIterable<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
