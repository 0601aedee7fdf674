import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import { findInflater, inflated } from './inflate-process.js';
import { broken, hashed, keepText, type LayerStream, type Packing, type UnpackKernel } from './layer-stream.js';

const READ_BYTES = 256 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** Below this a process takes longer to start than it saves. */
const PROCESS_BYTES_MIN = 1024 * 1024;
/** Memory that a zstd stream may ask for. */
const ZSTD_WINDOW_MIB = 128;

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

/** What was found by the first that looked: its library was installed with the daemon, or was not. */
let found: { readonly inflater: string | undefined } | undefined;

async function inflaterOf({ programs }: UnpackKernel): Promise<string | undefined> {
  found ??= { inflater: await findInflater(programs) };
  return found.inflater;
}

/**
 * Opens a layer for one reading from start to end. Exactly one layer of packing is taken off.
 *
 * @throws failed-precondition: zstd without its program. While reading: data-loss when the stream is cut or broken.
 */
export async function openLayer(path: string, kernel: UnpackKernel): Promise<LayerStream> {
  switch (detectPacking(path)) {
    case 'none':
      return hashed(plain(path));
    case 'gzip': {
      const inflater = statSync(path).size < PROCESS_BYTES_MIN ? undefined : await inflaterOf(kernel);
      return inflater === undefined ? hashed(gunzip(path)) : inflated(path, inflater, kernel);
    }
    case 'zstd': {
      const zstd = await kernel.programs.find('zstd');
      if (zstd !== undefined) return hashed(unzstd(path, zstd, kernel));
      throw new DaemonError(
        'failed-precondition',
        'the layer is packed by zstd and the program zstd is missing: install the package zstd',
      );
    }
  }
}

type Unhashed = Omit<LayerStream, 'diffId'>;

function plain(path: string): Unhashed {
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return { chunks: file as AsyncIterable<Buffer>, bytesRead: () => file.bytesRead };
}

function gunzip(path: string): Unhashed {
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

function unzstd(path: string, program: string, kernel: UnpackKernel): Unhashed {
  let source: Fd | undefined;
  let position = 0;
  const look = () => {
    if (source !== undefined) position = offsetOf(source);
  };
  async function* chunks(): AsyncIterable<Buffer> {
    source = openSync(path, 'r');
    try {
      yield* outputOf(kernel, { program, args: ['-dcq', `--memory=${ZSTD_WINDOW_MIB}MB`], stdin: source });
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
    if (code !== 0) throw broken('zstd', complaint() || `${program} ended with ${signal ?? code}`);
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

/** Where the offset of a descriptor stands that a child reads from too. */
function offsetOf(fd: Fd): number {
  return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
}
