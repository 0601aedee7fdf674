import type { Hash } from 'node:crypto';
import { constants, copyFile, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { DaemonError, isErrno } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import type { IngestFile } from '../../core/content/blob-store.js';
import type { BlobOnDisk, Expected } from '../../core/content/content-store.js';
import { algorithmOf, finishDigest, hasherOf, type Digest, type DigestAlgorithm } from '../../spec/digest.js';
import { CHUNK_BYTES } from './blob-file.js';

const FLUSH_AHEAD_BYTES = 8 << 20;

/** Gives a verified and flushed file its digest as name. */
type Publish = (path: string, digest: Digest, size: number) => Promise<void>;

/** The data file of an ingest, with the hash of what is in it. */
export class IngestData implements IngestFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #publish: Publish;
  readonly #algorithm: DigestAlgorithm;
  #hash: Hash;
  #offset = 0;
  #updatedAt: Date;
  #dirty = false;
  #closing: Promise<void> | undefined;
  #flushedTo = 0;
  #ahead: Promise<void> | undefined;
  /** A flush went wrong, so some of the bytes may not be on the disk. */
  #lost: { readonly cause: unknown } | undefined;

  private constructor(path: string, file: FileHandle, updatedAt: Date, algorithm: DigestAlgorithm, publish: Publish) {
    this.#path = path;
    this.#file = file;
    this.#updatedAt = updatedAt;
    this.#algorithm = algorithm;
    this.#hash = hasherOf(algorithm);
    this.#publish = publish;
  }

  /** Opens or makes the file; what is in it is read once, for the hash. */
  static async open(
    path: string,
    algorithm: DigestAlgorithm,
    publish: Publish,
    signal?: AbortSignal,
  ): Promise<IngestData> {
    await unshare(path);
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const { size, mtime } = await file.stat();
      const data = new IngestData(path, file, mtime, algorithm, publish);
      data.#hash = await hashFile(file, size, algorithm, signal);
      data.#offset = size;
      return data;
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  get updatedAt(): Date {
    return this.#updatedAt;
  }

  digest(): Digest {
    return finishDigest(this.#algorithm, this.#hash.copy());
  }

  async write(bytes: Uint8Array): Promise<void> {
    const before = this.#hash.copy();
    const writing = this.#writeAll(bytes);
    this.#hash.update(bytes);
    try {
      await writing;
    } catch (cause) {
      this.#hash = before;
      await this.#file.truncate(this.#offset);
      throw asFull(cause, this.#path);
    }
    this.#offset += bytes.length;
    this.#updatedAt = new Date();
    this.#flushAhead();
  }

  /** Begins to flush what is there while more comes, so that the flush at the end has little left to wait for. */
  #flushAhead(): void {
    if (this.#ahead !== undefined || this.#offset - this.#flushedTo < FLUSH_AHEAD_BYTES) return;
    this.#flushedTo = this.#offset;
    const flush = async () => {
      await this.#file.datasync();
      faultPoint('the bytes of an ingest are flushed');
    };
    this.#ahead = flush()
      .catch((cause: unknown) => {
        // The kernel tells it once for a descriptor: the flush at the end would succeed (fsync(2)).
        this.#lost ??= { cause };
      })
      .finally(() => {
        this.#ahead = undefined;
      });
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    this.#dirty = true;
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#offset + done);
      done += bytesWritten;
    }
  }

  async truncate(offset: number): Promise<void> {
    if (offset < 0 || offset > this.#offset) {
      throw new DaemonError('out-of-range', `truncate to byte ${offset} of an ingest that has ${this.#offset}`);
    }
    if (offset === this.#offset) return;
    const hash = await hashFile(this.#file, offset, this.#algorithm);
    await this.#file.truncate(offset);
    this.#hash = hash;
    this.#offset = offset;
    this.#dirty = true;
    this.#updatedAt = new Date();
  }

  async hold(): Promise<BlobOnDisk> {
    const file = await open(this.#path, 'r');
    return { path: `/proc/${process.pid}/fd/${file.fd}`, [Symbol.asyncDispose]: () => file.close() };
  }

  async publish(expected: Expected): Promise<{ readonly digest: Digest; readonly size: number }> {
    const size = this.#offset;
    if (expected.size !== undefined && expected.size !== size) {
      throw new DaemonError(
        'failed-precondition',
        `unexpected commit size ${size}, expected ${expected.size}: failed precondition`,
      );
    }
    const digest = await this.#digestAs(expected.digest);
    if (expected.digest !== undefined && expected.digest !== digest) {
      throw new DaemonError(
        'failed-precondition',
        `unexpected commit digest ${digest}, expected ${expected.digest}: failed precondition`,
      );
    }
    await this.#ahead;
    if (this.#lost) throw asFull(this.#lost.cause, this.#path);
    await this.#file.chmod(0o444);
    await this.#file.sync();
    faultPoint('the bytes of a blob are flushed');
    this.#dirty = false;
    await this.#publish(this.#path, digest, size);
    return { digest, size };
  }

  async #digestAs(expected: Digest | undefined): Promise<Digest> {
    const algorithm = expected === undefined ? this.#algorithm : algorithmOf(expected);
    if (algorithm === this.#algorithm) return this.digest();
    return finishDigest(algorithm, await hashFile(this.#file, this.#offset, algorithm));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#ahead;
    try {
      // What a resume will count on should survive a power cut where that is cheap; commit verifies all of it anyhow.
      if (!this.#dirty) return;
      await this.#file.datasync();
      faultPoint('the bytes of an ingest are flushed');
    } finally {
      await this.#file.close();
    }
  }
}

async function hashFile(
  file: FileHandle,
  size: number,
  algorithm: DigestAlgorithm,
  signal?: AbortSignal,
): Promise<Hash> {
  const hash = hasherOf(algorithm);
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(size, 1)));
  for (let at = 0; at < size;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) throw new DaemonError('data-loss', `ingest file ends at byte ${at}, expected ${size}`);
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

/** A file that was published already shares its inode with the blob; writing goes on in a copy. */
async function unshare(path: string): Promise<void> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw cause;
  });
  if (!file) return;
  const { nlink } = await file.stat().finally(() => file.close());
  if (nlink === 1) return;
  const copy = `${path}.copy`;
  try {
    await copyFile(path, copy, constants.COPYFILE_FICLONE);
    const writable = await open(copy, 'r+');
    await writable.chmod(0o600).finally(() => writable.close());
    await rename(copy, path);
    faultPoint('an ingest has bytes of its own');
  } catch (cause) {
    await rm(copy, { force: true });
    throw asFull(cause, path);
  }
}

/** A full disk or quota is told as such, with the file that had no room. */
export function asFull(cause: unknown, path: string): unknown {
  if (!isErrno(cause, 'ENOSPC') && !isErrno(cause, 'EDQUOT')) return cause;
  return new DaemonError(
    'resource-exhausted',
    `no space left on the file system of ${path}: free some, or remove images with dist rmi`,
    { cause },
  );
}
