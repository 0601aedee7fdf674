import { constants } from 'node:fs';
import type { DirectoryFiles, Fd, FileStat, FileTime } from '../../core/kernel/directory-files.js';
import { isRegular, isSymlink } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { containerXattrs } from '../../core/snapshots/container-owners.js';
import type { Place } from '../../core/snapshots/root-attributes.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import type { TarEntryType } from './tar-entry.js';
import { isXattrAllowed } from './xattr-policy.js';

const CHUNK_BYTES = 256 * 1024;
const READ_FLAGS = OPEN.read | OPEN.noFollow | OPEN.nonBlocking;

/** A place and what is there. */
export interface Seen extends Place {
  readonly stat: FileStat;
  /** Its attributes name the host's users: they are translated. */
  readonly mapping?: IdMapping | undefined;
}

const TYPES: ReadonlyMap<number, TarEntryType> = new Map<number, TarEntryType>([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFCHR, 'char'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFIFO, 'fifo'],
]);

/** What a layer calls it; undefined for a socket, which no layer has. */
export function entryTypeOf(stat: FileStat): TarEntryType | undefined {
  return TYPES.get(stat.mode & constants.S_IFMT);
}

/** The attributes of a place that a layer may have, in the order of their names; keys are latin1. */
export function layerXattrs(files: DirectoryFiles, { dir, name, stat, mapping }: Seen): ReadonlyMap<string, Buffer> {
  const type = entryTypeOf(stat);
  const found = new Map<string, Buffer>();
  if (type === undefined) return found;
  const keys = files.listXattrs(dir, name).map((key) => key.toString('latin1'));
  for (const key of keys.filter((each) => isXattrAllowed(each, type)).sort()) {
    const value = files.getXattr(dir, name, Buffer.from(key, 'latin1'));
    if (value !== undefined) found.set(key, value);
  }
  return containerXattrs(found, mapping);
}

/** Whether type, owner, mode, time and attributes are the same. */
export function sameMetadata(files: DirectoryFiles, left: Seen, right: Seen): boolean {
  return sameNumbers(left.stat, right.stat) && sameXattrs(layerXattrs(files, left), layerXattrs(files, right));
}

function sameNumbers(a: FileStat, b: FileStat): boolean {
  const sameOwner = a.uid === b.uid && a.gid === b.gid;
  const sameDevice = a.rdev.major === b.rdev.major && a.rdev.minor === b.rdev.minor;
  return a.mode === b.mode && sameOwner && sameDevice && sameTime(a.mtime, b.mtime);
}

/** Whether two places that are no directories hold the same, metadata included. Reads them only if nothing else tells. */
export function sameFile(files: DirectoryFiles, left: Seen, right: Seen): boolean {
  const [a, b] = [left.stat, right.stat];
  // Overlays show the inode number and the times of the layer that a file comes from: then it is one file.
  if (a.ino === b.ino && sameTime(a.ctime, b.ctime) && a.size === b.size) return sameNumbers(a, b);
  if (!sameMetadata(files, left, right)) return false;
  if (isSymlink(a)) return files.readLink(left.dir, left.name).equals(files.readLink(right.dir, right.name));
  return !isRegular(a) || (a.size === b.size && sameContent(files, left, right));
}

function sameTime(a: FileTime, b: FileTime): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

function sameXattrs(a: ReadonlyMap<string, Buffer>, b: ReadonlyMap<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key)?.equals(value) === true);
}

function sameContent(files: DirectoryFiles, left: Place, right: Place): boolean {
  const a = files.open(left.dir, left.name, READ_FLAGS, 0);
  try {
    const b = files.open(right.dir, right.name, READ_FLAGS, 0);
    try {
      return sameBytes(files, a, b);
    } finally {
      files.close(b);
    }
  } finally {
    files.close(a);
  }
}

function sameBytes(files: DirectoryFiles, a: Fd, b: Fd): boolean {
  const [one, other] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  for (let at = 0; ; at += CHUNK_BYTES) {
    const count = files.read(a, one, at);
    if (files.read(b, other, at) !== count || !one.subarray(0, count).equals(other.subarray(0, count))) return false;
    if (count < CHUNK_BYTES) return true;
  }
}
