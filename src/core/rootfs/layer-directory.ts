import type { DirectoryFiles, Fd, FileStat } from '../kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../kernel/file-type.js';
import { OPEN, RESOLVE } from '../kernel/open-flags.js';
import { OVERLAY_OPAQUE } from '../snapshots/overlay-form.js';
import { copyAttributes, PLAIN_DIRECTORY, type Place } from '../snapshots/root-attributes.js';
import { isOpaque, rawName, type MergedView } from './merged-view.js';

const PLACE_FLAGS = OPEN.path | OPEN.directory | OPEN.noFollow;

/** Knows which directories of a layer have attributes that the layer did not give. */
export interface InventedDirectories {
  /** Two directories become one. @returns True when the first one's attributes are the layer's own, and so count. */
  merge(from: readonly string[], to: readonly string[]): boolean;
  /** The layer deletes what is below a directory of its own. @returns False when that holds nothing but deletions, and so is not there. */
  sever(path: readonly string[]): boolean;
}

/** No entry of a layer has such a name: it is one of a mark of deletion. */
const ASIDE = '.wh..wh.aside';

interface Merge {
  /** Where what was at `from` is meanwhile. */
  readonly at: readonly string[];
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly invented: InventedDirectories;
}

/** One layer's directory while it is tied to the layers below: every path in it is opened without following a link. */
export class LayerDirectory implements Disposable {
  readonly files: DirectoryFiles;
  readonly #root: Fd;

  constructor(files: DirectoryFiles, path: string) {
    this.files = files;
    this.#root = files.openDirectory(path);
  }

