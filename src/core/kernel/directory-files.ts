import type { FileQueue } from './file-queue.js';
import type { Fd, FileTime, NewFile, RawName } from './file-types.js';

export type { Fd, FileTime, RawName } from './file-types.js';

/** Major and minor number of a device. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** What fstatat(2) tells. */
export interface FileStat {
  /** Type and permission bits, as in st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Units of 512 bytes that are really allocated. */
  readonly blocks: number;
  readonly nlink: number;
  /** Together with `ino` names the file while it exists. */
  readonly dev: number;
  readonly ino: bigint;
  /** The device that a device node stands for; 0/0 for all others, and for an overlay whiteout. */
  readonly rdev: DeviceNumber;
  readonly atime: FileTime;
  readonly mtime: FileTime;
  readonly ctime: FileTime;
}

/** Type of a directory entry; `unknown` where the file system does not tell. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket' | 'unknown';

export interface DirectoryEntry {
  readonly name: Buffer;
  /** The name as latin1. */
  readonly text: string;
  readonly type: EntryType;
}

/** Owner, mode and times that a file shall have. What is absent stays as it is. */
export interface FileMetadata {
  readonly uid?: number;
  readonly gid?: number;
  /** Permission bits with set-user-ID, set-group-ID and sticky. Ignored for a symbolic link, which has none. */
  readonly mode?: number;
  readonly mtime?: FileTime;
  /** Absent: as `mtime`. */
  readonly atime?: FileTime;
}

/** What a node made by {@link DirectoryFiles.makeNode} is. */
export type NodeKind = 'char' | 'block' | 'fifo';

/**
 * File operations relative to an open directory, synchronous: for worker threads that apply or compare layers.
 *
 * `name` may be a relative path, but only `open` resolves one safely against hostile links: all others follow
 * symbolic links in its directories, so hostile input passes one component at a time. None follows a link in the last
 * component. Names hold no NUL byte. Modes are exact: no call depends on the umask. Every method throws SyscallError.
 */
export interface DirectoryFiles {
  /** Opens a directory by an ordinary path, where a tree begins. */
  openDirectory(path: string): Fd;
  /**
   * openat2(2).
   *
   * @param flags Of OPEN, combined by `|`.
   * @param resolve Of RESOLVE, combined by `|`; 0 resolves as open(2) does.
   * @param mode Of a file that is created; exact with OPEN.exclusive.
   */
  open(dir: Fd, path: RawName, flags: number, resolve: number, mode?: number): Fd;
  close(fd: Fd): void;

  stat(dir: Fd, name: RawName): FileStat;
  /** As `stat`, but undefined for what does not exist (ENOENT). */
  statIfExists(dir: Fd, name: RawName): FileStat | undefined;
  statFd(fd: Fd): FileStat;
  /** All entries but `.` and `..`, in the order of the file system. `fd` must be open for reading; it is read from its start. */
  list(fd: Fd): DirectoryEntry[];
  readLink(dir: Fd, name: RawName): Buffer;

  makeDirectory(dir: Fd, name: RawName, mode: number): void;
  makeNode(dir: Fd, name: RawName, kind: NodeKind, mode: number, device: DeviceNumber): void;
  /** A character device 0/0: how overlayfs marks what an upper layer deletes. */
  makeWhiteout(dir: Fd, name: RawName): void;
  makeSymlink(target: RawName, dir: Fd, name: RawName): void;
  /** A hard link; a symbolic link is linked itself, not followed. */
  link(fromDir: Fd, from: RawName, toDir: Fd, to: RawName): void;
  /** @param options.noReplace EEXIST instead of replacing `to`. */
  rename(fromDir: Fd, from: RawName, toDir: Fd, to: RawName, options?: { readonly noReplace?: boolean }): void;
  /** Removes anything but a directory. */
  unlink(dir: Fd, name: RawName): void;
  /** Removes an empty directory. */
  removeDirectory(dir: Fd, name: RawName): void;
  /** Removes whatever is there, with all beneath it, crossing no link; nothing there is no error. */
  removeTree(dir: Fd, name: RawName): void;

  /** Creates, fills, and sets owner, mode and time, in one call. EEXIST if there is anything of that name. */
  createFile(dir: Fd, name: RawName, file: NewFile): void;
  /** Starts a thread that makes files. @throws SyscallError EAGAIN: there are too many threads. */
  openQueue(): FileQueue;
  /** Creates an empty file open for writing (mode 0600 until metadata is set); EEXIST if there is anything of that name. */
  createForWriting(dir: Fd, name: RawName): Fd;
  /** Reads up to `into.length` bytes at `position`, or where the descriptor is; fewer only at the end. */
  read(fd: Fd, into: Uint8Array, position?: number): number;
  /** Writes all bytes at `position`, or where the descriptor is. */
  write(fd: Fd, bytes: Uint8Array, position?: number): void;
  /** Sets the size; a growing file gets a hole. */
  truncate(fd: Fd, sizeBytes: number): void;
  /** Next offset at or after `from` that holds data, or undefined after the last (SEEK_DATA): finds holes. */
  seekData(fd: Fd, from: number): number | undefined;
  /** Next hole at or after `from`; the end of the file counts as one (SEEK_HOLE). */
  seekHole(fd: Fd, from: number): number;

  /** Owner first, then mode (a change of owner drops set-user-ID), then times. Follows no link. */
  setMetadata(dir: Fd, name: RawName, metadata: FileMetadata): void;
  /** As `setMetadata`, of an open descriptor. */
  setMetadataFd(fd: Fd, metadata: FileMetadata): void;

  /** The value, or undefined if the file has no attribute of that name. */
  getXattr(dir: Fd, name: RawName, attribute: RawName): Buffer | undefined;
  setXattr(dir: Fd, name: RawName, attribute: RawName, value: Uint8Array): void;
  /** @throws SyscallError ENODATA if there is none. */
  removeXattr(dir: Fd, name: RawName, attribute: RawName): void;
  /** Names of all attributes, as bytes. Empty where the file system has none. */
  listXattrs(dir: Fd, name: RawName): Buffer[];

  /** Writes the file's data and metadata to the disk. */
  sync(fd: Fd): void;
  /** Writes all of the file system that holds `fd` to the disk, and reports earlier write errors on it. */
  syncFileSystem(fd: Fd): void;
}
