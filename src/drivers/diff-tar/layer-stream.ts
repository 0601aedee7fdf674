import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DaemonError } from '../../base/errors.js';
import type { Checksums } from '../../core/kernel/checksums.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import type { Memory } from '../../core/kernel/memory.js';
import type { Programs } from '../../core/kernel/programs.js';
import { finishDigest, type Digest } from '../../spec/digest.js';

const STDERR_BYTES_MAX = 4096;

export type Packing = 'none' | 'gzip' | 'zstd';

/** What unpacking needs of the kernel. */
export interface UnpackKernel {
  readonly programs: Programs;
  readonly descriptors: Descriptors;
  readonly files: DirectoryFiles;
  readonly memory: Pick<Memory, 'share'>;
  readonly checksums: Checksums;
}

/** The uncompressed bytes of a layer, and how far the compressed ones were read. */
export interface LayerStream {
  /** Each piece is good until the next one is asked for. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Compressed bytes taken in so far. */
  bytesRead(): number;
  /** The sha256 of all chunks, once they were all read. */
  diffId(): Digest;
}

/** Hashes in this thread what another way of reading brings. */
export function hashed({ chunks, bytesRead }: Omit<LayerStream, 'diffId'>): LayerStream {
  const hash = createHash('sha256');
  async function* through(): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  }
  return { chunks: through(), bytesRead, diffId: () => finishDigest('sha256', hash) };
}

/** The error for a stream that does not end as it should. */
export function broken(packing: Packing, why: string, cause?: unknown): DaemonError {
  return new DaemonError('data-loss', `the ${packing} stream of the layer is cut or broken: ${why}`, { cause });
}

/** What a program says to its stderr, up to a limit, in one line. */
export function keepText(stream: Readable | undefined): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    if (text.length < STDERR_BYTES_MAX) text += chunk.toString('utf8');
  });
  return () =>
    text
      .slice(0, STDERR_BYTES_MAX)
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ');
}
