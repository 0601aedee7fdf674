import { constants, open, type FileHandle } from 'node:fs/promises';
import { DaemonError, isErrno, messageOf } from '../../base/errors.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { DOCUMENT_BYTES_MAX } from '../../spec/document.js';

const CHUNK_BYTES = 1 << 20;

/** Bytes of one object: a whole file, or a part of an archive. */
export interface ObjectFile extends AsyncDisposable {
  /** Bytes. */
  readonly size: number;
  /** @param from First byte wanted. @throws data-loss: the file is shorter than it was. */
  chunks(from: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The images of one place. */
export interface ImageFiles {
  /** What there is, with names in the annotations. */
  readonly manifests: readonly Descriptor[];
  /** @throws not-found. */
  open(digest: Digest): Promise<ObjectFile>;
}

/** Opens what must be a regular file, without waiting for anybody. @throws not-found. failed-precondition: it is none. */
export async function openRegular(path: string, followLinks: boolean): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW);
  const file = await open(path, flags).catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR')) {
      throw new DaemonError('not-found', `${path}: not found`, { cause });
    }
    throw new DaemonError('failed-precondition', `${path} can't be opened: ${messageOf(cause)}`, { cause });
  });
  try {
    if ((await file.stat()).isFile()) return file;
    throw new DaemonError('failed-precondition', `${path} is no regular file`);
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

/** The bytes `start` to `start + size` of an open file, which is closed with the object. */
export function partOf(file: FileHandle, start: number, size: number, what: string): ObjectFile {
  return {
    size,
    async *chunks(from, signal) {
      for (let at = from; at < size;) {
        signal?.throwIfAborted();
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, start + at);
        if (bytesRead === 0) throw new DaemonError('data-loss', `${what} ends at byte ${at} of ${size}`);
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** Reads a document whole. @throws invalid-argument: too large. */
export async function readAll(file: ObjectFile, what: string, signal?: AbortSignal): Promise<Buffer> {
  if (file.size > DOCUMENT_BYTES_MAX) {
    throw new DaemonError(
      'invalid-argument',
      `${what} has ${file.size} bytes, more than the ${DOCUMENT_BYTES_MAX} allowed`,
    );
  }
  const parts: Uint8Array[] = [];
  for await (const part of file.chunks(0, signal)) parts.push(part);
  return Buffer.concat(parts);
}
