import { crc32 } from 'node:zlib';
import { DaemonError, isErrno } from '../../base/errors.js';
import { overLimit, type ApplyLimits, type Deferred } from '../../core/diff/applier.js';
import { FileChecksums } from '../../core/fsck/file-checksums.js';
import type { Crc32 } from '../../core/kernel/checksums.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import { isDirectory } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import type { MergedView } from '../../core/rootfs/merged-view.js';
import { noteDeferred, noteRoot } from './deferred.js';
import { markNeeded, type DirNode } from './dir-node.js';
import { DirTree, pathIn } from './dir-tree.js';
import { checkDevice, explainEntry, inTheWay } from './entry-errors.js';
import { EntryMetadata } from './entry-metadata.js';
import { rawBytes, splitPath } from './entry-path.js';
import { FileWriter } from './file-writer.js';
import { HardLinks } from './hard-links.js';
import { LateFiles } from './late-files.js';
import { MemoryBounds } from './memory-bounds.js';
import { PlainRuns } from './plain-runs.js';
import type { TarEntry, TarSink } from './tar-entry.js';
import { markerOf, Whiteouts, type Marker } from './whiteouts.js';
import { EVERYTHING, rememberPaths, type WrittenPaths } from './written-paths.js';

const PAGE_BYTES = 4096;
const SELF = Buffer.from('.');

/** Where the layer goes, and how. */
export interface LayerTarget {
  readonly directory: string;
  readonly form: 'overlay' | 'plain';
  readonly limits: ApplyLimits;
  /** The layers below, of `overlay` where they are known: then nothing but the root is deferred. */
  readonly lower?: MergedView | undefined;
  /** Files, and no layer: no name marks a deletion, and a directory gives way to nothing, nor anything to a directory. */
  readonly copy?: boolean;
}

/** What became of the entries. */
export interface WrittenLayer {
  readonly usage: { readonly size: number; readonly inodes: number };
  readonly deferred: readonly Deferred[];
}

/** A file that is written piece by piece. */
interface OpenFile {
  readonly writer: FileWriter;
  readonly parent: DirNode;
  readonly name: string;
  readonly entry: TarEntry;
  crc: number;
}

/** Writes the entries of a layer into a directory. Nothing outside of the directory is touched, whatever the entries say. */
export class LayerWriter implements TarSink, Disposable {
  readonly #late: LateFiles;
  readonly #files: DirectoryFiles;
  readonly #target: LayerTarget;
  readonly #tree: DirTree;
  readonly #bounds = new MemoryBounds();
  readonly #written: WrittenPaths;
  readonly #whiteouts: Whiteouts;
  readonly #metadata: EntryMetadata;
  readonly #links: HardLinks;
  /** Of the files that were written here. */
  readonly checksums: FileChecksums;
  readonly #crc32: Crc32;
  /** Then all directories that are there are in the tree. */
  readonly #startsEmpty: boolean;
  readonly #runs: PlainRuns;
  #entries = 0;
  #usedBytes = 0;
  #inodes = 1;
  /** The file that data goes to; undefined for data that nobody wants. */
  #file: OpenFile | undefined;

  constructor(files: DirectoryFiles, target: LayerTarget, sum: Crc32 = crc32) {
    this.checksums = new FileChecksums(sum);
    this.#crc32 = sum;
    this.#late = new LateFiles(files);
    [this.#files, this.#target] = [this.#late.files, target];
    const { directory, limits, lower } = target;
    this.#tree = new DirTree(this.#files, directory, { maxDepth: limits.maxPathDepth, bounds: this.#bounds, lower });
    this.#tree.onInvented = (node) => {
      this.#count(PAGE_BYTES);
      this.#written.add(node.path);
      if (node.severed) this.#whiteouts.markOpaque(node);
    };
    this.#startsEmpty = this.#isEmpty();
    this.#written = this.#startsEmpty ? EVERYTHING : rememberPaths(this.#bounds);
    this.#whiteouts = new Whiteouts(this.#files, this.#tree, this.#written, target.form);
    this.#metadata = new EntryMetadata(this.#files);
    this.#links = new HardLinks({
      ...{ files: this.#files, tree: this.#tree, checksums: this.checksums },
      defer: this.#isByItself ? (link) => this.#deferLink(link.parent, link.name, link.target) : undefined,
      replacing: (parent, name, make) => {
        this.#replacing(parent, name, make);
      },
    });
    this.#runs = new PlainRuns({
      ...{ late: this.#late, tree: this.#tree, metadata: this.#metadata, checksums: this.checksums },
      open: () => (target.copy || !this.#startsEmpty ? undefined : this.#late.openEntries(target.limits)),
    });
    const { mtime, atime } = files.stat(this.#tree.fd(this.#tree.root), '.');
    this.#tree.root.times = { mtime, atime };
  }

