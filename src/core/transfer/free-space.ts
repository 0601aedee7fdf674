import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { ContentStore } from '../content/content-store.js';
import { mapChildren, type Handler } from '../images/handlers/handler.js';
import { isKind } from '../../base/errors.js';
import { ingestRef } from './progress.js';

/** Bytes that may still be written where content and snapshots lie. */
export type FreeSpace = () => Promise<number>;

/**
 * Refuses a manifest before its first layer is fetched when it can't fit: what is still to be downloaded must have room, and where layers
 * are unpacked, they are taken to need at least as much again.
 *
 * @throws resource-exhausted: how much is needed and how much there is.
 */
export function checkSpace(
  options: {
    readonly content: ContentStore;
    readonly free: FreeSpace;
    readonly unpacks: boolean;
    readonly name: string;
  },
  handler: Handler,
): Handler {
  return mapChildren(handler, async (children, target) => {
    if (kindOfMedia(target.mediaType) !== 'manifest') return children;
    const missing = await Promise.all(children.map((child) => missingBytes(options.content, child)));
    const download = missing.reduce((sum, bytes) => sum + bytes, 0);
    const needed = options.unpacks ? download * 2 : download;
    const free = await options.free();
    if (needed > free) {
      throw new DaemonError(
        'resource-exhausted',
        `${options.name}: no space left on device: at least ${megabytes(needed)} are needed, ${megabytes(free)} are free; remove images with dist rmi or make room`,
      );
    }
    return children;
  });
}

async function missingBytes(content: ContentStore, { digest, size, ...rest }: Descriptor): Promise<number> {
  if (await isThere(content.info(digest))) return 0;
  const ingest = await isThere(content.status(ingestRef({ ...rest, digest, size })));
  return Math.max(0, size - (ingest ? ingest.offset : 0));
}

async function isThere<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
