import { DaemonError } from '../../base/errors.js';
import type { ResolveOptions } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, digestOf, isDigest, type Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, DOCUMENT_TYPES, mediaTypeInDocument } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest } from '../../spec/manifest.js';
import { bareMediaType, kindOfMedia } from '../../spec/media-types.js';
import { failureOf } from './failure.js';
import type { RepositoryClient } from './repository-client.js';
import type { HttpResponse } from './transport.js';

/** A descriptor, with the bytes where they had to be read to verify it. */
export interface ResolvedObject {
  readonly target: Descriptor;
  readonly bytes?: Buffer;
}

const UNSPECIFIC = new Set(['', 'text/plain', 'application/json', 'application/octet-stream']);
/** A registry that is not there is most likely a name mistyped. */
const CONNECT_TRIES = 3;
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

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
  options: ResolveOptions,
): Promise<ResolvedObject> {
  const { onWait, signal } = options;
  const accept = options.mediaTypes?.join(', ') ?? [...DOCUMENT_TYPES, '*/*'].join(', ');
  const response = await client.request({
    method: 'GET',
    connectTries: CONNECT_TRIES,
    path: `manifests/${pinned ?? tag}`,
    accept,
    what,
    onWait,
    signal,
  });
  if (response.status === 200) return readDocument(response, pinned, what);
  const mayBeBlob = pinned !== undefined && (response.status === 404 || response.status === 400);
  if (!mayBeBlob) throw await failureOf(response, what);
  await response.discard();
  return { target: await blobDescriptor(client, pinned, what, options) };
}

async function readDocument(response: HttpResponse, pinned: Digest | undefined, what: string): Promise<ResolvedObject> {
  const bytes = await readBounded(response, what);
  const digest = digestOf(bytes, pinned === undefined ? 'sha256' : algorithmOf(pinned));
  if (pinned !== undefined && digest !== pinned) {
    throw new DaemonError(
      'data-loss',
      `${what}: ${response.url.host} sent other bytes, with the digest ${digest}; don't use this registry`,
    );
  }
  checkHeaderDigest(response, bytes, what);
  const target = { mediaType: documentType(response, bytes, what), digest, size: bytes.length };
  checkDocument(bytes, target.mediaType, what);
  return { target, bytes };
}

/** A header that differs from the body means that something between us and the registry is broken; the body would be the wrong one. */
function checkHeaderDigest(response: HttpResponse, bytes: Buffer, what: string): void {
  const said = response.header('docker-content-digest');
  if (said === undefined) return;
  const got = isDigest(said) ? digestOf(bytes, algorithmOf(said)) : undefined;
  if (got === said) return;
  const host = response.url.host;
  throw new DaemonError(
    'data-loss',
    `${what}: ${host} says the digest is ${JSON.stringify(said.slice(0, 160))}, but it is ${got ?? digestOf(bytes)}; try again, or ask who runs ${host}`,
  );
}

function documentType(response: HttpResponse, bytes: Buffer, what: string): string {
  const header = bareMediaType(response.header('content-type') ?? '');
  return UNSPECIFIC.has(header) ? (mediaTypeInDocument(bytes, what) ?? 'application/octet-stream') : header;
}

function checkDocument(bytes: Buffer, mediaType: string, what: string): void {
  if (SCHEMA_1.test(mediaType)) {
    throw new DaemonError(
      'invalid-argument',
      `${what} is a Docker schema 1 image, which nobody should use any longer; push it again with a newer tool`,
    );
  }
  const kind = kindOfMedia(mediaType);
  if (kind === 'manifest') parseManifest(bytes, mediaType, what);
  if (kind === 'index') parseIndex(bytes, mediaType, what);
}

async function readBounded(response: HttpResponse, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of response.body()) {
    size += bytes.length;
    if (size > DOCUMENT_BYTES_MAX) {
      throw new DaemonError(
        'invalid-argument',
        `${what}: ${response.url.host} sends a manifest of more than ${DOCUMENT_BYTES_MAX} bytes`,
      );
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

async function blobDescriptor(
  client: RepositoryClient,
  digest: Digest,
  what: string,
  options: ResolveOptions,
): Promise<Descriptor> {
  const { onWait, signal } = options;
  const response = await client.request({
    method: 'HEAD',
    path: `blobs/${digest}`,
    accept: '*/*',
    what,
    onWait,
    signal,
  });
  if (response.status !== 200) throw await failureOf(response, what);
  await response.discard();
  const size = Number(response.header('content-length') ?? Number.NaN);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new DaemonError('unavailable', `${what}: ${response.url.host} does not say how large it is`);
  }
  return { mediaType: response.header('content-type') ?? 'application/octet-stream', digest, size };
}
