import { DaemonError } from '../../base/errors.js';
import { overLimit } from '../../core/diff/applier.js';
import type { DirectoryFiles, Fd, FileStat } from '../../core/kernel/directory-files.js';
import { isDirectory, isSymlink, isWhiteout } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { isOpaque, type MergedEntry, type MergedView } from '../../core/rootfs/merged-view.js';
import { copyAttributes } from '../../core/snapshots/root-attributes.js';
import { DirNode } from './dir-node.js';
import { quotePath, rawBytes, splitComponents } from './entry-path.js';
import type { MemoryBounds } from './memory-bounds.js';
import { DEFAULT_ACL } from './xattr-policy.js';

const OPEN_DIRECTORIES_MAX = 256;
const SYMLINKS_MAX = 40;
const DIRECTORY_FLAGS = OPEN.path | OPEN.directory | OPEN.noFollow;

/**
 * What happens to a directory of a path that is not there. `mark` makes it, to hold a mark of deletion, unless this layer itself says
 * that there is none.
 */
export type Missing = 'invent' | 'mark' | 'give-up';

/**
 * The directories of the tree that a layer is applied to. Every path is walked component by component from the root, links
 * are read and followed here, inside of the root, and never by the kernel.
 */
export class DirTree implements Disposable {
  readonly root: DirNode;
  /** Called for every directory that had to be made for an entry beneath it. */
  onInvented: ((node: DirNode) => void) | undefined;
  /** Called for every other directory that is found or made here. */
  onDirectory: ((node: DirNode) => void) | undefined;
  /** Paths of directories that stood in for what the layers below have, and have gone. */
  readonly passed: string[] = [];
  readonly #files: DirectoryFiles;
  readonly #maxDepth: number;
  readonly #bounds: MemoryBounds;
  readonly #lower: MergedView | undefined;
  /** Open directories, the one used last at the end. */
  readonly #open = new Map<DirNode, Fd>();
  #last: DirNode | undefined;

  /**
   * @param rootPath The directory that becomes `/`, trusted up to its last component.
   * @param parts.lower The layers below where they are known: then paths lead through what these have.
   */
  constructor(
    files: DirectoryFiles,
    rootPath: string,
    parts: { readonly maxDepth: number; readonly bounds: MemoryBounds; readonly lower?: MergedView | undefined },
  ) {
    this.#files = files;
    this.#bounds = parts.bounds;
    this.#maxDepth = parts.maxDepth;
    this.#lower = parts.lower;
    this.root = new DirNode(undefined, '', 'found');
    this.root.fd = files.openDirectory(rootPath);
  }

  /** A descriptor of the directory, valid until other 255 were asked for. */
  fd(node: DirNode): Fd {
    if (node.fd !== undefined) {
      if (node !== this.#last && node.parent !== undefined) {
        this.#open.delete(node);
        this.#open.set(node, node.fd);
        this.#last = node;
      }
      return node.fd;
    }
    if (node.parent === undefined) throw new DaemonError('internal', 'layer: the tree was closed while it was written');
    const fd = this.#files.open(this.fd(node.parent), rawBytes(node.name), DIRECTORY_FLAGS, 0);
    this.#keepOpen(node, fd);
    return fd;
  }

