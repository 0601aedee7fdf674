import { DaemonError } from '../../base/errors.js';
import type { FileChecksums } from '../../core/fsck/file-checksums.js';
import type { DirectoryFiles, FileStat } from '../../core/kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../../core/kernel/file-type.js';
import type { MergedEntry } from '../../core/rootfs/merged-view.js';
import { DirNode } from './dir-node.js';
import { pathIn, type DirTree } from './dir-tree.js';
import { quotePath, rawBytes } from './entry-path.js';

/** Holds the place of a hard link to a lower layer's file. */
const PLACEHOLDER = { mode: 0, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, content: Buffer.alloc(0) };

/** What making hard links takes of the writer of a layer. */
export interface HardLinkParts {
  readonly files: DirectoryFiles;
  readonly tree: DirTree;
  readonly checksums: FileChecksums;
  /** A file that the layer does not have is for the layers below to tell; `undefined` where there are none. */
  readonly defer:
    ((link: { readonly parent: DirNode; readonly name: string; readonly target: string }) => void) | undefined;
  /** Makes something in the place of what is there. */
  readonly replacing: (parent: DirNode, name: string, make: () => void) => void;
}

/** Makes the hard links of a layer. They have no metadata of their own. */
export class HardLinks {
  readonly #parts: HardLinkParts;

  constructor(parts: HardLinkParts) {
    this.#parts = parts;
  }

  /** @param target Components of the path that it is to. */
  place(parent: DirNode, name: string, target: readonly string[]): void {
    const { files, tree, checksums, replacing } = this.#parts;
    const last = target.at(-1);
    if (last === undefined) throw new DaemonError('invalid-argument', 'a hard link to / itself');
    const from = tree.locate(target.slice(0, -1));
    if (!(from instanceof DirNode)) {
      this.#linkBelow(parent, name, [...from, last].join('/'));
      return;
    }
    const stat = files.statIfExists(tree.fd(from), rawBytes(last));
    if (stat === undefined) {
      const done = tree.below(from, last, (entry) =>
        this.#linkTo(entry, parent, name, from === parent && last === name),
      );
      if (done !== true) this.#linkBelow(parent, name, pathIn(from, last));
      return;
    }
    const below = this.#pathBelow(from, last, stat);
    if (below !== undefined) {
      this.#linkBelow(parent, name, below);
      return;
    }
    if (isDirectory(stat) || isWhiteout(stat)) {
      const why = isWhiteout(stat) ? 'a file that this layer deletes' : 'a directory';
      throw new DaemonError('invalid-argument', `a hard link to ${quotePath(target.join('/'))}, ${why}`);
    }
    if (from === parent && last === name) return;
    replacing(parent, name, () => {
      files.link(tree.fd(from), rawBytes(last), tree.fd(parent), rawBytes(name));
    });
    checksums.linked(parent.path, name, { directory: from.path, name: last });
  }

  /** The path below of what is there in the layer itself, if that is for the lower layers to say. */
  #pathBelow(from: DirNode, name: string, stat: FileStat): string | undefined {
    if (!isDirectory(stat)) return from.pendingLinks?.get(name);
    const node = from.child(name);
    return this.#parts.defer && node?.standsIn && node.origin === 'invented' && !node.severed ? node.path : undefined;
  }

  /** @param itself It is to what shows in its own place. @returns False: that is a directory. */
  #linkTo({ stat, place }: MergedEntry, parent: DirNode, name: string, itself: boolean): boolean {
    const { files, tree, checksums, replacing } = this.#parts;
    if (isDirectory(stat)) return false;
    if (itself) return true;
    replacing(parent, name, () => {
      files.link(place.dir, place.name, tree.fd(parent), rawBytes(name));
    });
    checksums.forget(parent.path, name);
    return true;
  }

  #linkBelow(parent: DirNode, name: string, target: string): void {
    const { files, tree, checksums, replacing, defer } = this.#parts;
    if (defer === undefined) {
      throw new DaemonError('invalid-argument', `a hard link to ${quotePath(target)}, which does not exist as a file`);
    }
    replacing(parent, name, () => {
      files.createFile(tree.fd(parent), rawBytes(name), PLACEHOLDER);
    });
    checksums.forget(parent.path, name);
    defer({ parent, name, target });
  }
}