  /** Opens a directory of the layer for as long as `use` runs. @throws SyscallError. */
  within<T>(path: readonly string[], use: (dir: Fd) => T, flags: number = PLACE_FLAGS): T {
    const name = path.length === 0 ? '.' : rawName(path.join('/'));
    const fd = this.files.open(this.#root, name, flags, RESOLVE.beneath | RESOLVE.noSymlinks);
    try {
      return use(fd);
    } finally {
      this.files.close(fd);
    }
  }

  /** As `within`, with the directory's times put back afterwards. */
  changing<T>(path: readonly string[], use: (dir: Fd) => T): T {
    return this.within(path, (dir) => {
      const { mtime, atime } = this.files.stat(dir, '.');
      try {
        return use(dir);
      } finally {
        this.files.setMetadata(dir, '.', { mtime, atime });
      }
    });
  }

  list(path: readonly string[]): Buffer[] {
    return this.within(
      path,
      (dir) => this.files.list(dir).map(({ name }) => Buffer.from(name)),
      OPEN.read | OPEN.directory,
    );
  }

  /** What the layer itself has at a path; undefined when nothing, also when a directory on the way is missing. */
  look(path: readonly string[]): FileStat | undefined {
    let stat: FileStat | undefined;
    for (let depth = 0; depth <= path.length; depth += 1) {
      const last = path[depth - 1];
      stat =
        last === undefined
          ? this.files.statFd(this.#root)
          : this.within(path.slice(0, depth - 1), (dir) => this.files.statIfExists(dir, rawName(last)));
      if (stat === undefined || (depth < path.length && !isDirectory(stat))) return undefined;
    }
    return stat;
  }

  /** Whether the layer hides what lies below it at a path: by a mark on one of the directories over it, or by something else there. */
  hidesBelow(path: readonly string[]): boolean {
    for (let depth = 1; depth < path.length; depth += 1) {
      const above = path.slice(0, depth);
      const stat = this.look(above);
      if (stat === undefined) return false;
      if (!isDirectory(stat) || this.#isOpaqueAt(above)) return true;
    }
    return false;
  }

  #isOpaqueAt(path: readonly string[]): boolean {
    return this.within(path, (dir) => isOpaque(this.files, { dir, name: '.' }));
  }

  /** Makes the directories of a path that the layer lacks, each as the lower layers have it. */
  ensure(path: readonly string[], lower: MergedView): void {
    for (let depth = 1; depth <= path.length; depth += 1) {
      const part = path.slice(0, depth);
      const name = rawName(part.at(-1) ?? '');
      const stat = this.look(part);
      if (stat !== undefined && !isWhiteout(stat)) continue;
      this.changing(part.slice(0, -1), (dir) => {
        if (stat !== undefined) this.files.unlink(dir, name);
        this.files.makeDirectory(dir, name, 0o755);
        this.files.setMetadata(dir, name, PLAIN_DIRECTORY);
        if (stat !== undefined) this.files.setXattr(dir, name, OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
        else if (!this.hidesBelow(part)) this.takeAttributes(part, { dir, name }, lower);
      });
    }
  }

  /** Gives a directory of the layer what the lower layers' directory has at that path, if there is one. */
  takeAttributes(path: readonly string[], to: Place, lower: MergedView): void {
    lower.with(path, ({ stat, place }) => {
      if (isDirectory(stat)) copyAttributes(this.files, place, to);
    });
  }

  /**
   * Moves all that a directory holds into another of the layer, merging directories; then removes it. Of two directories that become
   * one the attributes count that the layer itself gave.
   */
  mergeInto(from: readonly string[], to: readonly string[], invented: InventedDirectories): void {
    // Aside first: a link to its own directory leads to where the directory to move lies, and something of its name may go there.
    this.changing([], (root) => {
      this.changing(from.slice(0, -1), (parent) => {
        this.files.rename(parent, rawName(from.at(-1) ?? ''), root, ASIDE);
      });
      this.#mergeInto({ at: [ASIDE], from, to, invented });
    });
  }

  #mergeInto(merge: Merge): void {
    const { at, from, to, invented } = merge;
    const names = this.list(at);
    this.changing(to, (target) => {
      // Its own time may be the one that counts.
      this.changing(at, (source) => {
        for (const name of names) this.#moveEntry({ dir: source, name }, target, merge);
        if (isOpaque(this.files, { dir: source, name: '.' })) {
          this.files.setXattr(target, '.', OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
        }
      });
    });
    this.within(at.slice(0, -1), (parent) => {
      const name = rawName(at.at(-1) ?? '');
      if (invented.merge(from, to)) {
        this.within(to.slice(0, -1), (dir) => {
          copyAttributes(this.files, { dir: parent, name }, { dir, name: rawName(to.at(-1) ?? '') });
        });
      }
      this.files.removeDirectory(parent, name);
    });
  }

  #moveEntry(source: Place & { readonly name: Buffer }, target: Fd, { at, from, to, invented }: Merge): void {
    const { name } = source;
    const key = name.toString('latin1');
    const there = this.files.statIfExists(target, name);
    const stat = this.files.stat(source.dir, name);
    if (there !== undefined && isDirectory(there) && isDirectory(stat)) {
      this.#mergeInto({ at: [...at, key], from: [...from, key], to: [...to, key], invented });
      return;
    }
    // A deletion is one of what lower layers have: what the layer itself has there stays.
    if (
      there !== undefined &&
      isWhiteout(stat) &&
      this.#staysWithout(there, { dir: target, name }, [...to, key], invented)
    ) {
      this.files.unlink(source.dir, name);
      return;
    }
    if (there !== undefined && isWhiteout(there) && !this.#staysWithout(stat, source, [...from, key], invented)) {
      this.files.removeTree(source.dir, name);
      return;
    }
    if (there !== undefined) this.files.removeTree(target, name);
    this.files.rename(source.dir, name, target, name);
  }

  /** Whether the layer has more than deletions there; if that is a directory, it hides what is below from now on. */
  #staysWithout(stat: FileStat, place: Place, path: readonly string[], invented: InventedDirectories): boolean {
    if (!isDirectory(stat)) return !isWhiteout(stat);
    if (!invented.sever(path)) return false;
    this.files.setXattr(place.dir, place.name, OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
    return true;
  }

  [Symbol.dispose](): void {
    this.files.close(this.#root);
  }
}
