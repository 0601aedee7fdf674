import { isErrno, type DaemonError } from '../../base/errors.js';
import type { DirectoryFiles, Fd, FileQueue } from '../../core/kernel/directory-files.js';
import { explainEntry } from './entry-errors.js';
import type { TarEntry } from './tar-entry.js';

/** Larger files take the kernel so long that to copy them for another thread would gain nothing. */
const CONTENT_BYTES_MAX = 64 * 1024;
/** Small ones that wait at most, so that what is remembered of them is bounded. */
const WAITING_MAX = 1024;

/** Has small files made by another thread while this one reads on. Every other call on files waits until they are there. */
export class LateFiles implements Disposable {
  /** The same calls, each of which sees all that was made before. */
  readonly files: DirectoryFiles;
  /** Thrown by whatever call met it, and told of the entry that it is about. */
  failure: DaemonError | undefined;
  readonly #own: DirectoryFiles;
  #queue: FileQueue | undefined;
  #refused = false;
  #waiting: TarEntry[] = [];

  constructor(files: DirectoryFiles) {
    this.#own = files;
    const settled = settledBefore(files, () => {
      this.settle();
    });
    this.files = {
      ...settled,
      // What was opened is closed after a failure, too.
      close: (fd) => {
        this.#drain();
        files.close(fd);
      },
    };
  }

  /** Whether a file is one for this. @param content All of it. */
  takes(entry: TarEntry, content: Buffer): boolean {
    const isPlain = entry.atime === undefined && entry.xattrs === undefined;
    return isPlain && content.length <= CONTENT_BYTES_MAX && this.#hasQueue();
  }

  /** Without a thread to spare, files are made by this one. */
  #hasQueue(): boolean {
    if (this.#queue !== undefined || this.#refused) return this.#queue !== undefined;
    try {
      this.#queue = this.#own.openQueue();
    } catch (cause) {
      if (!isErrno(cause, 'EAGAIN')) throw cause;
      this.#refused = true;
    }
    return this.#queue !== undefined;
  }

  /** Makes a file that it takes, sooner or later; what is there and no directory gives way. @throws The failure of an earlier one. */
  create(dir: Fd, name: Buffer, entry: TarEntry, content: Buffer): void {
    if (this.#waiting.length >= WAITING_MAX) this.settle();
    const { mode, uid, gid, mtime } = entry;
    this.#queue?.create(dir, name, { mode, uid, gid, mtime, content });
    this.#waiting.push(entry);
  }

  /** Waits until all is there. @throws Why one of them could not be made. */
  settle(): void {
    this.#drain();
    if (this.failure) throw this.failure;
  }

  #drain(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const failed = this.#queue?.settle();
    const entry = failed && waiting[failed.at];
    if (entry) this.failure ??= explainEntry(failed.error, entry);
  }

  [Symbol.dispose](): void {
    this.#queue?.[Symbol.dispose]();
    this.#queue = undefined;
    this.#waiting = [];
  }
}

/** The same calls with `before` run before each. */
function settledBefore(files: DirectoryFiles, before: () => void): DirectoryFiles {
  const wrapped = Object.entries(files as unknown as Record<string, (...args: unknown[]) => unknown>).map(
    ([name, call]) => [
      name,
      (...args: unknown[]) => {
        before();
        return call(...args);
      },
    ],
  );
  return Object.fromEntries(wrapped) as DirectoryFiles;
}