  /** Whether the layers below are for later. */
  get #isByItself(): boolean {
    return this.#target.form === 'overlay' && this.#target.lower === undefined;
  }

  get entries(): number {
    return this.#entries;
  }

  run(piece: Buffer, at: number): number {
    const taken = this.#runs.take(piece, at, this.#target.limits.maxEntries - this.#entries);
    if (taken === undefined) return at;
    const { entries, inodes, bytes, failed, midway, next } = taken;
    this.#entries += entries;
    this.#inodes += inodes;
    this.#usedBytes += bytes;
    if (failed) throw this.#explained(failed.error, failed.entry ?? Buffer.alloc(0));
    return midway ? -1 : next;
  }

  entry(entry: TarEntry, whole: Buffer | undefined): void {
    this.#entries += 1;
    if (entry.xattrs !== undefined && entry.xattrs.size > 0) this.checksums.gaveXattrs();
    if (this.#entries > this.#target.limits.maxEntries) {
      throw overLimit('maxEntries', `layer: over the limit of ${this.#target.limits.maxEntries} entries`);
    }
    try {
      this.#place(entry, whole);
    } catch (cause) {
      throw this.#explained(cause, entry.name);
    }
  }

  data(bytes: Buffer): void {
    this.#ofFile((file) => {
      this.#write(file, bytes);
    });
  }

  end(): void {
    this.#ofFile((file) => {
      this.#end(file);
    });
  }

  #ofFile(work: (file: OpenFile) => void): void {
    const file = this.#file;
    if (file === undefined) return;
    try {
      work(file);
    } catch (cause) {
      throw this.#explained(cause, file.entry.name);
    }
  }

  /** What went wrong first: files that wait are of entries before this one. */
  #explained(cause: unknown, name: Buffer): unknown {
    return this.#late.firstFailure() ?? explainEntry(cause, name);
  }

  #write(file: OpenFile, bytes: Buffer): void {
    file.writer.write(bytes);
    file.crc = this.#crc32(bytes, file.crc);
  }

  #end(file: OpenFile): void {
    this.#file = undefined;
    file.writer.finish();
    // Of a sparse file the holes would count, too.
    if (file.entry.sparse) this.checksums.forget(file.parent.path, file.name);
    else this.checksums.sum(file.parent.path, file.name, file.entry, file.crc);
    this.#metadata.setXattrs(this.#tree.fd(file.parent), rawBytes(file.name), file.entry);
  }

  /** Sets what has to wait until all is written, and tells what is left to do. */
  finish(): WrittenLayer {
    const deferred: Deferred[] = [];
    this.#late.settle();
    this.#finishDirectory(this.#tree.root, !this.#isByItself, deferred);
    if (this.#isByItself) for (const path of this.#tree.passed) deferred.push({ kind: 'passed', path: rawBytes(path) });
    else if (this.#target.form === 'overlay') noteRoot(this.#tree.root, deferred);
    return { usage: { size: this.#usedBytes + PAGE_BYTES, inodes: this.#inodes }, deferred };
  }

  [Symbol.dispose](): void {
    this.#runs[Symbol.dispose]();
    this.#late[Symbol.dispose]();
    this.#file?.writer[Symbol.dispose]();
    this.#tree[Symbol.dispose]();
  }

  #isEmpty(): boolean {
    const fd = this.#files.open(this.#tree.fd(this.#tree.root), '.', OPEN.read | OPEN.directory, 0);
    try {
      return this.#files.list(fd).length === 0;
    } finally {
      this.#files.close(fd);
    }
  }

  #place(entry: TarEntry, whole: Buffer | undefined): void {
    const components = splitPath(entry.name, this.#target.limits);
    const marker = this.#target.copy ? undefined : markerOf(components);
    const name = components.pop();
    if (marker !== undefined) this.#mark(components, marker);
    else if (name === undefined) this.#placeRoot(entry);
    else {
      const parent = this.#tree.resolve(components, 'invent') ?? this.#tree.root;
      this.#placeIn(parent, name, entry, whole);
      markNeeded(parent);
      this.#runs.enter(parent);
      this.#written.add(pathIn(parent, name));
    }
  }

  /** Where nothing is, a plain deletion has nothing to do; in overlay form the layers below decide that later. */
  #mark(components: readonly string[], marker: Marker): void {
    if (marker.kind === 'meta') return;
    const parent = this.#tree.resolve(components, this.#isByItself ? 'mark' : 'give-up');
    if (parent === undefined) return;
    if (marker.kind === 'opaque') this.#whiteouts.hideAll(parent);
    else if (this.#whiteouts.hide(parent, marker.hidden)) {
      this.#bounds.add('deletions');
      (parent.deleted ??= []).push(marker.hidden);
      this.#count(0);
    }
  }

  #placeRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') {
      throw new DaemonError(
        'invalid-argument',
        `it stands for / itself and may only be a directory, not a ${entry.type}`,
      );
    }
    const { root } = this.#tree;
    root.origin = 'entry';
    this.#metadata.describeDirectory(root, this.#tree.fd(root), SELF, entry);
  }

  #placeIn(parent: DirNode, name: string, entry: TarEntry, whole: Buffer | undefined): void {
    switch (entry.type) {
      case 'directory':
        this.#placeDirectory(parent, name, entry);
        return;
      case 'file':
        this.#placeFile(parent, name, entry, whole);
        return;
      case 'hardlink':
        this.#links.place(parent, name, splitPath(entry.link, this.#target.limits));
        return;
      default:
        this.#replacing(parent, name, () => {
          this.#makeSpecial(parent, name, entry);
        });
        this.#count(0);
        this.#metadata.describe(this.#tree.fd(parent), rawBytes(name), entry);
    }
  }

  #placeDirectory(parent: DirNode, name: string, entry: TarEntry): void {
    const node = parent.child(name) ?? this.#enterDirectory(parent, name);
    node.origin = 'entry';
    this.#metadata.describeDirectory(node, this.#tree.fd(parent), rawBytes(name), entry);
    this.#tree.fd(node);
    this.#runs.enter(node);
  }

  /** Makes a directory, or takes the one that is there. In the place of anything else it hides what lower layers have. */
  #enterDirectory(parent: DirNode, name: string): DirNode {
    try {
      const node = this.#tree.make(parent, name, 'entry');
      this.#count(PAGE_BYTES);
      return node;
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw cause;
    }
    const stat = this.#files.stat(this.#tree.fd(parent), rawBytes(name));
    if (isDirectory(stat)) return this.#tree.adopt(parent, name, stat);
    if (this.#target.copy) throw inTheWay('something else than a directory');
    this.#files.unlink(this.#tree.fd(parent), rawBytes(name));
    parent.pendingLinks?.delete(name);
    const node = this.#tree.make(parent, name, 'entry');
    this.#count(PAGE_BYTES);
    this.#whiteouts.markOpaque(node);
    return node;
  }

  #placeFile(parent: DirNode, name: string, entry: TarEntry, whole: Buffer | undefined): void {
    const dir = this.#tree.fd(parent);
    const raw = rawBytes(name);
    this.#count(Math.ceil(entry.storedBytes / PAGE_BYTES) * PAGE_BYTES);
    if (whole !== undefined && entry.sparse === undefined) {
      if (this.#isForLater(parent, name, entry, whole)) {
        parent.pendingLinks?.delete(name);
        this.#late.create(dir, raw, entry, whole);
        this.checksums.wrote(parent.path, name, entry, whole);
        return;
      }
      const { mode, uid, gid, mtime } = entry;
      this.#replacing(parent, name, () => {
        this.#files.createFile(dir, raw, { mode, uid, gid, mtime, content: whole });
      });
      if (entry.atime) this.#files.setMetadata(dir, raw, { mtime, atime: entry.atime });
      this.checksums.wrote(parent.path, name, entry, whole);
      this.#metadata.setXattrs(dir, raw, entry);
      return;
    }
    const fd = this.#replacing(parent, name, () => this.#files.createForWriting(dir, raw));
    const file = { writer: new FileWriter(this.#files, fd, entry), parent, name, entry, crc: 0 };
    this.#file = file;
    if (whole === undefined) return;
    this.#write(file, whole);
    this.#end(file);
  }

  /** A directory of that name would have to be forgotten first. */
  #isForLater(parent: DirNode, name: string, entry: TarEntry, whole: Buffer): boolean {
    if (this.#target.copy || !this.#startsEmpty || parent.child(name) !== undefined) return false;
    return this.#late.takes(entry, whole);
  }

  #makeSpecial(parent: DirNode, name: string, entry: TarEntry): void {
    const dir = this.#tree.fd(parent);
    const raw = rawBytes(name);
    if (entry.type === 'symlink') {
      if (entry.link.length === 0) throw new DaemonError('invalid-argument', 'a symbolic link to nothing');
      this.#files.makeSymlink(entry.link, dir, raw);
      return;
    }
    const { device } = entry;
    if (entry.type === 'fifo') this.#files.makeNode(dir, raw, 'fifo', entry.mode, device);
    else if (entry.type === 'char' || entry.type === 'block') {
      checkDevice(device, entry.type);
      this.#files.makeNode(dir, raw, entry.type, entry.mode, device);
    }
  }

  /** A hard link to what the layer does not have is for the layers below to tell. */
  #deferLink(parent: DirNode, name: string, target: string): void {
    this.#bounds.add('links to lower layers');
    (parent.pendingLinks ??= new Map<string, string>()).set(name, target);
    this.#runs.leave(parent);
    this.#count(0);
  }

  /** Runs `make`; if something of that name is in the way, removes it and runs `make` again. */
  #replacing<T>(parent: DirNode, name: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw cause;
    }
    if (this.#target.copy) {
      // Fails on a directory, whatever was there a moment before.
      this.#unlinkFile(parent, name);
      return make();
    }
    this.#tree.forget(parent, name);
    parent.pendingLinks?.delete(name);
    this.#files.removeTree(this.#tree.fd(parent), rawBytes(name));
    return make();
  }

  #unlinkFile(parent: DirNode, name: string): void {
    try {
      this.#files.unlink(this.#tree.fd(parent), rawBytes(name));
    } catch (cause) {
      if (isErrno(cause, 'EISDIR') || isErrno(cause, 'EPERM')) throw inTheWay('a directory');
      throw cause;
    }
  }

  /** @param hidden Nothing of lower layers shows in the directory's place. */
  #finishDirectory(node: DirNode, hidden: boolean, deferred: Deferred[]): void {
    if (hidden && !node.needed && node.origin === 'invented' && node.parent !== undefined) {
      // Made to hold deletions in a place where there is nothing to delete.
      this.#tree.forget(node.parent, node.name);
      this.#files.removeTree(this.#tree.fd(node.parent), rawBytes(node.name));
      return;
    }
    if (this.#isByItself) noteDeferred(node, hidden, deferred);
    const below = hidden || node.opaque || node.severed;
    for (const child of node.children) this.#finishDirectory(child, below, deferred);
    if (node.parent === undefined) this.#metadata.finishDirectory(node, this.#tree.fd(node), SELF);
    else this.#metadata.finishDirectory(node, this.#tree.fd(node.parent), rawBytes(node.name));
  }

  #count(bytes: number): void {
    this.#inodes += 1;
    this.#usedBytes += bytes;
  }
}