  #keepOpen(node: DirNode, fd: Fd): void {
    this.#evict();
    node.fd = fd;
    this.#open.set(node, fd);
    this.#last = node;
  }

  #evict(): void {
    if (this.#open.size < OPEN_DIRECTORIES_MAX) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#close(oldest);
  }

  #close(node: DirNode): void {
    if (node.fd === undefined) return;
    this.#files.close(node.fd);
    node.fd = undefined;
    this.#open.delete(node);
    if (this.#last === node) this.#last = undefined;
  }

  /**
   * Finds the directory of a path, following links inside of the root as a process whose `/` it is would.
   *
   * @param components Latin1 of the raw bytes.
   * @returns Undefined when a part is missing and is not made.
   * @throws invalid-argument: a part is neither directory nor link, or there are too many links.
   */
  resolve(components: readonly string[], missing: Missing): DirNode | undefined {
    const found = this.#walk(components, missing);
    return found instanceof DirNode ? found : undefined;
  }

  /** As `resolve`, making nothing; where a part is missing, the path as far as it led and then what is left of it. */
  locate(components: readonly string[]): DirNode | readonly string[] {
    return this.#walk(components, 'give-up');
  }

  #walk(components: readonly string[], missing: Missing): DirNode | readonly string[] {
    let node = this.root;
    let links = 0;
    const left = components.toReversed();
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        node = node.parent ?? node;
        continue;
      }
      const step = node.child(name) ?? this.#look(node, name, missing);
      if (step === undefined) return [...splitComponents(node.path), name, ...left.reverse()];
      if (step instanceof DirNode) {
        node = step;
        continue;
      }
      links += 1;
      if (links > SYMLINKS_MAX || left.length > 4096) {
        throw new DaemonError(
          'invalid-argument',
          `layer: ${quotePath(components.join('/'))} goes through too many symbolic links`,
        );
      }
      const target = step.target.toString('latin1');
      if (target.startsWith('/')) node = this.root;
      left.push(...splitComponents(target).reverse());
    }
    return node;
  }

  get knowsBelow(): boolean {
    return this.#lower !== undefined;
  }

  /** What shows of the layers below under a name; undefined when nothing does, or they are not known. */
  below<T>(node: DirNode, name: string, use: (entry: MergedEntry) => T): T | undefined {
    if (this.#lower === undefined || node.hidesBelow) return undefined;
    return this.#lower.with([...splitComponents(node.path), name], use);
  }

  #look(node: DirNode, name: string, missing: Missing): DirNode | { readonly target: Buffer } | undefined {
    const dir = this.fd(node);
    const raw = rawBytes(name);
    const stat = this.#files.statIfExists(dir, raw);
    if (stat !== undefined && isDirectory(stat)) return this.adopt(node, name, stat);
    if (stat !== undefined && isSymlink(stat)) return { target: this.#files.readLink(dir, raw) };
    if (stat === undefined) {
      const step = this.below(node, name, (entry) => this.#lookBelow(node, name, entry, missing));
      return step ?? (missing === 'give-up' ? undefined : this.#invent(node, name, false));
    }
    if (missing !== 'invent') return undefined;
    if (!isWhiteout(stat)) throw fileInTheWay(node, name);
    return this.#invent(node, name, true);
  }

  #lookBelow(
    node: DirNode,
    name: string,
    { stat, place }: MergedEntry,
    missing: Missing,
  ): DirNode | { readonly target: Buffer } | undefined {
    if (isSymlink(stat)) return { target: this.#files.readLink(place.dir, place.name) };
    if (!isDirectory(stat)) {
      if (missing === 'give-up') return undefined;
      throw fileInTheWay(node, name);
    }
    const made = this.make(node, name, 'below');
    const at = { dir: this.fd(node), name: rawBytes(name) };
    copyAttributes(this.#files, place, at);
    made.times = { mtime: stat.mtime, atime: stat.atime };
    made.defaultAcl = this.#files.getXattr(place.dir, place.name, DEFAULT_ACL);
    if (made.defaultAcl) this.#files.removeXattr(at.dir, at.name, DEFAULT_ACL);
    this.onInvented?.(made);
    return made;
  }

  #invent(parent: DirNode, name: string, isDeleted: boolean): DirNode {
    if (isDeleted) this.#files.unlink(this.fd(parent), rawBytes(name));
    const made = this.make(parent, name, 'invented');
    made.severed = isDeleted;
    made.standsIn = this.#lower === undefined && !made.hidesBelow;
    this.onInvented?.(made);
    return made;
  }

  /** Takes in a directory that was there before. */
  adopt(parent: DirNode, name: string, stat: FileStat): DirNode {
    this.#bounds.add('directories');
    const node = parent.addChild(name, 'found');
    this.onDirectory?.(node);
    node.times = { mtime: stat.mtime, atime: stat.atime };
    if (this.#lower) node.opaque = isOpaque(this.#files, { dir: this.fd(parent), name: rawBytes(name) });
    return node;
  }

  /** Makes a directory of root's with mode 0755. @throws SyscallError EEXIST. */
  make(parent: DirNode, name: string, origin: 'entry' | 'invented' | 'below'): DirNode {
    if (parent.depth >= this.#maxDepth) {
      const path = quotePath(pathIn(parent, name));
      throw overLimit('maxPathDepth', `layer: ${path} is over ${this.#maxDepth} directories deep`);
    }
    this.#bounds.add('directories');
    const dir = this.fd(parent);
    const raw = rawBytes(name);
    this.#files.makeDirectory(dir, raw, 0o755);
    const node = parent.addChild(name, origin);
    this.onDirectory?.(node);
    if (origin === 'invented') {
      this.#files.setMetadata(dir, raw, { uid: 0, gid: 0, mode: 0o755 });
      node.times = { mtime: EPOCH, atime: EPOCH };
    }
    return node;
  }

  /** Takes in a directory that an entry made elsewhere, and its descriptor unless this throws. */
  take(parent: DirNode, name: string, fd: Fd): DirNode {
    this.#bounds.add('directories');
    const node = parent.addChild(name, 'entry');
    this.#keepOpen(node, fd);
    return node;
  }

  /** Forgets a directory that is removed, with all beneath it. */
  forget(parent: DirNode, name: string): void {
    const gone: DirNode[] = [];
    const node = parent.child(name);
    if (node) gone.push(node);
    for (let next = gone.pop(); next !== undefined; next = gone.pop()) {
      this.#close(next);
      if (next.standsIn) this.passed.push(next.path);
      gone.push(...next.children);
    }
    parent.dropChild(name);
  }

  [Symbol.dispose](): void {
    for (const node of [...this.#open.keys()]) this.#close(node);
    this.#close(this.root);
  }
}

function fileInTheWay(node: DirNode, name: string): DaemonError {
  return new DaemonError(
    'invalid-argument',
    `layer: ${quotePath(pathIn(node, name))} is a file, yet an entry lies beneath it`,
  );
}

/** Directories that nobody describes have one time whoever unpacks them. */
const EPOCH = { seconds: 0, nanoseconds: 0 };

/** The path of something in a directory, latin1 of the raw bytes. */
export function pathIn(node: DirNode, name: string): string {
  const above = node.path;
  return above === '' ? name : `${above}/${name}`;
}
