import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { DaemonError } from '../../base/errors.js';
import type { DirectoryEntry, DirectoryFiles, Fd, FileStat, FileTime } from '../kernel/directory-files.js';
import { isDirectory, isSymlink } from '../kernel/file-type.js';
import { OPEN } from '../kernel/open-flags.js';
import { contentText, NOTHING_KNOWN, type KnownDirectory, type KnownFiles } from './file-checksums.js';

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
  /** Names (bytes as latin1) with values (base64), sorted; undefined in inventories of before they were listed. */
  readonly xattrs: readonly Xattr[] | undefined;
}

export type Xattr = readonly [name: string, value: string];

/** Belongs to the machine's policy, not to the layer. */
const SYSTEM_XATTRS: ReadonlySet<string> = new Set(['security.selinux']);

/** A line: the fields of InventoryEntry, in this order, times as two numbers. */
type Line = readonly [string, number, number, number, number, number, string, (readonly Xattr[])?];

const PIECE = Buffer.allocUnsafeSlow(PIECE_BYTES);

/**
 * Lists a tree with types, modes, owners, times, attributes, sizes and a CRC-32 of every file's bytes: against bit rot and slips, not against those
 * who can write there.
 *
 * @param check Called for every entry; it may throw to stop.
 */
export function* listTree(files: DirectoryFiles, directory: string, check: () => void): Generator<InventoryEntry> {
  for (const entry of walkTree({ files, directory, check }, NOTHING_KNOWN)) {
    if (typeof entry !== 'string') yield entry;
  }
}

/** The tree of which an inventory is made. */
export interface InventoryTree {
  readonly files: DirectoryFiles;
  readonly directory: string;
  /** Called for every entry; it may throw to stop. */
  readonly check: () => void;
}

/** An inventory of the tree as it is stored. @param known Of the files that need not be looked at. */
export function inventoryOfTree(tree: InventoryTree, known: KnownFiles): Buffer {
  const lines: string[] = [];
  for (const entry of walkTree(tree, known)) lines.push(typeof entry === 'string' ? entry : lineOf(entry));
  return gzipSync(lines.join('\n'), { level: 1 });
}

/** Entries, and lines of those of a directory that need not be looked at. */
type Walked = InventoryEntry | string;

function* walkTree({ files, directory, check }: InventoryTree, known: KnownFiles): Generator<Walked> {
  const listing: Listing = { files, checksums: new Map(), check, known };
  const root = files.openDirectory(directory);
  try {
    yield entryOf('.', files.statFd(root), '', xattrsOf(files, root, '.'));
    yield* listDirectory(listing, root, '');
  } finally {
    files.close(root);
  }
}

interface Listing {
  readonly files: DirectoryFiles;
  readonly check: () => void;
  readonly known: KnownFiles;
  /** Of files with several names, by inode. */
  readonly checksums: Map<bigint, string>;
}

function* listDirectory(listing: Listing, fd: Fd, path: string): Generator<Walked> {
  const { files, known, check } = listing;
  const within = known.within(path);
  const entries = files.list(fd);
  check();
  const rest = within === undefined || known.xattrs ? entries : yield* knownLines(entries, within, path);
  for (const { name, text } of rest) {
    check();
    const inner = path === '' ? text : `${path}/${text}`;
    const stat = files.stat(fd, name);
    const isFile = (stat.mode & TYPE_BITS) === REGULAR;
    const written = within?.content(text);
    const content = isFile ? fileContent(listing, fd, name, stat, written) : contentOf(files, fd, name, stat);
    const plain = isFile && !known.xattrs && written !== undefined;
    yield entryOf(inner, stat, content, plain ? NO_XATTRS : xattrsOf(files, fd, name));
    if (!isDirectory(stat)) continue;
    const below = files.open(fd, name, OPEN.read | OPEN.directory | OPEN.noFollow, 0);
    try {
      yield* listDirectory(listing, below, inner);
    } finally {
      files.close(below);
    }
  }
}

