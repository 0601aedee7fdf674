import type { Fd, FileTime, NewFile, RawName } from './file-types.js';

/** Files that another thread makes, in any order, while this one goes on; where this one has to wait, it makes some itself. For one caller. */
export interface FileQueue extends Disposable {
  /**
   * As createFile, but later, and whatever has the name and is no directory gives way. `dir` must stay open until `settle`, and no other
   * file of that name may wait. Waits while some MiB of files wait.
   *
   * @param entry What it is called if it can't be made: at most 4096 bytes.
   */
  create(dir: Fd, name: RawName, file: NewFile, entry: Uint8Array): void;
  /** Whether a file of that name may wait; of `.`, whether one in that directory may, and of a path any. */
  waits(dir: Fd, name: RawName): boolean;
  /** Waits until all files are there. @returns The first that could not be made since the last time, and why. */
  settle(): { readonly entry: Buffer; readonly error: Error } | undefined;
  /**
   * Has plain entries made by this queue and beside it. To be disposed before the queue.
   *
   * @param limits What goes over is left to the caller.
   * @returns Undefined: the library that it needs is not there.
   */
  openEntries(limits: PlainLimits): PlainEntries | undefined;
  /** Files that still wait are not made. */
  [Symbol.dispose](): void;
}

/** Of names, and of the extended header before an entry. */
export interface PlainLimits {
  readonly maxPathBytes: number;
  readonly maxPathDepth: number;
  readonly maxPaxBytes: number;
}

/** What became of a piece of an archive. */
export interface TakenEntries {
  /** Where it was left: at an entry that is not plain, or where enough was done at a time. */
  readonly next: number;
  /** The piece ended in the data of an entry, and the next one goes on there. */
  readonly midway: boolean;
  /** How many entries were made, and the inodes and bytes that they use. */
  readonly entries: number;
  readonly inodes: number;
  readonly bytes: number;
  readonly records: readonly EntryRecord[];
  /** What went wrong, and with which entry; undefined there for one that waited in the queue. */
  readonly failed: { readonly entry: Buffer | undefined; readonly error: Error } | undefined;
}

/** An entry that was made. All texts are latin1 of the raw bytes. */
export type EntryRecord =
  /** Where those after it are: a path below the root. */
  | { readonly kind: 'place'; readonly path: string }
  /** `rest` follows the path in the file's line of an inventory (core/fsck), or is its content where a disk may have other times. */
  | { readonly kind: 'file'; readonly name: string; readonly rest: string }
  | { readonly kind: 'directory'; readonly name: string; readonly directory: MadeDirectory };

/** A directory with owner and mode of its entry. */
export interface MadeDirectory {
  /** Open (O_PATH) and the caller's. */
  readonly fd: Fd;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Its entry's modification time; not set yet. */
  readonly mtime: FileTime;
  /** It has extended attributes that no entry gave it. */
  readonly hasXattrs: boolean;
}

/**
 * Parses and makes those entries of a layer's tar archive that need no thought: files, symbolic links and directories of new names in
 * directories that it was told of, with headers that say all in the plainest form, but for a long name and an exact time. Everything else is the caller's. Paths are below the
 * root, without slashes around them; that of the root is empty.
 */
export interface PlainEntries extends Disposable {
  /** A directory of the layer, in whose place nothing is made. */
  know(path: Uint8Array): void;
  /** A directory that entries may go into, until `leave`, which comes before its descriptor is closed. */
  enter(path: Uint8Array, fd: Fd): void;
  leave(fd: Fd): void;
  /**
   * @param at Where an entry begins, or where the piece before ended midway.
   * @param left How many entries at most.
   */
  take(piece: Uint8Array, at: number, left: number): TakenEntries;
}
