import type { FileHandle } from 'node:fs/promises';
import { DaemonError } from '../../base/errors.js';
import type { BlobReader, Chunk, ChunkRange } from '../../core/content/content-store.js';
import type { Digest } from '../../spec/digest.js';
import { checkedRange } from './byte-range.js';

/** Bytes of one chunk, as the port bounds it. */
export const CHUNK_BYTES = 1 << 20;

/** A blob by its open file, so that removing its name cuts nobody off. */
export class BlobFile implements BlobReader {
  readonly digest: Digest;
  readonly size: number;
  readonly path: string;
  readonly #file: FileHandle;
  #closing: Promise<void> | undefined;

  constructor(digest: Digest, size: number, path: string, file: FileHandle) {
    this.digest = digest;
    this.size = size;
    this.path = path;
    this.#file = file;
  }

  async *chunks(range?: ChunkRange, signal?: AbortSignal): AsyncGenerator<Chunk> {
    const { from, to } = checkedRange(this, range);
    const lent = range?.lent ? Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from)) : undefined;
    for (let at = from; at < to;) {
      signal?.throwIfAborted();
      const length = Math.min(CHUNK_BYTES, to - at);
      const { bytesRead, buffer } = await this.#file.read(lent ?? Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) {
        throw new DaemonError(
          'data-loss',
          `content ${this.digest}: the file ends at byte ${at} of ${this.size}; pull again`,
        );
      }
      yield { offset: at, bytes: buffer.subarray(0, bytesRead) };
      at += bytesRead;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }
}