/** Yields the lines of the files of which all is known, at once. @returns The other entries. */
function* knownLines(
  entries: readonly DirectoryEntry[],
  within: KnownDirectory,
  path: string,
): Generator<string, readonly DirectoryEntry[]> {
  const lines: string[] = [];
  const others: DirectoryEntry[] = [];
  const start = path === '' ? '["' : `[${JSON.stringify(path).slice(0, -1)}/`;
  for (const entry of entries) {
    const { type, text } = entry;
    const rest = type === 'file' ? within.restOfLine(text) : undefined;
    if (rest === undefined) others.push(entry);
    else lines.push(`${start}${JSON.stringify(text).slice(1)}${rest}`);
  }
  if (lines.length > 0) yield lines.join('\n');
  return others;
}

function entryOf(
  path: string,
  { mode, uid, gid, mtime }: FileStat,
  content: string,
  xattrs: readonly Xattr[],
): InventoryEntry {
  return { path, mode, uid, gid, mtime, content, xattrs };
}

const NO_XATTRS: readonly Xattr[] = [];

/** The attributes of an entry that belong to it. */
export function xattrsOf(files: DirectoryFiles, dir: Fd, name: Buffer | string): readonly Xattr[] {
  const names = files.listXattrs(dir, name);
  if (names.length === 0) return NO_XATTRS;
  return names
    .filter((each) => !SYSTEM_XATTRS.has(each.toString('latin1')))
    .map((each): Xattr => [each.toString('latin1'), files.getXattr(dir, name, each)?.toString('base64') ?? ''])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function contentOf(files: DirectoryFiles, dir: Fd, name: Buffer, stat: FileStat): string {
  if (isDirectory(stat)) return '';
  if (isSymlink(stat)) return files.readLink(dir, name).toString('latin1');
  return `${stat.rdev.major}:${stat.rdev.minor}`;
}

/** @param written What it was given, as far as that is known. */
function fileContent(listing: Listing, dir: Fd, name: Buffer, stat: FileStat, written: string | undefined): string {
  const { checksums } = listing;
  if (written?.startsWith(`${stat.size} `) === true) return written;
  const other = stat.nlink > 1 ? checksums.get(stat.ino) : undefined;
  const content = other ?? contentText(stat.size, checksumOf(listing, dir, name));
  if (stat.nlink > 1) checksums.set(stat.ino, content);
  return content;
}

function checksumOf({ files, check }: Listing, dir: Fd, name: Buffer): number {
  const fd = files.open(dir, name, OPEN.read | OPEN.noFollow, 0);
  try {
    let sum = 0;
    for (let length = files.read(fd, PIECE); length > 0; length = files.read(fd, PIECE)) {
      sum = crc32(PIECE.subarray(0, length), sum);
      check();
    }
    return sum;
  } finally {
    files.close(fd);
  }
}

function lineOf({ path, mode, uid, gid, mtime, content, xattrs }: InventoryEntry): string {
  const line: Line = [path, mode, uid, gid, mtime.seconds, mtime.nanoseconds, content, xattrs ?? NO_XATTRS];
  return JSON.stringify(line);
}

/** @throws data-loss: it is damaged. */
export function unpackInventory(bytes: Uint8Array): ReadonlyMap<string, InventoryEntry> {
  try {
    const entries = new Map<string, InventoryEntry>();
    for (const text of gunzipSync(bytes, { maxOutputLength: INVENTORY_BYTES_MAX }).toString().split('\n')) {
      const [path, mode, uid, gid, seconds, nanoseconds, content, xattrs] = JSON.parse(text) as Line;
      entries.set(path, { path, mode, uid, gid, mtime: { seconds, nanoseconds }, content, xattrs });
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
  const { mode, uid, gid, mtime, content, xattrs } = one;
  return (
    mode === other.mode &&
    uid === other.uid &&
    gid === other.gid &&
    content === other.content &&
    mtime.seconds === other.mtime.seconds &&
    mtime.nanoseconds === other.mtime.nanoseconds &&
    (xattrs === undefined || JSON.stringify(xattrs) === JSON.stringify(other.xattrs))
  );
}
