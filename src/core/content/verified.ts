import { DaemonError } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { algorithmOf, finishDigest, hasherOf } from '../../spec/digest.js';

/**
 * Hands bytes on while counting and hashing them. Only a consumer that reads to the end has verified bytes: the last step throws
 * where they are not what the descriptor says, and nothing beyond its size is ever handed on.
 *
 * @throws data-loss: more or fewer bytes than the descriptor's size, or another digest.
 */
export async function* verified(source: AsyncIterable<Uint8Array>, want: Descriptor): AsyncGenerator<Uint8Array, void> {
  const algorithm = algorithmOf(want.digest);
  const hash = hasherOf(algorithm);
  let size = 0;
  for await (const bytes of source) {
    size += bytes.length;
    if (size > want.size)
      throw new DaemonError('data-loss', `${want.digest} has more than the ${want.size} bytes it should have`);
    hash.update(bytes);
    yield bytes;
  }
  if (size < want.size) throw new DaemonError('data-loss', `${want.digest} ends after ${size} of ${want.size} bytes`);
  const got = finishDigest(algorithm, hash);
  if (got !== want.digest)
    throw new DaemonError('data-loss', `${want.digest}: the bytes that came have the digest ${got}`);
}

/** Reads a small object whole and verified. @param maxBytes Refuses larger ones before reading. */
export async function readVerified(
  source: AsyncIterable<Uint8Array>,
  want: Descriptor,
  maxBytes: number,
): Promise<Buffer> {
  if (want.size > maxBytes) {
    throw new DaemonError(
      'invalid-argument',
      `${want.digest} has ${want.size} bytes, more than the ${maxBytes} allowed for its kind`,
    );
  }
  const parts: Uint8Array[] = [];
  for await (const bytes of verified(source, want)) parts.push(bytes);
  return Buffer.concat(parts);
}
