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

/** Layer directories in overlay form seen as one tree, as overlayfs would show it, without mounting anything. */
export class MergedView implements Disposable {
  readonly #files: DirectoryFiles;
  readonly #roots: Fd[] = [];

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
   * @param use Gets what is there; the place is open until it returns.
   * @returns Undefined when nothing is there, or something else than a directory is on the way.
   */
  with<T>(path: readonly string[], use: (entry: MergedEntry) => T): T | undefined {
    const [root] = this.#roots;
    if (root === undefined) return undefined;
    const last = path.at(-1);
    if (last === undefined) return use({ stat: this.#files.statFd(root), place: { dir: root, name: '.' } });
    return this.#inDirectory(this.#roots, path.slice(0, -1), (stack) => {
      const name = rawName(last);
      for (const dir of stack) {
        const stat = this.#files.statIfExists(dir, name);
        if (stat !== undefined) return isWhiteout(stat) ? undefined : use({ stat, place: { dir, name } });
      }
      return undefined;
    });
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

  #inDirectory<T>(stack: readonly Fd[], path: readonly string[], use: (stack: readonly Fd[]) => T): T | undefined {
    const [first, ...rest] = path;
    if (first === undefined) return use(stack);
    const below = this.#step(stack, rawName(first));
    try {
      return below.length === 0 ? undefined : this.#inDirectory(below, rest, use);
    } finally {
      for (const fd of below) this.#files.close(fd);
    }
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
    for (const root of this.#roots.splice(0)) this.#files.close(root);
  }
}
