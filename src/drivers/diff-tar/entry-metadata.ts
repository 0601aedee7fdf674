import { isErrno } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import type { DirNode } from './dir-node.js';
import { rawBytes } from './entry-path.js';
import type { TarEntry } from './tar-entry.js';
import { DEFAULT_ACL, isXattrAllowed } from './xattr-policy.js';

/** What is said of a directory. */
export type DirectoryEntry = Pick<TarEntry, 'type' | 'uid' | 'gid' | 'mode' | 'mtime' | 'atime' | 'xattrs'>;

/** Gives nodes the owner, mode, times and attributes of their entries. */
export class EntryMetadata {
  readonly #files: DirectoryFiles;

  constructor(files: DirectoryFiles) {
    this.#files = files;
  }

  /** For links, devices and FIFOs. */
  describe(dir: Fd, name: Buffer, entry: TarEntry): void {
    const { uid, gid, mode, mtime, atime } = entry;
    const times = { mtime, ...(atime ? { atime } : {}) };
    this.#files.setMetadata(
      dir,
      name,
      entry.type === 'symlink' ? { uid, gid, ...times } : { uid, gid, mode, ...times },
    );
    this.setXattrs(dir, name, entry);
  }

  /**
   * For a directory: attributes that it has from an earlier entry go; times and the default ACL are noted in `node`, for
   * `finishDirectory`.
   *
   * @param name The directory as seen from `dir`: `.` for the root.
   */
  describeDirectory(node: DirNode, dir: Fd, name: Buffer, entry: DirectoryEntry): void {
    this.#files.setMetadata(dir, name, { uid: entry.uid, gid: entry.gid, mode: entry.mode });
    node.times = { mtime: entry.mtime, atime: entry.atime ?? entry.mtime };
    node.defaultAcl = entry.xattrs?.get(DEFAULT_ACL);
    for (const attribute of this.#files.listXattrs(dir, name)) {
      const key = attribute.toString('latin1');
      if (!isXattrAllowed(key, 'directory') || entry.xattrs?.has(key) === true) continue;
      this.#files.removeXattr(dir, name, attribute);
    }
    this.setXattrs(dir, name, entry);
  }

  setXattrs(dir: Fd, name: Buffer, entry: Pick<TarEntry, 'type' | 'xattrs'>): void {
    if (entry.xattrs === undefined) return;
    for (const [key, value] of entry.xattrs) {
      if (key !== DEFAULT_ACL && isXattrAllowed(key, entry.type)) this.#setXattr(dir, name, key, value);
    }
  }

  /** Once nothing more is made in the directory. */
  finishDirectory(node: DirNode, dir: Fd, name: Buffer): void {
    if (node.defaultAcl) this.#setXattr(dir, name, DEFAULT_ACL, node.defaultAcl);
    if (node.times) this.#files.setMetadata(dir, name, node.times);
  }

  #setXattr(dir: Fd, name: Buffer, key: string, value: Buffer): void {
    try {
      this.#files.setXattr(dir, name, rawBytes(key), value);
    } catch (cause) {
      // A file system without such attributes can't keep them; the layer is good for all else.
      if (!isErrno(cause, 'EOPNOTSUPP')) throw cause;
    }
  }
}
