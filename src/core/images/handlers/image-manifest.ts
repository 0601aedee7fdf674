import { DaemonError } from '../../../base/errors.js';
import type { Descriptor } from '../../../spec/descriptor.js';
import { parseImageConfig, type ImageConfig } from '../../../spec/image-config.js';
import { parseManifest, type Manifest } from '../../../spec/manifest.js';
import { kindOfMedia } from '../../../spec/media-types.js';
import type { Platform } from '../../../spec/platform.js';
import { childrenOf, readDocument, type ContentProvider } from './children.js';
import { inOrder, NO_CHILDREN, type Handler } from './handler.js';
import { onlyPlatforms } from './platform-filter.js';
import { walk } from './walk.js';

/** One platform's image as it is stored. */
export interface StoredImage {
  readonly target: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/**
 * Descends from a name's target to the manifest of a platform, and reads it and its config.
 *
 * @throws not-found: no such platform, or a document is not in the store. invalid-argument: no container image.
 */
export async function readImage(
  content: ContentProvider,
  target: Descriptor,
  platform: Platform,
  signal?: AbortSignal,
): Promise<StoredImage> {
  let found: Descriptor | undefined;
  const take: Handler = (descriptor) => {
    if (kindOfMedia(descriptor.mediaType) === 'manifest') found ??= descriptor;
    return Promise.resolve(NO_CHILDREN);
  };
  const stopAtManifests: Handler = (descriptor, until) =>
    found === undefined
      ? onlyPlatforms([platform], childrenOf(content))(descriptor, until)
      : Promise.resolve(NO_CHILDREN);
  await walk(inOrder(take, stopAtManifests), [target], signal ? { signal } : {});
  if (found === undefined)
    throw new DaemonError('invalid-argument', `${target.digest} (${target.mediaType}) is no image`);
  const manifest = parseManifest(await readDocument(content, found, signal), found.mediaType, found.digest);
  const config = parseImageConfig(await readDocument(content, manifest.config, signal), manifest.config.digest);
  return { target: found, manifest, config };
}
