import { createHash, type Hash } from 'node:crypto';
import { DaemonError } from '../base/errors.js';

/** `algorithm:hex` of exact bytes (OCI image-spec, descriptor.md, "Digests"); made by parseDigest or digestOf only. */
export type Digest = string & { readonly __digest: never };

const HEX_LENGTHS = { sha256: 64, sha384: 96, sha512: 128 } as const;

/** The hash algorithms that we verify. */
export type DigestAlgorithm = keyof typeof HEX_LENGTHS;

const GRAMMAR = /^(sha256|sha384|sha512):([0-9a-f]+)$/;

/** True when `text` is a digest of a known algorithm with the right number of lower-case hex digits. */
export function isDigest(text: string): text is Digest {
  const match = GRAMMAR.exec(text);
  return match !== null && match[2]?.length === HEX_LENGTHS[match[1] as DigestAlgorithm];
}

/** @throws invalid-argument: not `sha256:`, `sha384:` or `sha512:` with its full count of lower-case hex digits. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new DaemonError(
    'invalid-argument',
    `digest ${JSON.stringify(text.slice(0, 160))} is not of the form sha256:<64 hex digits>: invalid digest format`,
  );
}

/** The algorithm of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

/** The hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** A running hash for that algorithm. */
export function hasherOf(algorithm: DigestAlgorithm): Hash {
  return createHash(algorithm);
}

/** The digest that a running hash has come to; ends the hash. */
export function finishDigest(algorithm: DigestAlgorithm, hash: Hash): Digest {
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}

/** The sha256 digest of bytes in memory. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return finishDigest(algorithm, createHash(algorithm).update(bytes));
}
