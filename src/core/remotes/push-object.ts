import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, mediaTypeInDocument } from '../../spec/document.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { ContentStore } from '../content/content-store.js';
import { readDocument } from '../images/handlers/children.js';
import type { PushOutcome, RemoteOptions, Remotes } from './remotes.js';

export interface PushObjectRequest {
  /** The repository; a manifest or index gets its tag. */
  readonly name: string;
  readonly digest: Digest;
  /** Found out from the object when missing. */
  readonly mediaType?: string;
  readonly remote?: RemoteOptions;
  readonly signal: AbortSignal;
}

const BYTES = 'application/octet-stream';

/**
 * Puts one stored object into a repository, alone.
 *
 * @throws not-found: it is not in the store. What Pusher throws.
 */
export async function pushObject(
  remotes: Remotes,
  content: ContentStore,
  { name, digest, mediaType, remote, signal }: PushObjectRequest,
): Promise<{ readonly target: Descriptor; readonly outcome: PushOutcome }> {
  const { size } = await content.info(digest);
  const bare = { digest, size, mediaType: mediaType ?? BYTES };
  const target = mediaType === undefined ? { ...bare, mediaType: await typeOf(content, bare, signal) } : bare;
  const pusher = await remotes.resolver(remote).pusher(name);
  return { target, outcome: await pusher.push(target, content, { named: true, signal }) };
}

/** What a manifest or index says of itself; anything else is plain bytes. */
async function typeOf(content: ContentStore, target: Descriptor, signal: AbortSignal): Promise<string> {
  if (target.size > DOCUMENT_BYTES_MAX) return BYTES;
  const bytes = await readDocument(content, target, signal);
  try {
    const said = mediaTypeInDocument(bytes, target.digest);
    return said !== undefined && ['manifest', 'index'].includes(kindOfMedia(said)) ? said : BYTES;
  } catch (error) {
    // Most blobs are no JSON, and need not be.
    if (error instanceof DaemonError && error.kind === 'invalid-argument') return BYTES;
    throw error;
  }
}
