import { DaemonError } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import type { SparseSegment, TarEntry } from './tar-entry.js';

/** Fills one regular file piece by piece, holes left out, and gives it owner, mode and times at the end. */
export class FileWriter implements Disposable {
  readonly #files: DirectoryFiles;
  readonly #entry: TarEntry;
  readonly #segments: readonly SparseSegment[];
  #fd: Fd | undefined;
  #segment = 0;
  #inSegment = 0;

  /** @param fd Open for writing, empty; the writer closes it. */
  constructor(files: DirectoryFiles, fd: Fd, entry: TarEntry) {
    this.#files = files;
    this.#fd = fd;
    this.#entry = entry;
    this.#segments = entry.sparse ?? [{ offset: 0, length: entry.sizeBytes }];
  }

  write(bytes: Buffer): void {
    const fd = this.#open();
    for (let at = 0; at < bytes.length;) {
      const segment = this.#segments[this.#segment];
      if (segment === undefined) throw new DaemonError('internal', 'layer: more data than a file has room for');
      const count = Math.min(segment.length - this.#inSegment, bytes.length - at);
      this.#files.write(fd, bytes.subarray(at, at + count), segment.offset + this.#inSegment);
      at += count;
      this.#inSegment += count;
      if (this.#inSegment < segment.length) continue;
      this.#segment += 1;
      this.#inSegment = 0;
    }
  }

  finish(): void {
    const fd = this.#open();
    const { uid, gid, mode, mtime, atime, sizeBytes, sparse } = this.#entry;
    if (sparse) this.#files.truncate(fd, sizeBytes);
    this.#files.setMetadataFd(fd, { uid, gid, mode, mtime, ...(atime ? { atime } : {}) });
    this[Symbol.dispose]();
  }

  #open(): Fd {
    if (this.#fd !== undefined) return this.#fd;
    throw new DaemonError('internal', 'layer: a file was written after it was closed');
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    this.#files.close(this.#fd);
    this.#fd = undefined;
  }
}
