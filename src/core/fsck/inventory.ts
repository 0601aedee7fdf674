import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { DaemonError } from '../../base/errors.js';
import type { DirectoryFiles, Fd, FileStat, FileTime } from '../kernel/directory-files.js';
import { isDirectory, isSymlink } from '../kernel/file-type.js';
import { OPEN } from '../kernel/open-flags.js';

const PIECE_BYTES = 1 << 20;
const TYPE_BITS = 0o170000;
const REGULAR = 0o100000;
const INVENTORY_BYTES_MAX = 1 << 30;

/** What is known of one entry of a tree: the line of it in an inventory. */
export interface InventoryEntry {
  /** Bytes as latin1; `.` is the top. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: FileTime;
  /** Bytes of a file, target of a symbolic link, numbers of a device; empty for others. */
  readonly content: string;
}

/** A line: the fields of InventoryEntry, in this order, times as two numbers. */
type Line = readonly [string, number, number, number, number, number, string];

/**
 * Lists a tree with types, modes, owners, times, sizes and a CRC-32 of every file's bytes: against bit rot and slips, not against those
 * who can write there.
 *
 * @param check Called for every entry; it may throw to stop.
 */
export function* listTree(files: DirectoryFiles, directory: string, check: () => void): Generator<InventoryEntry> {
  const checksums = new Map<bigint, string>();
  const root = files.openDirectory(directory);
  try {
    yield entryOf('.', files.statFd(root), '');
    yield* listDirectory(files, { fd: root, path: '' }, checksums, check);
  } finally {
    files.close(root);
  }
}

function* listDirectory(
  files: DirectoryFiles,
  { fd, path }: { readonly fd: Fd; readonly path: string },
  checksums: Map<bigint, string>,
  check: () => void,
): Generator<InventoryEntry> {
  for (const { name } of files.list(fd)) {
    check();
    const inner = path === '' ? name.toString('latin1') : `${path}/${name.toString('latin1')}`;
    const stat = files.stat(fd, name);
    yield entryOf(inner, stat, contentOf(files, fd, name, stat, checksums, check));
    if (!isDirectory(stat)) continue;
    const below = files.open(fd, name, OPEN.read | OPEN.directory | OPEN.noFollow, 0);
    try {
      yield* listDirectory(files, { fd: below, path: inner }, checksums, check);
    } finally {
      files.close(below);
    }
  }
}

function entryOf(path: string, { mode, uid, gid, mtime }: FileStat, content: string): InventoryEntry {
  return { path, mode, uid, gid, mtime, content };
}

function contentOf(
  files: DirectoryFiles,
  dir: Fd,
  name: Buffer,
  stat: FileStat,
  checksums: Map<bigint, string>,
  check: () => void,
): string {
  if (isDirectory(stat)) return '';
  if (isSymlink(stat)) return files.readLink(dir, name).toString('latin1');
  if ((stat.mode & TYPE_BITS) !== REGULAR) return `${stat.rdev.major}:${stat.rdev.minor}`;
  const known = stat.nlink > 1 ? checksums.get(stat.ino) : undefined;
  const content = known ?? `${stat.size} ${checksumOf(files, dir, name, check)}`;
  if (stat.nlink > 1) checksums.set(stat.ino, content);
  return content;
}

function checksumOf(files: DirectoryFiles, dir: Fd, name: Buffer, check: () => void): string {
  const fd = files.open(dir, name, OPEN.read | OPEN.noFollow, 0);
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    let sum = 0;
    for (let length = files.read(fd, piece); length > 0; length = files.read(fd, piece)) {
      sum = crc32(piece.subarray(0, length), sum);
      check();
    }
    return sum.toString(16);
  } finally {
    files.close(fd);
  }
}

/** An inventory as it is stored. */
export function packInventory(entries: Iterable<InventoryEntry>): Buffer {
  const lines: string[] = [];
  for (const { path, mode, uid, gid, mtime, content } of entries) {
    const line: Line = [path, mode, uid, gid, mtime.seconds, mtime.nanoseconds, content];
    lines.push(JSON.stringify(line));
  }
  return gzipSync(lines.join('\n'), { level: 1 });
}

/** @throws data-loss: it is damaged. */
export function unpackInventory(bytes: Uint8Array): ReadonlyMap<string, InventoryEntry> {
  try {
    const entries = new Map<string, InventoryEntry>();
    for (const text of gunzipSync(bytes, { maxOutputLength: INVENTORY_BYTES_MAX }).toString().split('\n')) {
      const [path, mode, uid, gid, seconds, nanoseconds, content] = JSON.parse(text) as Line;
      entries.set(path, { path, mode, uid, gid, mtime: { seconds, nanoseconds }, content });
    }
    return entries;
  } catch (cause) {
    throw new DaemonError('data-loss', 'the inventory of the layer is damaged: pull its image anew', { cause });
  }
}

/** Paths that are not as the inventory says: altered, missing, or too many. */
export function compareTree(
  inventory: ReadonlyMap<string, InventoryEntry>,
  tree: Iterable<InventoryEntry>,
): readonly string[] {
  const different: string[] = [];
  const missing = new Set(inventory.keys());
  for (const entry of tree) {
    missing.delete(entry.path);
    if (!isSame(inventory.get(entry.path), entry)) different.push(entry.path);
  }
  return [...different, ...missing];
}

function isSame(one: InventoryEntry | undefined, other: InventoryEntry): boolean {
  if (one === undefined) return false;
  const { mode, uid, gid, mtime, content } = one;
  return (
    mode === other.mode &&
    uid === other.uid &&
    gid === other.gid &&
    content === other.content &&
    mtime.seconds === other.mtime.seconds &&
    mtime.nanoseconds === other.mtime.nanoseconds
  );
}
