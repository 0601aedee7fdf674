import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { Fields } from '../../spec/fields.js';
import { parseImageConfig } from '../../spec/image-config.js';
import { annotationsOfRepoTag } from '../../spec/image-names.js';
import { LABELS } from '../../spec/labels.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { parseStrictJson, type Json } from '../../spec/strict-json.js';
import type { ContentStore } from '../content/content-store.js';
import { readDocument } from '../images/handlers/children.js';
import { childLabels } from '../images/handlers/child-labels.js';
import { ARCHIVE_DOCUMENTS, refused, storeBytes, type StoredArchive, type StoredFile } from './stored-archive.js';

const IMAGES_MAX = 1024;

/**
 * Makes manifests for what `docker save` wrote (Docker image-spec v1.2, manifest.json), one for each of its images.
 *
 * @returns One descriptor for each name, with the name in its annotations; of an image without a name, one.
 * @throws invalid-argument: manifest.json is none, or names files that are not there.
 */
export async function manifestsOfDocker(
  content: ContentStore,
  archive: StoredArchive,
  document: Buffer,
  { compress }: { readonly compress: boolean },
): Promise<Descriptor[]> {
  const list = parseStrictJson(document, ARCHIVE_DOCUMENTS.docker);
  if (!Array.isArray(list)) throw refused(`${ARCHIVE_DOCUMENTS.docker} is no list of images`);
  if (list.length > IMAGES_MAX) throw refused(`it has more than ${IMAGES_MAX} images`);
  const found: Descriptor[] = [];
  for (const [at, item] of (list as readonly Json[]).entries()) {
    const fields = new Fields(item, `${ARCHIVE_DOCUMENTS.docker}[${at}]`);
    const config = archive.file(fields.text('Config'));
    const layers = fields.texts('Layers').map((path) => archive.file(path));
    const target = await makeManifest(content, config, layers, compress);
    const names = fields.texts('RepoTags');
    if (names.length === 0) found.push(target);
    for (const name of names) found.push({ ...target, annotations: annotationsOfRepoTag(name) });
  }
  return found;
}

async function makeManifest(
  content: ContentStore,
  config: StoredFile,
  files: readonly StoredFile[],
  compress: boolean,
): Promise<Descriptor> {
  const described: Descriptor = { mediaType: MEDIA_TYPES.dockerConfig, ...config };
  const { platform } = parseImageConfig(await readDocument(content, described), config.digest);
  const layers: Descriptor[] = [];
  for (const file of files) layers.push(await describeLayer(content, file, compress));
  const mediaType = MEDIA_TYPES.dockerManifest;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: described, layers }));
  return { ...(await storeDocument(content, bytes, mediaType, [described, ...layers])), platform };
}

/** Stores a manifest or index with the labels that keep its children. */
export async function storeDocument(
  content: ContentStore,
  bytes: Uint8Array,
  mediaType: string,
  children: readonly Descriptor[],
): Promise<Descriptor> {
  const labels = childLabels(children);
  const stored = await storeBytes(content, `import-${randomUUID()}`, Readable.from([bytes]), {}, labels);
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  if (paths.length > 0) await content.update(stored.digest, labels, paths);
  return { mediaType, ...stored };
}

async function describeLayer(content: ContentStore, file: StoredFile, compress: boolean): Promise<Descriptor> {
  const head = await headOf(content, file.digest);
  if (head[0] === 0x1f && head[1] === 0x8b) return { mediaType: MEDIA_TYPES.dockerLayerGzip, ...file };
  if (head.readUInt32LE() === 0xfd2fb528) return { mediaType: MEDIA_TYPES.dockerLayerZstd, ...file };
  if (!compress) return { mediaType: MEDIA_TYPES.dockerLayer, ...file };
  await using blob = await content.open(file.digest);
  const source = Readable.from(bytesOf(blob.chunks()), { objectMode: false });
  const gzip = source.pipe(createGzip());
  source.on('error', (error) => gzip.destroy(error));
  const labels = { [LABELS.uncompressed]: file.digest };
  const packed = await storeBytes(content, `import-${randomUUID()}`, gzip as AsyncIterable<Uint8Array>, {}, labels);
  return { mediaType: MEDIA_TYPES.dockerLayerGzip, ...packed };
}

async function headOf(content: ContentStore, digest: Digest): Promise<Buffer> {
  await using blob = await content.open(digest);
  const head = Buffer.alloc(4);
  for await (const { bytes, offset } of blob.chunks({ to: Math.min(4, blob.size) })) head.set(bytes, offset);
  return head;
}

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncIterable<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}
