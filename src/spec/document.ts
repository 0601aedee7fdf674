import { DaemonError } from '../base/errors.js';
import type { Descriptor } from './descriptor.js';
import { isDigest } from './digest.js';
import { Fields } from './fields.js';
import { bareMediaType, MEDIA_TYPES } from './media-types.js';
import type { Platform } from './platform.js';
import { parseStrictJson } from './strict-json.js';

/** Bytes that a manifest, index or config may have. */
export const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Children that one manifest or index may have. */
export const CHILDREN_MAX = 4096;

const DISTINCTIVE = ['mediaType', 'schemaVersion', 'config', 'layers', 'manifests', 'subject', 'fsLayers'] as const;

/**
 * Opens a manifest or index: of a size that is sensible, unambiguous, version 2, and of the media type it is said to be
 * (CVE-2021-41190: one digest must not stand for two documents).
 *
 * @param mediaType What the descriptor or the registry's header says; the document must not say otherwise.
 * @param foreign Fields that a document of this kind must not have.
 * @throws invalid-argument.
 */
export function openDocument(bytes: Uint8Array, mediaType: string, what: string, foreign: readonly string[]): Fields {
  const fields = openJson(bytes, what);
  fields.refuseOtherCase(DISTINCTIVE);
  const own = fields.optionalText('mediaType');
  if (own !== undefined && bareMediaType(own) !== bareMediaType(mediaType)) {
    fields.fail(`says it is ${own}, but came as ${mediaType}`);
  }
  if (fields.size('schemaVersion') !== 2) fields.fail('has a schemaVersion other than 2');
  for (const key of foreign) {
    if (fields.has(key)) fields.fail(`is ambiguous: a ${mediaType} must not have the field ${key}`);
  }
  return fields;
}

/** Opens any JSON document of at most 4 MiB. @throws invalid-argument. */
export function openJson(bytes: Uint8Array, what: string): Fields {
  if (bytes.length > DOCUMENT_BYTES_MAX) {
    throw new DaemonError(
      'invalid-argument',
      `${what} has ${bytes.length} bytes, more than the ${DOCUMENT_BYTES_MAX} allowed`,
    );
  }
  return new Fields(parseStrictJson(bytes, what), what);
}

/** The media type that a manifest or index gives itself; for one without, what its fields say; undefined for neither. */
export function mediaTypeInDocument(bytes: Uint8Array, what: string): string | undefined {
  const fields = openJson(bytes, what);
  const own = fields.optionalText('mediaType');
  if (own !== undefined) return own;
  if (fields.has('manifests')) return MEDIA_TYPES.ociIndex;
  return fields.has('layers') ? MEDIA_TYPES.ociManifest : undefined;
}

/** Reads a descriptor inside a document. @throws invalid-argument: says which field. */
export function readDescriptor(fields: Fields): Descriptor {
  const digest = fields.text('digest');
  if (!isDigest(digest)) fields.fail(`has the digest ${JSON.stringify(digest.slice(0, 160))}, which is none`);
  const annotations = fields.textMap('annotations');
  const platform = fields.object('platform');
  const artifactType = fields.optionalText('artifactType');
  const urls = fields.texts('urls');
  return {
    mediaType: fields.text('mediaType'),
    digest,
    size: fields.size('size'),
    ...(annotations && { annotations }),
    ...(platform && { platform: readPlatform(platform) }),
    ...(artifactType !== undefined && artifactType !== '' && { artifactType }),
    ...(urls.length > 0 && { urls }),
  };
}

/** Reads a list of descriptors, of bounded length. @throws invalid-argument. */
export function readDescriptors(fields: Fields, key: string): Descriptor[] {
  const children = fields.list(key, (item, index) =>
    readDescriptor(new Fields(item, `${fields.what}: ${key}[${index}]`)),
  );
  if (children.length > CHILDREN_MAX)
    fields.fail(`has ${children.length} ${key}, more than the ${CHILDREN_MAX} allowed`);
  return children;
}

/** Reads the platform of an index entry or of an image config. */
export function readPlatform(fields: Fields): Platform {
  const variant = fields.optionalText('variant');
  const osVersion = fields.optionalText('os.version');
  const osFeatures = fields.texts('os.features');
  return {
    os: fields.optionalText('os') ?? '',
    architecture: fields.optionalText('architecture') ?? '',
    ...(variant !== undefined && variant !== '' && { variant }),
    ...(osVersion !== undefined && osVersion !== '' && { osVersion }),
    ...(osFeatures.length > 0 && { osFeatures }),
  };
}

/** The media types that a registry is asked for when it is not known what a name stands for. */
export const DOCUMENT_TYPES: readonly string[] = [
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerManifest,
];
