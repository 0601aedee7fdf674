import { DaemonError } from '../../../base/errors.js';
import type { Descriptor } from '../../../spec/descriptor.js';
import { DOCUMENT_BYTES_MAX } from '../../../spec/document.js';
import { parseIndex } from '../../../spec/index-document.js';
import { parseManifest } from '../../../spec/manifest.js';
import { kindOfMedia } from '../../../spec/media-types.js';
import type { ContentStore } from '../../content/content-store.js';
import { NO_CHILDREN, type Handler } from './handler.js';

/** The read side of a content store. */
export type ContentProvider = Pick<ContentStore, 'open'>;

/** Finds what stored manifests and indexes name: an index its manifests, a manifest its config and then its layers, anything else nothing. */
export function childrenOf(content: ContentProvider): Handler {
  return async (target, signal) => {
    switch (kindOfMedia(target.mediaType)) {
      case 'index':
        return parseIndex(await readDocument(content, target, signal), target.mediaType, target.digest).manifests;
      case 'manifest': {
        const bytes = await readDocument(content, target, signal);
        const { config, layers } = parseManifest(bytes, target.mediaType, target.digest);
        return [config, ...layers];
      }
      default:
        return NO_CHILDREN;
    }
  };
}

/** Reads a manifest, index or config from the store. @throws not-found. invalid-argument: over 4 MiB. data-loss: another size. */
export async function readDocument(
  content: ContentProvider,
  target: Descriptor,
  signal?: AbortSignal,
): Promise<Buffer> {
  await using blob = await content.open(target.digest, signal);
  if (blob.size > DOCUMENT_BYTES_MAX) {
    throw new DaemonError(
      'invalid-argument',
      `${target.digest} has ${blob.size} bytes, more than the ${DOCUMENT_BYTES_MAX} of a document`,
    );
  }
  const parts: Uint8Array[] = [];
  for await (const { bytes } of blob.chunks({}, signal)) parts.push(bytes);
  const whole = Buffer.concat(parts);
  if (whole.length !== target.size) {
    throw new DaemonError(
      'data-loss',
      `${target.digest} has ${whole.length} bytes where its descriptor says ${target.size}`,
    );
  }
  return whole;
}
