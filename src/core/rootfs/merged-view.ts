import type { DirectoryFiles, Fd, FileStat } from '../kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../kernel/file-type.js';
import { OPEN } from '../kernel/open-flags.js';
import { OVERLAY_OPAQUE } from '../snapshots/overlay-form.js';
import type { Place } from '../snapshots/root-attributes.js';

/** Something in the merged tree, as the nearest layer that has it shows it. */
export interface MergedEntry {
  readonly stat: FileStat;
  readonly place: Place;
}

const DIRECTORY_FLAGS = OPEN.path | OPEN.directory | OPEN.noFollow;

/** Whether a directory hides what lower layers have in it. */
export function isOpaque(files: DirectoryFiles, { dir, name }: Place): boolean {
  return files.getXattr(dir, name, OVERLAY_OPAQUE.name)?.equals(OVERLAY_OPAQUE.value) === true;
}

/** Raw bytes of a latin1 path component. */
export function rawName(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1');
}

function isBeneath(path: readonly string[], above: readonly string[]): boolean {
  return above.every((name, depth) => path[depth] === name);
}

/** Layer directories in overlay form seen as one tree, as overlayfs would show it, without mounting anything. */
export class MergedView implements Disposable {
  readonly #files: DirectoryFiles;
  readonly #roots: Fd[] = [];
  /** The directory that was looked into last: the next name is mostly in it, or beneath. */
  #last: { readonly path: readonly string[]; readonly stack: readonly Fd[] } = { path: [], stack: this.#roots };

  /** @param directories Of the layers, nearest first. */
  constructor(files: DirectoryFiles, directories: readonly string[]) {
    this.#files = files;
    try {
      for (const directory of directories) this.#roots.push(files.openDirectory(directory));
    } catch (cause) {
      this[Symbol.dispose]();
      throw cause;
    }
  }

  /**
   * Looks a path up without following any link.
   *
   * @param path Latin1 components; none for the root.
   * @param use Gets what is there; the place is open until it returns, and it looks nothing up meanwhile.
   * @returns Undefined when nothing is there, or something else than a directory is on the way.
   */
  with<T>(path: readonly string[], use: (entry: MergedEntry) => T): T | undefined {
    const [root] = this.#roots;
    if (root === undefined) return undefined;
    const last = path.at(-1);
    if (last === undefined) return use({ stat: this.#files.statFd(root), place: { dir: root, name: '.' } });
    const name = rawName(last);
    for (const dir of this.#directory(path.slice(0, -1))) {
      const stat = this.#files.statIfExists(dir, name);
      if (stat !== undefined) return isWhiteout(stat) ? undefined : use({ stat, place: { dir, name } });
    }
    return undefined;
  }

  /** Names in the merged root, as raw bytes. */
  rootNames(): Buffer[] {
    const names = new Map<string, Buffer | undefined>();
    for (const root of this.#roots) {
      const fd = this.#files.open(root, '.', OPEN.read | OPEN.directory, 0);
      try {
        for (const { name } of this.#files.list(fd)) {
          const key = name.toString('latin1');
          if (names.has(key)) continue;
          names.set(key, isWhiteout(this.#files.stat(fd, name)) ? undefined : Buffer.from(name));
        }
      } finally {
        this.#files.close(fd);
      }
    }
    return [...names.values()].filter((name) => name !== undefined);
  }

  /** The layers' directories that make up the merged one at a path, open until another one is asked for; none if it is no directory. */
  #directory(path: readonly string[]): readonly Fd[] {
    if (!isBeneath(path, this.#last.path)) this.#go([], this.#roots);
    // Where the way ends, nothing is beneath either.
    while (this.#last.path.length < path.length && this.#last.stack.length > 0) {
      const { path: above, stack } = this.#last;
      const name = path[above.length] ?? '';
      this.#go([...above, name], this.#step(stack, rawName(name)));
    }
    return this.#last.stack;
  }

  #go(path: readonly string[], stack: readonly Fd[]): void {
    const { stack: left } = this.#last;
    this.#last = { path, stack };
    if (left !== this.#roots) for (const fd of left) this.#files.close(fd);
  }

  /** The layers' directories of one name that make up the merged one; none if it is no directory. */
  #step(stack: readonly Fd[], name: Buffer): Fd[] {
    const below: Fd[] = [];
    for (const dir of stack) {
      const stat = this.#files.statIfExists(dir, name);
      if (stat === undefined) continue;
      if (!isDirectory(stat)) break;
      below.push(this.#files.open(dir, name, DIRECTORY_FLAGS, 0));
      if (isOpaque(this.#files, { dir, name })) break;
    }
    return below;
  }

  [Symbol.dispose](): void {
    this.#go([], this.#roots);
    for (const root of this.#roots.splice(0)) this.#files.close(root);
  }
}
