import type { DeviceNumber, FileTime } from '../../core/kernel/directory-files.js';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** A run of data in a sparse file; what lies between runs is a hole. */
export interface SparseSegment {
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
}

/** One member of a tar archive with all its extended headers applied. Names are bytes, without any NUL. */
export interface TarEntry {
  readonly type: TarEntryType;
  readonly name: Buffer;
  /** Target of a symbolic or hard link; empty for others. */
  readonly link: Buffer;
  /** Permission bits with set-user-ID, set-group-ID and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data in the archive; of a sparse file only its segments. */
  readonly storedBytes: number;
  /** Bytes of the file: as `storedBytes`, unless sparse. */
  readonly sizeBytes: number;
  readonly sparse?: readonly SparseSegment[];
  readonly mtime: FileTime;
  /** Absent where the archive does not say. */
  readonly atime?: FileTime;
  readonly device: DeviceNumber;
  /** Extended attributes by name; keys are latin1 strings of the raw bytes. */
  readonly xattrs?: ReadonlyMap<string, Buffer>;
}

/** What a {@link TarParser} calls, in the order of the archive. */
export interface TarSink {
  /**
   * Takes whole entries by itself, where it can: those that lie one after another from `at` on, which is where an entry begins, or where
   * the piece before ended midway.
   *
   * @returns Where it left off, or -1: the piece ended midway in an entry.
   */
  run?(piece: Buffer, at: number): number;
  /** @param whole All stored data of the entry, if it lay in one piece: neither `data` nor `end` is called then. */
  entry(entry: TarEntry, whole: Buffer | undefined): void;
  data(bytes: Buffer): void;
  end(): void;
}
