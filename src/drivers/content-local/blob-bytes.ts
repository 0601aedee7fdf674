import type { BlobReader, Chunk, ChunkRange } from '../../core/content/content-store.js';
import type { Digest } from '../../spec/digest.js';
import { checkedRange } from './byte-range.js';

/** A small blob, read whole when it was opened. */
export class BlobBytes implements BlobReader {
  readonly digest: Digest;
  readonly size: number;
  readonly path: string;
  readonly #bytes: Uint8Array;

  /** @param bytes All of the blob; no more than a chunk may have. */
  constructor(digest: Digest, path: string, bytes: Uint8Array) {
    this.digest = digest;
    this.size = bytes.length;
    this.path = path;
    this.#bytes = bytes;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the port's form; these bytes are there already
  async *chunks(range?: ChunkRange, signal?: AbortSignal): AsyncGenerator<Chunk> {
    const { from, to } = checkedRange(this, range);
    signal?.throwIfAborted();
    if (from < to) yield { offset: from, bytes: this.#bytes.subarray(from, to) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
