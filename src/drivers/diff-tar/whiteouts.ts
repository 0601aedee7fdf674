import { DaemonError } from '../../base/errors.js';
import type { DirectoryFiles } from '../../core/kernel/directory-files.js';
import { isDirectory, isWhiteout } from '../../core/kernel/file-type.js';
import { OPEN } from '../../core/kernel/open-flags.js';
import { OVERLAY_OPAQUE } from '../../core/snapshots/overlay-form.js';
import type { DirNode } from './dir-node.js';
import { pathIn, type DirTree } from './dir-tree.js';
import { quotePath, rawBytes } from './entry-path.js';
import type { WrittenPaths } from './written-paths.js';

const PREFIX = '.wh.';
const META_PREFIX = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

/** What a name in a layer means (OCI image-spec, layer.md, "Whiteouts"); `meta` is AUFS's own and of no use to us. */
export type Marker =
  { readonly kind: 'opaque' } | { readonly kind: 'meta' } | { readonly kind: 'whiteout'; readonly hidden: string };

/**
 * Tells the marks of deletion from ordinary names.
 *
 * @param components Of the entry's path.
 * @throws invalid-argument: a mark that hides no possible name, or one among the directories of a path.
 */
export function markerOf(components: readonly string[]): Marker | undefined {
  const last = components.length - 1;
  for (const [at, component] of components.entries()) {
    if (!component.startsWith(PREFIX)) continue;
    if (component.startsWith(META_PREFIX) && (at < last || component !== OPAQUE)) return { kind: 'meta' };
    const hidden = component.slice(PREFIX.length);
    if (at < last || hidden === '' || hidden === '.' || hidden === '..') {
      throw new DaemonError(
        'invalid-argument',
        `layer: ${quotePath(components.join('/'))} is no whiteout of a possible name`,
      );
    }
    return component === OPAQUE ? { kind: 'opaque' } : { kind: 'whiteout', hidden };
  }
  return undefined;
}

/** Carries out deletions: as overlayfs keeps them, or plainly on what is there. */
export class Whiteouts {
  readonly #files: DirectoryFiles;
  readonly #tree: DirTree;
  readonly #written: WrittenPaths;
  readonly #form: 'overlay' | 'plain';

  constructor(files: DirectoryFiles, tree: DirTree, written: WrittenPaths, form: 'overlay' | 'plain') {
    this.#files = files;
    this.#tree = tree;
    this.#written = written;
    this.#form = form;
  }

  /** Hides what lower layers have under a name; what this layer wrote stays. @returns True when a node was made for it. */
  hide(parent: DirNode, name: string): boolean {
    const dir = this.#tree.fd(parent);
    const raw = rawBytes(name);
    const stat = this.#files.statIfExists(dir, raw);
    if (stat !== undefined && isDirectory(stat)) return this.#hideBelow(parent, name);
    if (stat !== undefined && (isWhiteout(stat) || this.#written.has(pathIn(parent, name)))) return false;
    if (stat !== undefined) this.#files.unlink(dir, raw);
    return this.#makeMark(parent, name);
  }

  /** @returns True when there is something to mark as deleted, as far as one knows. */
  #makeMark(parent: DirNode, name: string): boolean {
    if (this.#form === 'plain') return false;
    if (this.#tree.knowsBelow && this.#tree.below(parent, name, () => true) === undefined) return false;
    this.#files.makeWhiteout(this.#tree.fd(parent), rawBytes(name));
    return true;
  }

  #hideBelow(parent: DirNode, name: string): boolean {
    const node =
      parent.child(name) ?? this.#tree.adopt(parent, name, this.#files.stat(this.#tree.fd(parent), rawBytes(name)));
    const { holdsMarksOnly } = node;
    const mine = !holdsMarksOnly && (this.#written.has(pathIn(parent, name)) || node.origin !== 'found');
    const kept = holdsMarksOnly ? 0 : this.#prune(node);
    if (holdsMarksOnly || (!mine && kept === 0)) {
      this.#tree.forget(parent, name);
      this.#files.removeTree(this.#tree.fd(parent), rawBytes(name));
      return this.#makeMark(parent, name);
    }
    this.markOpaque(node);
    node.severed = true;
    return false;
  }

  /** Hides all that lower layers have in a directory; what this layer wrote stays, in whatever order. */
  hideAll(node: DirNode): void {
    this.#prune(node);
    this.markOpaque(node);
  }

  /** Makes a directory hide what lower layers have in it; in the plain form there is nothing left to hide. */
  markOpaque(node: DirNode): void {
    if (this.#form === 'plain' || node.opaque) return;
    node.opaque = true;
    if (node.parent === undefined) return;
    this.#files.setXattr(this.#tree.fd(node.parent), rawBytes(node.name), OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
  }

  /** Removes what this layer did not write. @returns How many entries stay. */
  #prune(node: DirNode): number {
    if (this.#written.has('')) {
      if (this.#tree.knowsBelow) this.#dropMarks(node);
      return Number.POSITIVE_INFINITY;
    }
    let kept = 0;
    for (const { name: raw, type } of this.#list(node)) {
      const name = raw.toString('latin1');
      const mine = this.#written.has(pathIn(node, name));
      if (type !== 'directory') {
        if (mine) kept += 1;
        else this.#files.unlink(this.#tree.fd(node), raw);
        continue;
      }
      const child = node.child(name);
      if (child === undefined && !mine) {
        this.#files.removeTree(this.#tree.fd(node), raw);
      } else if (child !== undefined && this.#prune(child) === 0 && !mine) {
        this.#tree.forget(node, name);
        this.#files.removeDirectory(this.#tree.fd(node), raw);
      } else kept += 1;
    }
    return kept;
  }

  /** Nothing is left to delete beneath a directory; overlayfs would show marks there. */
  #dropMarks(node: DirNode): void {
    for (const name of node.deleted?.splice(0) ?? []) {
      const stat = this.#files.statIfExists(this.#tree.fd(node), rawBytes(name));
      if (stat !== undefined && isWhiteout(stat)) this.#files.unlink(this.#tree.fd(node), rawBytes(name));
    }
    for (const child of [...node.children]) {
      if (child.holdsMarksOnly) {
        this.#tree.forget(node, child.name);
        this.#files.removeTree(this.#tree.fd(node), rawBytes(child.name));
      } else this.#dropMarks(child);
    }
  }

  #list(node: DirNode) {
    const fd = this.#files.open(this.#tree.fd(node), '.', OPEN.read | OPEN.directory, 0);
    try {
      return this.#files.list(fd);
    } finally {
      this.#files.close(fd);
    }
  }
}
