import { constants } from 'node:fs';
import type {
  DirectoryEntry,
  DirectoryFiles,
  EntryType,
  Fd,
  FileMetadata,
  FileStat,
  FileTime,
  NodeKind,
  RawName,
} from '../core/kernel/directory-files.js';
import { OPEN } from '../core/kernel/open-flags.js';
import { addon, type MetadataArguments } from './addon.js';
import { openFileQueue } from './file-queue.js';
import { check, checkBytes, syscallError } from './outcome.js';

/** Of fcntl.h and linux/fs.h. */
const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
const RENAME_NOREPLACE = 1;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Of native/addon/core.h. */
const SET_OWNER = 1;
const SET_MODE = 2;
const SET_TIMES = 4;

/** Error numbers that are an answer here, the same on all architectures that Node runs on. */
const ENOENT = -2;
const ENXIO = -6;
const ENODATA = -61;
const EOPNOTSUPP = -95;

const NODE_TYPES: Readonly<Record<NodeKind, number>> = {
  char: constants.S_IFCHR,
  block: constants.S_IFBLK,
  fifo: constants.S_IFIFO,
};

/** By d_type of getdents(2). */
const ENTRY_TYPES: ReadonlyMap<number | undefined, EntryType> = new Map<number, EntryType>([
  [1, 'fifo'],
  [2, 'char'],
  [4, 'directory'],
  [6, 'block'],
  [8, 'file'],
  [10, 'symlink'],
  [12, 'socket'],
]);

/** The addon writes here; a call is synchronous, so one is enough for a thread. */
const numbers = new Float64Array(16);
const inode = new BigUint64Array(numbers.buffer, 7 * 8, 1);

function readStat(): FileStat {
  const at = (index: number): number => numbers[index] ?? 0;
  const time = (index: number) => ({ seconds: at(index), nanoseconds: at(index + 1) });
  return {
    mode: at(0),
    uid: at(1),
    gid: at(2),
    size: at(3),
    blocks: at(4),
    nlink: at(5),
    dev: at(6),
    ino: inode[0] ?? 0n,
    rdev: { major: at(8), minor: at(9) },
    atime: time(10),
    mtime: time(12),
    ctime: time(14),
  };
}

/** Entries of a packed listing: most are asked for only one form of their names. */
class PackedEntry implements DirectoryEntry {
  readonly type: EntryType;
  readonly #packed: Buffer;
  readonly #from: number;
  readonly #to: number;

  constructor(packed: Buffer, from: number, to: number, type: EntryType) {
    this.#packed = packed;
    this.#from = from;
    this.#to = to;
    this.type = type;
  }

  get name(): Buffer {
    return this.#packed.subarray(this.#from, this.#to);
  }

  get text(): string {
    return this.#packed.toString('latin1', this.#from, this.#to);
  }
}

function readEntries(packed: Buffer): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < packed.length;) {
    const end = packed.indexOf(0, at + 1);
    entries.push(new PackedEntry(packed, at + 1, end, ENTRY_TYPES.get(packed[at]) ?? 'unknown'));
    at = end + 1;
  }
  return entries;
}

function splitAtNul(packed: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let at = 0; at < packed.length;) {
    const end = packed.indexOf(0, at);
    names.push(packed.subarray(at, end));
    at = end + 1;
  }
  return names;
}

/** Seconds and nanoseconds; what leaves the time as it is, if there is none. */
function timeArguments(time: FileTime | undefined): [seconds: number, nanoseconds: number] {
  return time === undefined ? [0, -1] : [time.seconds, time.nanoseconds];
}

function metadataArguments({ uid = -1, gid = -1, mode, mtime, atime = mtime }: FileMetadata): MetadataArguments {
  const owner = uid === -1 && gid === -1 ? 0 : SET_OWNER;
  const times = mtime === undefined && atime === undefined ? 0 : SET_TIMES;
  const set = owner | times | (mode === undefined ? 0 : SET_MODE);
  return [set, uid, gid, mode ?? 0, ...timeArguments(atime), ...timeArguments(mtime)];
}

/** The calls that make, move and remove names. */
function nameCalls() {
  const native = addon();
  return {
    makeDirectory(dir: Fd, name: RawName, mode: number) {
      check('mkdirat', name, native.makeDirectory(dir, name, mode));
    },
    makeNode(dir, name, kind, mode, { major, minor }) {
      check('mknodat', name, native.makeNode(dir, name, NODE_TYPES[kind] | (mode & 0o7777), major, minor));
    },
    makeWhiteout(dir, name) {
      check('mknodat', name, native.makeNode(dir, name, constants.S_IFCHR, 0, 0));
    },
    makeSymlink(target, dir, name) {
      check('symlinkat', name, native.makeSymlink(target, dir, name));
    },
    link(fromDir, from, toDir, to) {
      check('linkat', to, native.link(fromDir, from, toDir, to));
    },
    rename(fromDir, from, toDir, to, options) {
      check('renameat2', to, native.rename(fromDir, from, toDir, to, options?.noReplace ? RENAME_NOREPLACE : 0));
    },
    unlink(dir, name) {
      check('unlinkat', name, native.unlink(dir, name, 0));
    },
    removeDirectory(dir, name) {
      check('rmdir', name, native.unlink(dir, name, AT_REMOVEDIR));
    },
    removeTree(dir, name) {
      check('remove tree', name, native.removeTree(dir, name));
    },
  } satisfies Partial<DirectoryFiles>;
}

