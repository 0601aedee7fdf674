import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, digestOf, isDigest, type Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX, mediaTypeInDocument } from '../../spec/document.js';
import { parseIndex } from '../../spec/index-document.js';
import { parseManifest } from '../../spec/manifest.js';
import { bareMediaType, kindOfMedia } from '../../spec/media-types.js';
import type { HttpResponse } from './http-messages.js';

/** A descriptor, with the bytes where they had to be read to verify it. */
export interface ResolvedObject {
  readonly target: Descriptor;
  readonly bytes?: Buffer;
}

const UNSPECIFIC = new Set(['', 'text/plain', 'application/json', 'application/octet-stream']);
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** True for a Content-Type that says nothing about what a document is. */
export function isUnspecific(contentType: string | undefined): boolean {
  return UNSPECIFIC.has(bareMediaType(contentType ?? ''));
}

/**
 * Reads a manifest or index, and verifies it.
 *
 * @throws data-loss: other bytes than the pinned digest, or than the registry's own header says. invalid-argument: ambiguous or too large.
 */
export async function readDocument(
  response: HttpResponse,
  pinned: Digest | undefined,
  what: string,
): Promise<ResolvedObject> {
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
  const header = response.header('content-type');
  if (!isUnspecific(header)) return bareMediaType(header ?? '');
  return mediaTypeInDocument(bytes, what) ?? 'application/octet-stream';
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

/** Reads a whole body of at most 4 MiB. @throws invalid-argument: it is larger. unavailable: it takes too long. */
export async function readBounded(response: HttpResponse, what: string): Promise<Buffer> {
  const bytes = await response.whole(DOCUMENT_BYTES_MAX);
  if (bytes) return bytes;
  throw new DaemonError(
    'invalid-argument',
    `${what}: ${response.url.host} sends a manifest of more than ${DOCUMENT_BYTES_MAX} bytes`,
  );
}
