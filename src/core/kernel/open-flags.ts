import { constants } from 'node:fs';

/** Flags of open(2) for {@link DirectoryFiles.open}; descriptors are always close-on-exec. */
export const OPEN = {
  read: constants.O_RDONLY,
  write: constants.O_WRONLY,
  readWrite: constants.O_RDWR,
  create: constants.O_CREAT,
  exclusive: constants.O_EXCL,
  truncate: constants.O_TRUNC,
  append: constants.O_APPEND,
  directory: constants.O_DIRECTORY,
  noFollow: constants.O_NOFOLLOW,
  nonBlocking: constants.O_NONBLOCK,
  noAccessTime: constants.O_NOATIME,
  /** Only a place in the tree, not its content (O_PATH, which node:fs lacks; the same on all architectures of Node). */
  path: 0o10000000,
} as const;

/** Resolution rules of openat2(2). */
export const RESOLVE = {
  /** Do not cross a mount point (RESOLVE_NO_XDEV). */
  noCrossing: 0x01,
  /** Do not go through links such as /proc/self/fd/1. */
  noMagicLinks: 0x02,
  /** Refuse any symbolic link in the path with ELOOP. */
  noSymlinks: 0x04,
  /** Refuse whatever leaves the directory with EXDEV. */
  beneath: 0x08,
  /** Treat the directory as `/`: absolute links and `..` stay inside of it. */
  inRoot: 0x10,
} as const;
