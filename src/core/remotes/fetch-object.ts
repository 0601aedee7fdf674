import type { Descriptor } from '../../spec/descriptor.js';
import { DOCUMENT_BYTES_MAX } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { Platform } from '../../spec/platform.js';
import { readVerified, verified } from '../content/verified.js';
import { onlyPlatforms } from '../images/handlers/platform-filter.js';
import type { RemoteOptions, Remotes, Resolved } from './remotes.js';

export interface ObjectRequest {
  readonly name: string;
  /** Media types to accept; manifests and indexes of Docker and OCI by default. */
  readonly mediaTypes?: readonly string[];
  /** Chosen inside an index; without it the index itself is the answer. */
  readonly platform?: Platform;
  readonly remote?: RemoteOptions;
  readonly signal: AbortSignal;
}

/**
 * What a name stands for at its registry; nothing is stored.
 *
 * @throws What Resolver throws; not-found: the index has nothing for the platform.
 */
export async function resolveRemote(remotes: Remotes, request: ObjectRequest): Promise<Resolved> {
  const { name, mediaTypes, platform, remote, signal } = request;
  const accept = mediaTypes && mediaTypes.length > 0 ? { mediaTypes } : {};
  const resolved = await remotes.resolver(remote).resolve(name, { signal, ...accept });
  return platform === undefined ? resolved : { ...resolved, target: await chosen(resolved, platform, signal) };
}

/** The verified bytes of what `resolveRemote` found; they are not to be trusted before the end is reached. */
export function objectBytes({ fetcher, target }: Resolved, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return verified(fetcher.fetch(target, { signal }), target);
}

async function chosen(
  { name, fetcher, target }: Resolved,
  platform: Platform,
  signal: AbortSignal,
): Promise<Descriptor> {
  if (kindOfMedia(target.mediaType) !== 'index') return target;
  const bytes = await readVerified(fetcher.fetch(target, { signal }), target, DOCUMENT_BYTES_MAX);
  const { manifests } = parseIndex(bytes, target.mediaType, name);
  const choose = onlyPlatforms([platform], () => Promise.resolve(manifests), name);
  const [best = target] = await choose(target, signal);
  return best;
}
