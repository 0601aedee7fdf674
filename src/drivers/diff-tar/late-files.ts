import { isErrno, type DaemonError } from '../../base/errors.js';
import type { DirectoryFiles, Fd, RawName } from '../../core/kernel/directory-files.js';
import type { FileQueue, PlainEntries, PlainLimits } from '../../core/kernel/file-queue.js';
import { explainEntry } from './entry-errors.js';
import type { TarEntry } from './tar-entry.js';

/** Larger files take the kernel so long that to copy them for another thread would gain nothing. */
const CONTENT_BYTES_MAX = 64 * 1024;
/** Of an entry's name, for messages. */
const NAME_BYTES_MAX = 4096;

/** Calls about one name in one directory (the first two arguments), and the position of that directory among the arguments. */
const ABOUT_A_NAME: Partial<Record<keyof DirectoryFiles, number>> = {
  ...{ open: 0, stat: 0, statIfExists: 0, readLink: 0, makeDirectory: 0, makeNode: 0, makeWhiteout: 0, makeSymlink: 1 },
  ...{ unlink: 0, createFile: 0, createForWriting: 0, setMetadata: 0 },
  ...{ getXattr: 0, setXattr: 0, removeXattr: 0, listXattrs: 0 },
};
/** Calls about a file that is open, which is none that waits. */
const ABOUT_AN_OPEN_FILE: ReadonlySet<string> = new Set([
  'write',
  'truncate',
  'setMetadataFd',
] satisfies (keyof DirectoryFiles)[]);

/**
 * Has small files made by another thread while this one reads on. What is called about other names goes on meanwhile; every other call waits
 * until they are there.
 */
export class LateFiles implements Disposable {
  /** The same calls, each of which sees all that was made before, as far as it can see any of it. */
  readonly files: DirectoryFiles;
  readonly #own: DirectoryFiles;
  #queue: FileQueue | undefined;
  #refused = false;
  /** Thrown by whatever call meets it, and told of the entry that it is about. */
  #failure: DaemonError | undefined;
  /** Called before a descriptor is closed. */
  onClose: ((fd: Fd) => void) | undefined;

  constructor(files: DirectoryFiles) {
    this.#own = files;
    this.files = {
      ...ordered(files, (call, args) => {
        this.#before(call, args);
      }),
      // What was opened is closed after a failure, too.
      close: (fd) => {
        if (this.#waits(fd, '.')) this.#drain();
        this.onClose?.(fd);
        files.close(fd);
      },
    };
  }

  /** Waits as long as the call needs it. @throws The failure of a file that waited. */
  #before(call: string, args: readonly unknown[]): void {
    const at = ABOUT_A_NAME[call as keyof DirectoryFiles];
    const isFree =
      at === undefined ? ABOUT_AN_OPEN_FILE.has(call) : !this.#waits(args[at] as Fd, args[at + 1] as RawName);
    if (!isFree) this.settle();
    else if (this.#failure) throw this.#failure;
  }

  #waits(dir: Fd, name: RawName): boolean {
    return this.#queue?.waits(dir, name) === true;
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

  /** What makes plain entries beside this. @returns Undefined: nothing can. @param limits What goes over is not its. */
  openEntries(limits: PlainLimits): PlainEntries | undefined {
    return this.#hasQueue() ? this.#queue?.openEntries(limits) : undefined;
  }

  /** Makes a file that it takes, sooner or later; what is there and no directory gives way. @throws The failure of an earlier one. */
  create(dir: Fd, name: Buffer, entry: TarEntry, content: Buffer): void {
    // Those that wait are made in any order.
    if (this.#waits(dir, name)) this.settle();
    const { mode, uid, gid, mtime } = entry;
    const file = { mode, uid, gid, mtime, content };
    this.#queue?.create(dir, name, file, entry.name.subarray(0, NAME_BYTES_MAX));
  }

  /** Waits until all is there. @throws Why one of them could not be made. */
  settle(): void {
    this.#drain();
    if (this.#failure) throw this.#failure;
  }

  /** Waits until all is there. @returns Why the first that could not be made could not, if there is one. */
  firstFailure(): DaemonError | undefined {
    this.#drain();
    return this.#failure;
  }

  #drain(): void {
    const failed = this.#queue?.settle();
    if (failed) this.#failure ??= explainEntry(failed.error, failed.entry);
  }

  [Symbol.dispose](): void {
    this.#queue?.[Symbol.dispose]();
    this.#queue = undefined;
  }
}

/** The same calls with `before` run before each. */
function ordered(files: DirectoryFiles, before: (call: string, args: readonly unknown[]) => void): DirectoryFiles {
  const wrapped = Object.entries(files as unknown as Record<string, (...args: unknown[]) => unknown>).map(
    ([name, call]) => [
      name,
      (...args: unknown[]) => {
        before(name, args);
        return call(...args);
      },
    ],
  );
  return Object.fromEntries(wrapped) as DirectoryFiles;
}
