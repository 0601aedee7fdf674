import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import type { Programs } from '../../core/kernel/programs.js';

const READ_BYTES = 256 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Below this a program takes longer to start than it saves. */
const PROGRAM_BYTES_MIN = 1024 * 1024;
/** Memory that a zstd stream may ask for. */
const ZSTD_WINDOW_MIB = 128;
const STDERR_BYTES_MAX = 4096;

export type Packing = 'none' | 'gzip' | 'zstd';

/** What unpacking needs of the kernel. */
export interface UnpackKernel {
  readonly programs: Programs;
  readonly descriptors: Descriptors;
  readonly files: DirectoryFiles;
}

/** The uncompressed bytes of a layer, and how far the compressed ones were read. */
export interface LayerStream {
  /** Each piece is good until the next one is asked for. */
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
export async function openLayer(path: string, kernel: UnpackKernel): Promise<LayerStream> {
  switch (detectPacking(path)) {
    case 'none':
      return plain(path);
    case 'gzip': {
      // By a third less CPU time than zlib in this process, measured with the pipe between.
      const igzip = statSync(path).size < PROGRAM_BYTES_MIN ? undefined : await kernel.programs.find('igzip');
      return igzip === undefined ? gunzip(path) : byProgram(path, kernel, 'gzip', igzip, ['-dc']);
    }
    case 'zstd': {
      const zstd = await kernel.programs.find('zstd');
      if (zstd !== undefined) return byProgram(path, kernel, 'zstd', zstd, ['-dcq', `--memory=${ZSTD_WINDOW_MIB}MB`]);
      throw new DaemonError(
        'failed-precondition',
        'the layer is packed by zstd and the program zstd is missing: install the package zstd',
      );
    }
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
    throw broken('gzip', messageOf(cause), cause);
  } finally {
    file.destroy();
    inflate.destroy();
  }
}

function isZlibError(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && cause.code.startsWith('Z_');
}

function broken(packing: Packing, why: string, cause?: unknown): DaemonError {
  return new DaemonError('data-loss', `the ${packing} stream of the layer is cut or broken: ${why}`, { cause });
}

function byProgram(
  path: string,
  kernel: UnpackKernel,
  packing: Packing,
  program: string,
  args: readonly string[],
): LayerStream {
  let source: Fd | undefined;
  let position = 0;
  const look = () => {
    if (source !== undefined) position = offsetOf(source);
  };
  async function* chunks(): AsyncIterable<Buffer> {
    source = openSync(path, 'r');
    try {
      yield* outputOf(kernel, packing, { program, args, stdin: source });
    } finally {
      look();
      closeSync(source);
      source = undefined;
    }
  }
  return {
    chunks: chunks(),
    bytesRead: () => {
      look();
      return position;
    },
  };
}

/** Reads the pipe without the event loop: this thread has nothing else to do. */
async function* outputOf(
  { programs, descriptors, files }: UnpackKernel,
  packing: Packing,
  command: { readonly program: string; readonly args: readonly string[]; readonly stdin: Fd },
): AsyncIterable<Buffer> {
  const pipe = widePipe(descriptors);
  let writeEnd: Fd | undefined = pipe.write;
  try {
    const { program, args, stdin } = command;
    await using running = await programs.start(program, args, { stdin, stdout: pipe.write, stderr: 'pipe' });
    const complaint = keepText(running.stderr);
    descriptors.close(pipe.write);
    writeEnd = undefined;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let count = files.read(pipe.read, buffer); count > 0; count = files.read(pipe.read, buffer)) {
      yield buffer.subarray(0, count);
    }
    const { code, signal } = await running.ended;
    if (code !== 0) throw broken(packing, complaint() || `${program} ended with ${signal ?? code}`);
  } finally {
    if (writeEnd !== undefined) descriptors.close(writeEnd);
    descriptors.close(pipe.read);
  }
}

function widePipe(descriptors: Descriptors): { readonly read: Fd; readonly write: Fd } {
  const pipe = descriptors.pipe();
  try {
    descriptors.setPipeSize(pipe.write, CHUNK_BYTES);
  } catch (cause) {
    // The user's limit for pipes is reached; a narrow one does as well.
    if (!isKind(cause, 'permission-denied')) throw cause;
  }
  return pipe;
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

/** Where the offset of a descriptor stands that a child reads from too. */
function offsetOf(fd: Fd): number {
  return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
}
