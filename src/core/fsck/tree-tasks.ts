import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import type { DirectoryFiles, Fd } from '../kernel/directory-files.js';
import { isDirectory } from '../kernel/file-type.js';
import { OPEN, RESOLVE } from '../kernel/open-flags.js';
import { FileChecksums, NOTHING_KNOWN, type KnownFiles } from './file-checksums.js';
import type { TakeInventoryTask } from './inventory-file.js';
import {
  compareTree,
  inventoryOfTree,
  listTree,
  unpackInventory,
  xattrsOf,
  type InventoryEntry,
  type InventoryTree,
  type Xattr,
} from './inventory.js';

/** Tells the paths of a tree that are not as the inventory says; with `from`, a sound copy of the tree, it gives each of them from there. */
export interface CheckTreeTask {
  readonly kind: 'check-tree';
  readonly directory: string;
  readonly file: string;
  readonly from?: string;
}

/** Hashes a file; the result is the digest's hex part. */
export interface HashFileTask {
  readonly kind: 'hash-file';
  readonly path: string;
  readonly algorithm: string;
}

const PIECE_BYTES = 1 << 20;
const TYPE_BITS = 0o170000;
const DIRECTORY = 0o040000;

export function takeInventory(files: DirectoryFiles, task: TakeInventoryTask, check: () => void): void {
  const known = task.known === undefined ? NOTHING_KNOWN : FileChecksums.take(task.known);
  writeInventory({ files, directory: task.directory, check }, task.file, known);
}

/** Writes the inventory of a tree to a file. */
export function writeInventory(tree: InventoryTree, file: string, known: KnownFiles): void {
  writeFileSync(file, inventoryOfTree(tree, known), { mode: 0o600 });
}

/** @returns Paths, latin1. */
export function checkTree(files: DirectoryFiles, task: CheckTreeTask, check: () => void): readonly string[] {
  const inventory = unpackInventory(readFileSync(task.file));
  const different = compareTree(inventory, listTree(files, task.directory, check));
  if (task.from === undefined || different.length === 0) return different;
  restore(files, { to: task.directory, from: task.from }, inventory, different);
  return compareTree(inventory, listTree(files, task.directory, check));
}

export function hashFile(task: HashFileTask, check: () => void): string {
  const hash = createHash(task.algorithm);
  const fd = openSync(task.path, 'r');
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let length = readSync(fd, piece); length > 0; length = readSync(fd, piece)) {
      check();
      hash.update(piece.subarray(0, length));
    }
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

/**
 * Puts what is different in its place by renames, so that whoever has the tree mounted keeps what he has open, and finds the rest. Parents
 * come before what is in them.
 */
function restore(
  files: DirectoryFiles,
  trees: { readonly to: string; readonly from: string },
  inventory: ReadonlyMap<string, InventoryEntry>,
  different: readonly string[],
): void {
  const [to, from] = [files.openDirectory(trees.to), files.openDirectory(trees.from)];
  try {
    for (const path of [...different].sort()) {
      if (path !== '.') restoreOne(files, { to, from }, path, inventory.has(path));
    }
    // Renames have changed the times of directories; the lowest come last so that nothing changes them again.
    for (const entry of inventory.values()) describeDirectory(files, to, entry);
  } finally {
    files.close(to);
    files.close(from);
  }
}

function restoreOne(
  files: DirectoryFiles,
  { to, from }: { readonly to: Fd; readonly from: Fd },
  path: string,
  wanted: boolean,
): void {
  const at = path.lastIndexOf('/');
  const name = Buffer.from(path.slice(at + 1), 'latin1');
  const parent = at < 0 ? '.' : path.slice(0, at);
  within(files, to, parent, (toDir) => {
    if (!wanted) {
      files.removeTree(toDir, name);
      return;
    }
    within(files, from, parent, (fromDir) => {
      const source = files.statIfExists(fromDir, name);
      // It has come along with a directory that was missing as a whole.
      if (source === undefined) return;
      const there = files.statIfExists(toDir, name);
      if (there !== undefined && isDirectory(there) && isDirectory(source)) return;
      if (there !== undefined && isDirectory(there) !== isDirectory(source)) files.removeTree(toDir, name);
      files.rename(fromDir, name, toDir, name);
    });
  });
}

/** A parent that is gone has taken along what is asked for. */
function within(files: DirectoryFiles, root: Fd, path: string, use: (dir: Fd) => void): void {
  const raw = Buffer.from(path, 'latin1');
  const flags = OPEN.path | OPEN.directory | OPEN.noFollow;
  if (files.statIfExists(root, raw) === undefined) return;
  const fd = files.open(root, raw, flags, RESOLVE.beneath | RESOLVE.noSymlinks);
  try {
    use(fd);
  } finally {
    files.close(fd);
  }
}

function describeDirectory(files: DirectoryFiles, root: Fd, entry: InventoryEntry): void {
  const { path, mode, uid, gid, mtime, xattrs } = entry;
  if ((mode & TYPE_BITS) !== DIRECTORY) return;
  within(files, root, path, (dir) => {
    if (xattrs !== undefined) setXattrs(files, dir, xattrs);
    files.setMetadata(dir, '.', { mode: mode & 0o7777, uid, gid, mtime });
  });
}

/** The directory has these attributes from now on, and none besides. */
function setXattrs(files: DirectoryFiles, dir: Fd, wanted: readonly Xattr[]): void {
  const left = new Map(xattrsOf(files, dir, '.'));
  for (const [name, value] of wanted) {
    if (left.get(name) !== value) {
      files.setXattr(dir, '.', Buffer.from(name, 'latin1'), Buffer.from(value, 'base64'));
    }
    left.delete(name);
  }
  for (const name of left.keys()) files.removeXattr(dir, '.', Buffer.from(name, 'latin1'));
}
