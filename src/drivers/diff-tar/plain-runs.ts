import { DaemonError } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import type { EntryRecord, MadeDirectory, PlainEntries, TakenEntries } from '../../core/kernel/file-queue.js';
import type { FileChecksums } from '../../core/fsck/file-checksums.js';
import { markNeeded, type DirNode } from './dir-node.js';
import type { DirTree } from './dir-tree.js';
import type { EntryMetadata } from './entry-metadata.js';
import { quotePath, rawBytes, splitComponents } from './entry-path.js';
import type { LateFiles } from './late-files.js';

/** What runs of plain entries take of the writer of a layer. */
export interface PlainRunParts {
  /** @returns Undefined: all entries are the writer's. */
  readonly open: () => PlainEntries | undefined;
  readonly late: LateFiles;
  readonly tree: DirTree;
  readonly metadata: EntryMetadata;
  readonly checksums: FileChecksums;
}

/**
 * Has runs of plain entries made all at once, and takes into the tree and the inventory what came of them. Of a layer that begins in an
 * empty directory.
 */
export class PlainRuns implements Disposable {
  readonly #parts: PlainRunParts;
  readonly #files: DirectoryFiles;
  readonly #entered = new Set<Fd>();
  /** Undefined until the first piece comes, and where nothing takes entries. */
  #entries: PlainEntries | undefined;
  #isOpen = false;

  constructor(parts: PlainRunParts) {
    this.#parts = parts;
    this.#files = parts.late.files;
  }

  #open(): PlainEntries | undefined {
    if (this.#isOpen) return this.#entries;
    this.#isOpen = true;
    const { open, late, tree } = this.#parts;
    const entries = (this.#entries = open());
    if (entries === undefined) return undefined;
    late.onClose = (fd) => {
      this.#leave(fd);
    };
    tree.onDirectory = (node) => {
      entries.know(rawBytes(node.path));
    };
    this.enter(tree.root);
    return entries;
  }

  /** Lets entries go into a directory, which is no other's to look at first. */
  enter(node: DirNode): void {
    const { fd, pendingLinks } = node;
    if (this.#entries === undefined || fd === undefined || pendingLinks !== undefined || this.#entered.has(fd)) return;
    this.#entries.enter(rawBytes(node.path), fd);
    this.#entered.add(fd);
  }

  /** From here on somebody has to look first. */
  leave({ fd }: DirNode): void {
    if (fd !== undefined) this.#leave(fd);
  }

  #leave(fd: Fd): void {
    if (this.#entered.delete(fd)) this.#entries?.leave(fd);
  }

  /** @param left Entries at most. @returns Undefined: none is taken. */
  take(piece: Buffer, at: number, left: number): TakenEntries | undefined {
    const taken = this.#open()?.take(piece, at, left);
    if (taken) this.#note(taken.records);
    return taken;
  }

  #note(records: readonly EntryRecord[]): void {
    const { tree, checksums } = this.#parts;
    let [path, place] = ['', tree.root];
    let next = 0;
    try {
      for (const record of records) {
        if (record.kind === 'file') checksums.know(path, record.name, record.rest);
        else if (record.kind === 'place') {
          path = record.path;
          place = this.#nodeAt(path);
          markNeeded(place);
        }
        const made = record.kind === 'directory' ? tree.take(place, record.name, record.directory.fd) : undefined;
        next += 1;
        if (made && record.kind === 'directory') this.#describe(place, made, record.directory);
      }
    } finally {
      for (const record of records.slice(next)) {
        if (record.kind === 'directory') this.#files.close(record.directory.fd);
      }
    }
  }

  #nodeAt(path: string): DirNode {
    let node = this.#parts.tree.root;
    for (const name of splitComponents(path)) {
      const child = node.child(name);
      if (child === undefined) throw new DaemonError('internal', `layer: the tree has no ${quotePath(path)}`);
      node = child;
    }
    return node;
  }

  #describe(place: DirNode, made: DirNode, directory: MadeDirectory): void {
    const { tree, metadata } = this.#parts;
    const { mtime } = directory;
    made.times = { mtime, atime: mtime };
    this.#entered.add(directory.fd);
    if (!directory.hasXattrs) return;
    metadata.describeDirectory(made, tree.fd(place), rawBytes(made.name), { ...directory, type: 'directory' });
  }

  [Symbol.dispose](): void {
    this.#entries?.[Symbol.dispose]();
    this.#entries = undefined;
  }
}
