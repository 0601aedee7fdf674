import { DaemonError, isKind } from '../../base/errors.js';
import type { ResolveOptions } from '../../core/remotes/remotes.js';
import { algorithmOf, digestOf, type Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, DOCUMENT_TYPES, mediaTypeInDocument } from '../../spec/document.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { isUnspecific, readBounded, readDocument, type ResolvedObject } from './document-response.js';
import { failureOf } from './failure.js';
import type { RepositoryClient, RepositoryRequest } from './repository-client.js';

/** A registry that is not there is most likely a name mistyped. */
const CONNECT_TRIES = 3;
/** After these it is of no use to ask for the same digest as a blob. */
const FINAL = new Set([401, 403, 429]);

/**
 * Finds out what a tag or a digest stands for: a manifest or index, read and verified, or for a digest a plain blob.
 *
 * @throws not-found; data-loss: other bytes than the digest says; invalid-argument: an ambiguous or unknown document.
 */
export async function resolveObject(
  client: RepositoryClient,
  tag: string,
  pinned: Digest | undefined,
  what: string,
  options: ResolveOptions & { readonly tries?: number | undefined },
): Promise<ResolvedObject> {
  const request: RepositoryRequest = {
    method: 'GET',
    path: `manifests/${pinned ?? tag}`,
    accept: options.mediaTypes?.join(', ') ?? [...DOCUMENT_TYPES, '*/*'].join(', '),
    tries: options.tries,
    connectTries: CONNECT_TRIES,
    what,
    onWait: options.onWait,
    signal: options.signal,
  };
  if (pinned !== undefined) return resolveDigest(client, request, pinned);
  const response = await client.request(request);
  if (response.status !== 200) throw await failureOf(response, what);
  return readDocument(response, undefined, what);
}

/** A digest may name a manifest or a blob. For a blob, some registries answer the question for a manifest with a 404, others with a 500. */
async function resolveDigest(
  client: RepositoryClient,
  request: RepositoryRequest,
  digest: Digest,
): Promise<ResolvedObject> {
  const { what } = request;
  const document = await client.request({ ...request, serverErrors: 'answer' });
  if (document.status === 200) return readDocument(document, digest, what);
  if (FINAL.has(document.status)) throw await failureOf(document, what);
  await document.discard();
  const blob = await client.request({ ...request, method: 'HEAD', path: `blobs/${digest}`, accept: '*/*' });
  if (blob.status === 200) {
    await blob.discard();
    return describeBlob(client, request, digest, {
      size: Number(blob.header('content-length') ?? Number.NaN),
      type: blob.header('content-type'),
    });
  }
  if (document.status < 500) throw await failureOf(blob, what);
  await blob.discard();
  const again = await client.request(request);
  if (again.status !== 200) throw await failureOf(again, what);
  return readDocument(again, digest, what);
}

/** Registries give manifests as blobs too, without their type: a small one is read to see what it is. */
async function describeBlob(
  client: RepositoryClient,
  request: RepositoryRequest,
  digest: Digest,
  { size, type }: { readonly size: number; readonly type: string | undefined },
): Promise<ResolvedObject> {
  const { what } = request;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new DaemonError('unavailable', `${what}: ${client.endpoint.host} does not say how large it is`);
  }
  const target = { mediaType: type ?? 'application/octet-stream', digest, size };
  if (!isUnspecific(type) || size > DOCUMENT_BYTES_MAX) return { target };
  const response = await client.request({ ...request, path: `blobs/${digest}`, accept: '*/*' });
  if (response.status !== 200) throw await failureOf(response, what);
  const bytes = await readBounded(response, what);
  const got = digestOf(bytes, algorithmOf(digest));
  if (got !== digest)
    throw new DaemonError('data-loss', `${what}: ${client.endpoint.host} sent other bytes, with the digest ${got}`);
  return { target: { ...target, mediaType: documentTypeIn(bytes) ?? target.mediaType, size: bytes.length }, bytes };
}

/** The type of a manifest or index; undefined for any other bytes. */
function documentTypeIn(bytes: Buffer): string | undefined {
  try {
    const type = mediaTypeInDocument(bytes, 'blob');
    return type !== undefined && ['index', 'manifest'].includes(kindOfMedia(type)) ? type : undefined;
  } catch (error) {
    // Most blobs are no JSON, and need not be.
    if (isKind(error, 'invalid-argument')) return undefined;
    throw error;
  }
}
