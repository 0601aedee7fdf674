import type { DirectoryFiles, Fd, FileStat } from '../../core/kernel/directory-files.js';
import type { Disks } from '../../core/kernel/disks.js';
import { isDirectory, isRegular, isSymlink, nodeKindOf } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import type { CopyTreeTask } from '../../core/diff/layer-tasks.js';
import { copyAsContainer, copyAttributes, type Place } from '../../core/snapshots/root-attributes.js';
import type { IdMapping } from '../../spec/id-mapping.js';

const DIRECTORY_FLAGS = OPEN.read | OPEN.directory | OPEN.noFollow;

/** The parts of the kernel that copying needs. */
export interface CopyKernel {
  readonly files: DirectoryFiles;
  readonly disks: Pick<Disks, 'copyContent'>;
}

/**
 * Copies what a directory holds into an empty one, and the directory's own attributes: owners, modes, times, extended attributes,
 * hard links among the files, holes. Both trees are ours, so that no one changes them meanwhile. Sockets are left out.
 *
 * @param check Called for every entry; it may throw to stop.
 */
export function copyTree(
  kernel: CopyKernel,
  { from, to, mapping }: Omit<CopyTreeTask, 'kind'>,
  check: () => void,
): void {
  const source = kernel.files.openDirectory(from);
  try {
    const target = kernel.files.openDirectory(to);
    try {
      const copy = new TreeCopy(kernel, target, { mapping, check });
      copy.copyInto(source, target, Buffer.alloc(0));
      copy.describe({ dir: source, name: '.' }, { dir: target, name: '.' });
    } finally {
      kernel.files.close(target);
    }
  } finally {
    kernel.files.close(source);
  }
}

class TreeCopy {
  readonly #files: DirectoryFiles;
  readonly #disks: Pick<Disks, 'copyContent'>;
  readonly #root: Fd;
  readonly #check: () => void;
  readonly #mapping: IdMapping | undefined;
  /** Path in the copy of files with several names, by inode. */
  readonly #linked = new Map<bigint, Buffer>();

  constructor(
    kernel: CopyKernel,
    root: Fd,
    { mapping, check }: { readonly mapping: IdMapping | undefined; readonly check: () => void },
  ) {
    this.#files = kernel.files;
    this.#disks = kernel.disks;
    this.#root = root;
    this.#check = check;
    this.#mapping = mapping;
  }

  /** Once all is in it. */
  describe(from: Place, to: Place): void {
    if (this.#mapping) copyAsContainer(this.#files, from, to, this.#mapping);
    else copyAttributes(this.#files, from, to);
  }

  copyInto(source: Fd, target: Fd, path: Buffer): void {
    for (const { name } of this.#files.list(source)) {
      this.#check();
      this.#copyEntry(source, target, name, path.length === 0 ? name : Buffer.concat([path, SLASH, name]));
    }
  }

  #copyEntry(source: Fd, target: Fd, name: Buffer, path: Buffer): void {
    const stat = this.#files.stat(source, name);
    if (isDirectory(stat)) this.#copyDirectory(source, target, name, path);
    else {
      const first = stat.nlink > 1 ? this.#linked.get(stat.ino) : undefined;
      if (first !== undefined) {
        this.#files.link(this.#root, first, target, name);
        return;
      }
      if (!this.#copyNode(source, target, name, stat)) return;
      if (stat.nlink > 1) this.#linked.set(stat.ino, Buffer.from(path));
    }
    this.describe({ dir: source, name }, { dir: target, name });
  }

  #copyDirectory(source: Fd, target: Fd, name: Buffer, path: Buffer): void {
    const from = this.#files.open(source, name, DIRECTORY_FLAGS, 0);
    try {
      this.#files.makeDirectory(target, name, 0o700);
      const to = this.#files.open(target, name, DIRECTORY_FLAGS, 0);
      try {
        this.copyInto(from, to, path);
      } finally {
        this.#files.close(to);
      }
    } finally {
      this.#files.close(from);
    }
  }

  /** @returns False for what can't be copied. */
  #copyNode(source: Fd, target: Fd, name: Buffer, stat: FileStat): boolean {
    if (isRegular(stat)) this.#copyFile(source, target, name);
    else if (isSymlink(stat)) this.#files.makeSymlink(this.#files.readLink(source, name), target, name);
    else {
      const kind = nodeKindOf(stat);
      if (kind === undefined) return false;
      this.#files.makeNode(target, name, kind, stat.mode & 0o7777, stat.rdev);
    }
    return true;
  }

  #copyFile(source: Fd, target: Fd, name: Buffer): void {
    const from = this.#files.open(source, name, OPEN.read | OPEN.noFollow, 0);
    try {
      const to = this.#files.createForWriting(target, name);
      try {
        this.#disks.copyContent(from, to);
      } finally {
        this.#files.close(to);
      }
    } finally {
      this.#files.close(from);
    }
  }
}

const SLASH = Buffer.from('/');
