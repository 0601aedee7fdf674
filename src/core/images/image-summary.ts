import { isKind, messageOf } from '../../base/errors.js';
import { chainIds } from '../../spec/chain-id.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { normalizePlatform, type Platform } from '../../spec/platform.js';
import type { ContentStore } from '../content/content-store.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import { childrenOf } from './handlers/children.js';
import { effect, inOrder, mapChildren, type Handler } from './handlers/handler.js';
import { readImage, type StoredImage } from './handlers/image-manifest.js';
import { walk } from './handlers/walk.js';
import type { Image } from './image-store.js';

/** An image with what people want to know of it. Sizes are bytes. */
export interface ImageSummary {
  readonly image: Image;
  /** What a push of the stored platforms would send: each document and blob once. */
  readonly packedSize: number;
  /** On disk, of the layers that are unpacked. */
  readonly unpackedSize: number;
  /** Those whose content is here whole. */
  readonly platforms: readonly Platform[];
  /** Why the sizes are not known, when they are not. */
  readonly sizeError?: string;
}

/** Looks through the content below an image's name. A broken image is no error of the call: its summary says why. */
export async function summarizeImage(
  image: Image,
  content: ContentStore,
  snapshots: Snapshotter,
  signal?: AbortSignal,
): Promise<ImageSummary> {
  try {
    const stored = await storedTree(image.target, content, signal);
    let unpackedSize = 0;
    const counted = new Set<string>();
    for (const { config } of stored.images)
      unpackedSize += await unpackedOf(config.diffIds, snapshots, counted, signal);
    const platforms = stored.images.map(({ config }) => normalizePlatform(config.platform));
    return { image, packedSize: stored.bytes, unpackedSize, platforms };
  } catch (error) {
    signal?.throwIfAborted();
    return { image, packedSize: 0, unpackedSize: 0, platforms: [], sizeError: messageOf(error) };
  }
}

interface StoredTree {
  readonly bytes: number;
  readonly images: readonly StoredImage[];
}

async function storedTree(target: Descriptor, content: ContentStore, signal?: AbortSignal): Promise<StoredTree> {
  const manifests: Descriptor[] = [];
  let bytes = 0;
  const count = effect((descriptor) => {
    bytes += descriptor.size;
    if (kindOfMedia(descriptor.mediaType) === 'manifest') manifests.push(descriptor);
  });
  await walk(inOrder(count, storedChildren(content)), [target], signal ? { signal } : {});
  const images: StoredImage[] = [];
  for (const manifest of manifests) {
    const found = await readStored(manifest, content, signal);
    if (found) images.push(found);
  }
  return { bytes, images };
}

/** Of an index only those entries whose content is in the store: a pull takes one platform of many. */
function storedChildren(content: ContentStore): Handler {
  return mapChildren(childrenOf(content), async (children, parent) => {
    if (kindOfMedia(parent.mediaType) !== 'index') return children;
    const here: Descriptor[] = [];
    for (const child of children) if (await isStored(child, content)) here.push(child);
    return here;
  });
}

async function isStored({ digest }: Descriptor, content: ContentStore): Promise<boolean> {
  try {
    await content.info(digest);
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}

/** The image of a manifest, when its config and all layers are here; undefined for an artifact that is none. */
async function readStored(
  manifest: Descriptor,
  content: ContentStore,
  signal?: AbortSignal,
): Promise<StoredImage | undefined> {
  try {
    const image = await readImage(content, manifest, manifest.platform ?? ANY, signal);
    for (const layer of image.manifest.layers) if (!(await isStored(layer, content))) return undefined;
    return image;
  } catch (error) {
    if (isKind(error, 'invalid-argument') || isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** A manifest has no platform to choose from. */
const ANY: Platform = { os: 'linux', architecture: 'any' };

async function unpackedOf(
  diffIds: StoredImage['config']['diffIds'],
  snapshots: Snapshotter,
  counted: Set<string>,
  signal?: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (const name of chainIds(diffIds)) {
    if (counted.has(name)) continue;
    counted.add(name);
    try {
      sum += (await snapshots.usage(name, signal)).size;
    } catch (error) {
      if (isKind(error, 'not-found')) break;
      throw error;
    }
  }
  return sum;
}
