import type { DirectoryFiles, Fd, FileStat } from '../kernel/directory-files.js';
import { isDirectory } from '../kernel/file-type.js';
import { OPEN, RESOLVE } from '../kernel/open-flags.js';
import { isOpaque, rawName } from './merged-view.js';

const PLACE_FLAGS = OPEN.path | OPEN.directory | OPEN.noFollow;

/** One layer's directory while it is tied to the layers below: every path in it is opened without following a link. */
export class LayerDirectory implements Disposable {
  readonly files: DirectoryFiles;
  readonly #root: Fd;

  constructor(files: DirectoryFiles, path: string) {
    this.files = files;
    this.#root = files.openDirectory(path);
  }

  /** Opens a directory of the layer for as long as `use` runs. @throws SyscallError. */
  within<T>(path: readonly string[], use: (dir: Fd) => T): T {
    const name = path.length === 0 ? '.' : rawName(path.join('/'));
    const fd = this.files.open(this.#root, name, PLACE_FLAGS, RESOLVE.beneath | RESOLVE.noSymlinks);
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

  [Symbol.dispose](): void {
    this.files.close(this.#root);
  }
}
