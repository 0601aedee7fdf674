import { isKind } from '../../base/errors.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { DirNode } from './dir-node.js';
import { pathIn, type DirTree } from './dir-tree.js';
import { rawBytes, splitComponents } from './entry-path.js';

/** What is remembered at most. Beyond that a hard link is one to the lower layers' file, as it nearly always is: no layer is refused for it. */
const MAXIMA = { paths: 500_000, candidates: 16, candidatesInAll: 200_000 };

/** Where something lies in the layer. */
export interface Place {
  readonly parent: DirNode;
  readonly name: string;
}

/** What a hard link that waits is to; without `own` that is still to be found. `first` stands for the first of them. */
export interface LinkBelow {
  readonly target: string;
  readonly own?: readonly string[];
  readonly first?: Place;
}

/** Whether the layers below may have a link or a file instead of a directory that was made for what lies beneath it. */
export function isStandIn(node: DirNode | undefined): boolean {
  return node?.origin === 'invented' && !node.severed;
}

function isBeneathStandIn(directory: DirNode): boolean {
  for (let node: DirNode | undefined = directory; node !== undefined; node = node.parent) {
    if (isStandIn(node)) return true;
  }
  return false;
}

/**
 * The layer's own files that a path may turn out to lead to, once the layers below are there: those in directories for which these may
 * have a link. Nothing is remembered before somebody asks.
 */
export class StandInFiles {
  readonly #files: DirectoryFiles;
  readonly #tree: DirTree;
  /** Paths by their last component. */
  #paths: Map<string, Set<string>> | undefined;
  #count = 0;
  #candidates = 0;

  constructor(files: DirectoryFiles, tree: DirTree) {
    this.#files = files;
    this.#tree = tree;
  }

  /** Something was put there by the layer. */
  placed(parent: DirNode, name: string): void {
    if (this.#paths !== undefined && isBeneathStandIn(parent)) this.#add(pathIn(parent, name), name);
  }

  /** Those that a hard link at `path` to `target` may turn out to be to; where that could be itself, it alone. */
  candidates(target: string, path: string): readonly string[] {
    this.#paths ??= this.#listAll();
    const paths = this.#paths.get(target.slice(target.lastIndexOf('/') + 1));
    if (paths === undefined || paths.size > MAXIMA.candidates || this.#candidates > MAXIMA.candidatesInAll) return [];
    for (const each of paths) if (this.find(each) === undefined) paths.delete(each);
    this.#candidates += paths.size;
    return paths.has(path) ? [path] : [...paths];
  }

  /** The directory of one of them; undefined when it has gone, or only holds the place of a hard link itself. */
  find(path: string): Place | undefined {
    const components = splitComponents(path);
    const name = components.pop() ?? '';
    const parent = this.#locate(components);
    if (!(parent instanceof DirNode) || parent.path !== components.join('/')) return undefined;
    if (parent.pendingLinks?.has(name)) return undefined;
    const stat = this.#files.statIfExists(this.#tree.fd(parent), rawBytes(name));
    return stat === undefined || isDirectory(stat) || isWhiteout(stat) ? undefined : { parent, name };
  }

  #locate(components: readonly string[]): DirNode | readonly string[] {
    try {
      return this.#tree.locate(components);
    } catch (error) {
      if (!isKind(error, 'invalid-argument')) throw error;
      return components; // links that lead nowhere have come in the place of a directory
    }
  }

  #add(path: string, name: string): void {
    this.#paths ??= new Map();
    const paths = this.#paths.get(name) ?? new Set();
    if (paths.has(path) || this.#count >= MAXIMA.paths) return;
    this.#count += 1;
    this.#paths.set(name, paths.add(path));
  }

  #listAll(): Map<string, Set<string>> {
    const paths = (this.#paths = new Map<string, Set<string>>());
    const left = [this.#tree.root];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      left.push(...node.children);
      if (isBeneathStandIn(node)) this.#list(node);
    }
    return paths;
  }

  #list(node: DirNode): void {
    const fd = this.#files.open(this.#tree.fd(node), '.', OPEN.read | OPEN.directory, 0);
    try {
      for (const entry of this.#files.list(fd)) {
        const name = entry.name.toString('latin1');
        if (node.child(name) === undefined) this.#add(pathIn(node, name), name);
      }
    } finally {
      this.#files.close(fd);
    }
  }
}