/** The calls that look. */
function statCalls() {
  const native = addon();
  return {
    stat(dir: Fd, name: RawName) {
      check('fstatat', name, native.stat(dir, name, numbers));
      return readStat();
    },
    statIfExists(dir, name) {
      const outcome = native.stat(dir, name, numbers);
      if (outcome === ENOENT) return undefined;
      check('fstatat', name, outcome);
      return readStat();
    },
    statFd(fd) {
      check('fstat', fd, native.statFd(fd, numbers));
      return readStat();
    },
    list: (fd) => readEntries(checkBytes('getdents', fd, native.list(fd))),
    readLink: (dir, name) => checkBytes('readlinkat', name, native.readLink(dir, name)),
  } satisfies Partial<DirectoryFiles>;
}

/** The calls on what a file holds. */
function contentCalls() {
  const native = addon();
  return {
    createFile(dir: Fd, name: RawName, { mode, uid, gid, mtime, content }) {
      const outcome = native.createFile(dir, name, mode, uid, gid, mtime.seconds, mtime.nanoseconds, content);
      check('create file', name, outcome);
    },
    openQueue: () => openFileQueue(),
    createForWriting(dir, name) {
      const flags = OPEN.write | OPEN.create | OPEN.exclusive | OPEN.noFollow;
      return check('openat2', name, native.open(dir, name, flags, 0, 0o600));
    },
    read: (fd, into, position = -1) => check('read', fd, native.read(fd, into, position)),
    write(fd, bytes, position = -1) {
      check('write', fd, native.write(fd, bytes, position));
    },
    truncate(fd, sizeBytes) {
      check('ftruncate', fd, native.truncate(fd, sizeBytes));
    },
    seekData(fd, from) {
      const outcome = native.seek(fd, from, SEEK_DATA);
      return outcome === ENXIO ? undefined : check('lseek', fd, outcome);
    },
    seekHole: (fd, from) => check('lseek', fd, native.seek(fd, from, SEEK_HOLE)),
    sync(fd) {
      check('fsync', fd, native.sync(fd));
    },
    syncFileSystem(fd) {
      check('syncfs', fd, native.syncFileSystem(fd));
    },
  } satisfies Partial<DirectoryFiles>;
}

/** The calls on owner, mode, times and attributes. */
function metadataCalls() {
  const native = addon();
  return {
    setMetadata(dir: Fd, name: RawName, metadata: FileMetadata) {
      check('set metadata', name, native.setMetadata(dir, name, ...metadataArguments(metadata)));
    },
    setMetadataFd(fd, metadata) {
      check('set metadata', fd, native.setMetadataFd(fd, ...metadataArguments(metadata)));
    },
    getXattr(dir, name, attribute) {
      const value = native.getXattr(dir, name, attribute);
      if (typeof value !== 'number') return value;
      if (value === ENODATA || value === EOPNOTSUPP) return undefined;
      throw syscallError('lgetxattr', name, value);
    },
    setXattr(dir, name, attribute, value) {
      check('lsetxattr', name, native.setXattr(dir, name, attribute, value));
    },
    removeXattr(dir, name, attribute) {
      check('lremovexattr', name, native.removeXattr(dir, name, attribute));
    },
    listXattrs(dir, name) {
      const names = native.listXattrs(dir, name);
      return names === EOPNOTSUPP ? [] : splitAtNul(checkBytes('llistxattr', name, names));
    },
  } satisfies Partial<DirectoryFiles>;
}

/** File operations by system calls. Cheap to make; for one thread. */
export function createDirectoryFiles(): DirectoryFiles {
  const native = addon();
  return {
    openDirectory: (path) =>
      check('open directory', path, native.open(AT_FDCWD, path, OPEN.read | OPEN.directory, 0, 0)),
    open: (dir, path, flags, resolve, mode = 0) => check('openat2', path, native.open(dir, path, flags, resolve, mode)),
    close(fd) {
      check('close', fd, native.close(fd));
    },
    ...nameCalls(),
    ...statCalls(),
    ...contentCalls(),
    ...metadataCalls(),
  };
}
