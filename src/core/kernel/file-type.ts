import { constants } from 'node:fs';
import type { FileStat, NodeKind } from './directory-files.js';

/** True for a directory. */
export function isDirectory(stat: FileStat): boolean {
  return (stat.mode & constants.S_IFMT) === constants.S_IFDIR;
}

/** True for a regular file. */
export function isRegular(stat: FileStat): boolean {
  return (stat.mode & constants.S_IFMT) === constants.S_IFREG;
}

/** True for a symbolic link. */
export function isSymlink(stat: FileStat): boolean {
  return (stat.mode & constants.S_IFMT) === constants.S_IFLNK;
}

/** True for a character device 0/0: how overlayfs marks what an upper layer deletes. */
export function isWhiteout(stat: FileStat): boolean {
  return (stat.mode & constants.S_IFMT) === constants.S_IFCHR && stat.rdev.major === 0 && stat.rdev.minor === 0;
}

/** The kind of a device or FIFO; undefined for anything else. */
export function nodeKindOf(stat: FileStat): NodeKind | undefined {
  switch (stat.mode & constants.S_IFMT) {
    case constants.S_IFCHR:
      return 'char';
    case constants.S_IFBLK:
      return 'block';
    case constants.S_IFIFO:
      return 'fifo';
    default:
      return undefined;
  }
}
