import type { Fd, FileTime } from '../../core/kernel/directory-files.js';

/**
 * Where a directory comes from: an entry of the layer, made because an entry lies beneath it, made after that of the layers below, or
 * there before the layer was applied.
 */
export type DirOrigin = 'entry' | 'invented' | 'below' | 'found';

/** A directory of the tree that a layer is applied to, as far as the layer has touched it. */
export class DirNode {
  readonly parent: DirNode | undefined;
  /** The last component of its path, latin1 of the raw bytes; empty for the root. */
  readonly name: string;
  readonly depth: number;
  origin: DirOrigin;
  /** Hides what lower layers have in it. */
  opaque = false;
  /** Replaces what lower layers have of this name, so that nothing of their directory's metadata counts. */
  severed = false;
  /** Was made when nobody knew what the layers below have there: perhaps a link, which leads what lies beneath elsewhere. */
  standsIn = false;
  /** Holds an entry of the layer, at whatever depth: not just marks of deletion. */
  needed = false;
  /** Set when all is written. */
  times: { readonly mtime: FileTime; readonly atime: FileTime } | undefined;
  /** A default ACL would change what is created in the directory, so it is set when all is written. */
  defaultAcl: Buffer | undefined;
  fd: Fd | undefined;
  /** Files in it that become hard links to files of lower layers: their paths by name. Empty files hold their places. */
  pendingLinks: Map<string, string> | undefined;
  /** Names in it that were marked as deleted. */
  deleted: string[] | undefined;
  #children: Map<string, DirNode> | undefined;
  #path: string | undefined;

  constructor(parent: DirNode | undefined, name: string, origin: DirOrigin) {
    this.parent = parent;
    this.name = name;
    this.origin = origin;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  child(name: string): DirNode | undefined {
    return this.#children?.get(name);
  }

  get children(): Iterable<DirNode> {
    return this.#children?.values() ?? [];
  }

  /** Whether nothing of lower layers shows in it. */
  get hidesBelow(): boolean {
    return this.opaque || this.severed || this.parent?.hidesBelow === true;
  }

  /** Whether it was only made to find a place for marks of deletion. */
  get holdsMarksOnly(): boolean {
    return !this.needed && (this.origin === 'invented' || this.origin === 'below');
  }

  addChild(name: string, origin: DirOrigin): DirNode {
    const node = new DirNode(this, name, origin);
    (this.#children ??= new Map<string, DirNode>()).set(name, node);
    return node;
  }

  dropChild(name: string): void {
    this.#children?.delete(name);
  }

  /** Path below the root, latin1 of the raw bytes; empty for the root. */
  get path(): string {
    return (this.#path ??= this.#pathBelowRoot());
  }

  #pathBelowRoot(): string {
    if (this.parent === undefined) return '';
    const above = this.parent.path;
    return above === '' ? this.name : `${above}/${this.name}`;
  }
}

/** Notes that an entry of the layer lies in a directory. */
export function markNeeded(directory: DirNode): void {
  for (let node: DirNode | undefined = directory; node !== undefined && !node.needed; node = node.parent)
    node.needed = true;
}
