import type { DirectoryFiles, Fd, FileTime } from '../kernel/directory-files.js';

const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
const SELF = '.';
const OVERLAY_STATE = /^(trusted|user)\.overlay\./;

/** A directory that nobody describes: root's, mode 0755, with one time whoever makes it. */
export const PLAIN_DIRECTORY = { uid: 0, gid: 0, mode: 0o755, mtime: EPOCH, atime: EPOCH } as const;

/** Gives one directory mode, owner, times and attributes of another, but for overlayfs's own marks. Both by ordinary paths. */
export function copyDirectoryAttributes(files: DirectoryFiles, from: string, to: string): void {
  const source = files.openDirectory(from);
  try {
    const target = files.openDirectory(to);
    try {
      copyAttributes(files, { dir: source, name: SELF }, { dir: target, name: SELF });
    } finally {
      files.close(target);
    }
  } finally {
    files.close(source);
  }
}

/** Makes a directory look as if nobody had described it. */
export function describePlainly(files: DirectoryFiles, path: string): void {
  const target = files.openDirectory(path);
  try {
    files.setMetadata(target, SELF, PLAIN_DIRECTORY);
  } finally {
    files.close(target);
  }
}

/** A place in a tree: a name in an open directory. */
export interface Place {
  readonly dir: Fd;
  readonly name: Uint8Array | string;
}

/** Copies owner, mode, extended attributes (but for overlayfs's own) and times, in this order, between nodes of one type. */
export function copyAttributes(files: DirectoryFiles, from: Place, to: Place): void {
  const stat = files.stat(from.dir, from.name);
  files.setMetadata(to.dir, to.name, { uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o7777 });
  for (const attribute of files.listXattrs(from.dir, from.name)) {
    if (OVERLAY_STATE.test(attribute.toString('latin1'))) continue;
    const value = files.getXattr(from.dir, from.name, attribute);
    if (value !== undefined) files.setXattr(to.dir, to.name, attribute, value);
  }
  files.setMetadata(to.dir, to.name, { mtime: stat.mtime, atime: stat.atime });
}
