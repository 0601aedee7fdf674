import { createReadStream, openSync, closeSync, readSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { Programs } from '../../core/kernel/programs.js';

const READ_BYTES = 256 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Memory that a zstd stream may ask for. */
const ZSTD_WINDOW_MIB = 128;
const STDERR_BYTES_MAX = 4096;

export type Packing = 'none' | 'gzip' | 'zstd';

/** The uncompressed bytes of a layer, and how far the compressed ones were read. */
export interface LayerStream {
  readonly chunks: AsyncIterable<Buffer>;
  /** Compressed bytes taken in so far. */
  bytesRead(): number;
}

/** What the first bytes of a file say of its packing (RFC 1952; RFC 8878), whatever its media type claims. */
export function detectPacking(path: string): Packing {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4);
    readSync(fd, head, 0, 4, 0);
    if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
    const magic = head.readUInt32LE(0);
    return magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50 ? 'zstd' : 'none';
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens a layer for one reading from start to end. Exactly one layer of packing is taken off.
 *
 * @throws failed-precondition: zstd without its program. While reading: data-loss when the stream is cut or broken.
 */
export function openLayer(path: string, programs: Programs): LayerStream {
  switch (detectPacking(path)) {
    case 'none':
      return plain(path);
    case 'gzip':
      return gunzip(path);
    case 'zstd':
      return unzstd(path, programs);
  }
}

function plain(path: string): LayerStream {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return { chunks: file as AsyncIterable<Buffer>, bytesRead: () => file.bytesRead };
}

function gunzip(path: string): LayerStream {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  return { chunks: gunzipped(file), bytesRead: () => file.bytesRead };
}

async function* gunzipped(file: Readable): AsyncIterable<Buffer> {
  const inflate = createGunzip({ chunkSize: CHUNK_BYTES });
  file.once('error', (cause) => inflate.destroy(cause));
  file.pipe(inflate);
  try {
    for await (const chunk of inflate) yield chunk as Buffer;
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw new DaemonError('data-loss', `the gzip stream of the layer is cut or broken: ${messageOf(cause)}`, { cause });
  } finally {
    file.destroy();
    inflate.destroy();
  }
}

function isZlibError(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('Z_');
}

function unzstd(path: string, programs: Programs): LayerStream {
  const fd = openSync(path, 'r');
  let position = 0;
  return {
    chunks: unzstdFrom(fd, programs, () => (position = offsetOf(fd))),
    bytesRead: () => (position = Math.max(position, offsetOf(fd))),
  };
}

async function* unzstdFrom(fd: number, programs: Programs, closing: () => void): AsyncIterable<Buffer> {
  try {
    const program = await programs.find('zstd');
    if (program === undefined) {
      throw new DaemonError(
        'failed-precondition',
        'the layer is packed by zstd and the program zstd is missing: install the package zstd',
      );
    }
    const args = ['-dcq', `--memory=${ZSTD_WINDOW_MIB}MB`];
    await using running = await programs.start(program, args, { stdin: fd, stdout: 'pipe', stderr: 'pipe' });
    const complaint = keepText(running.stderr);
    for await (const chunk of running.stdout ?? []) yield chunk as Buffer;
    const { code, signal } = await running.ended;
    if (code !== 0) {
      throw new DaemonError(
        'data-loss',
        `the zstd stream of the layer is cut or broken: ${complaint() || `zstd ended with ${signal ?? code}`}`,
      );
    }
  } finally {
    closing();
    closeSync(fd);
  }
}

function keepText(stream: Readable | undefined): () => string {
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

/** Where the offset of a descriptor stands that a child reads from too; 0 once it is closed. */
function offsetOf(fd: number): number {
  try {
    return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
