import { DaemonError, isKind } from '../../base/errors.js';
import type { Deferred } from '../diff/applier.js';
import { reviveDeferred, type TieLayerTask } from '../diff/layer-tasks.js';
import type { DirectoryFiles } from '../kernel/directory-files.js';
import { isDirectory, isSymlink, isWhiteout } from '../kernel/file-type.js';
import { OVERLAY_OPAQUE } from '../snapshots/overlay-form.js';
import { copyDirectoryAttributes, describePlainly } from '../snapshots/root-attributes.js';
import { LayerDirectory } from './layer-directory.js';
import { MergedView, rawName } from './merged-view.js';

const SYMLINKS_MAX = 40;
const OWN_FILE = Symbol('a file of the layer itself');

/**
 * Completes a layer that was applied on its own, now that the layers below it are there: directories that it had to invent become
 * as they are below or move to where a link below leads, and hard links find their files (WIRE.md 13).
 *
 * @param check Called for every step; it may throw to stop.
 * @throws invalid-argument: the layer needs something that the layers below do not have.
 */
export function tieLayer(files: DirectoryFiles, task: TieLayerTask, check: () => void): boolean {
  const deferred = reviveDeferred(task.deferred);
  const [nearest] = task.lower;
  using lower = new MergedView(files, task.lower);
  using layer = new LayerDirectory(files, task.directory);
  for (const one of deferred) {
    if (one.kind === 'opaque-root') hideRoot(layer, lower);
    else if (one.kind === 'root' && nearest === undefined) describePlainly(files, task.directory);
  }
  const tie = new Tie(layer, lower, check);
  tie.run(deferred);
  // After all that may be made in it: its times are the lower ones.
  if (nearest !== undefined && deferred.some(({ kind }) => kind === 'root')) {
    copyDirectoryAttributes(files, nearest, task.directory);
  }
  return tie.hasMoved;
}

/** Overlayfs takes no mark on the root of a layer, so all that lower layers have there is deleted by name. */
function hideRoot(layer: LayerDirectory, lower: MergedView): void {
  const { files } = layer;
  layer.changing([], (dir) => {
    for (const name of lower.rootNames()) {
      const stat = files.statIfExists(dir, name);
      if (stat === undefined) files.makeWhiteout(dir, name);
      else if (isDirectory(stat)) files.setXattr(dir, name, OVERLAY_OPAQUE.name, OVERLAY_OPAQUE.value);
    }
  });
}

class Tie {
  readonly #layer: LayerDirectory;
  readonly #lower: MergedView;
  readonly #check: () => void;
  /** Invented directories that were not looked at yet: they hide nothing that a path could lead through. */
  #pending = new Set<string>();
  /** All invented directories, where they are by now. */
  #invented = new Set<string>();
  /** Those of them that hold more than deletions. */
  #needed = new Set<string>();
  readonly #moves: { readonly from: string; readonly to: string }[] = [];

  constructor(layer: LayerDirectory, lower: MergedView, check: () => void) {
    this.#layer = layer;
    this.#lower = lower;
    this.#check = check;
  }

  /** Whether anything was put elsewhere. */
  get hasMoved(): boolean {
    return this.#moves.length > 0;
  }

  run(deferred: readonly Deferred[]): void {
    const parents = deferred.filter((one) => one.kind === 'parent');
    this.#pending = new Set(parents.map(({ path }) => path.toString('latin1')));
    this.#invented = new Set(this.#pending);
    this.#needed = new Set(parents.filter(({ needed }) => needed).map(({ path }) => path.toString('latin1')));
    for (const { path } of parents) {
      this.#check();
      const current = this.#moved(path.toString('latin1'));
      this.#pending.delete(current);
      if (this.#invented.has(current)) this.#tieParent(current, this.#needed.has(current));
    }
    for (const one of deferred) {
      this.#check();
      if (one.kind === 'whiteout') this.#tieWhiteout(splitPath(this.#moved(one.path.toString('latin1'))));
    }
    for (const one of deferred) {
      this.#check();
      if (one.kind === 'hardlink')
        this.#tieLink(
          this.#moved(one.path.toString('latin1')),
          one.target.toString('latin1'),
          one.own.map((path) => path.toString('latin1')),
        );
    }
  }

  #moved(path: string): string {
    let current = path;
    for (const { from, to } of this.#moves) {
      if (current === from) current = to;
      else if (current.startsWith(`${from}/`)) current = joinPath(to, current.slice(from.length + 1));
    }
    return current;
  }

  #tieParent(path: string, needed: boolean): void {
    const components = splitPath(path);
    const name = components.at(-1);
    // A link below may have led right to the root, which is tied by itself; a directory above may have gone.
    if (name === undefined || this.#layer.look(components) === undefined) return;
    // What was moved may have come beneath something that hides all that is below.
    const hidden = this.hasMoved && this.#layer.hidesBelow(components);
    const below = hidden ? undefined : this.#lower.with(components, ({ stat }) => stat);
    if (below !== undefined && isSymlink(below)) this.#redirect(path, components, needed);
    else if (below !== undefined && isDirectory(below)) {
      this.#layer.within(components.slice(0, -1), (dir) => {
        this.#layer.takeAttributes(components, { dir, name: rawName(name) }, this.#lower);
      });
    } else if (!needed) this.#remove(components);
    else if (below !== undefined) throw notDirectory(components, path);
  }

  #tieWhiteout(components: readonly string[]): void {
    const mark = this.#layer.look(components);
    if (mark === undefined || !isWhiteout(mark)) return;
    const hidden = !this.#layer.hidesBelow(components) && this.#lower.with(components, () => true) === true;
    if (!hidden) this.#remove(components);
  }

  #remove(components: readonly string[]): void {
    this.#layer.changing(components.slice(0, -1), (dir) => {
      this.#layer.files.removeTree(dir, rawName(components.at(-1) ?? ''));
    });
  }

  /** The layers below have a link where this one invented a directory: what is in it belongs where the link leads. */
  #redirect(path: string, components: readonly string[], needed: boolean): void {
    const target = this.#leadsTo(path, components, needed);
    if (target === undefined) {
      this.#remove(components);
      return;
    }
    if (!needed && !this.#isThere(target)) {
      this.#remove(components);
      return;
    }
    this.#layer.ensure(target, this.#lower);
    this.#layer.mergeInto(components, target, {
      merge: (from, to) => this.#merge(from.join('/'), to.join('/')),
      sever: (which) => this.#sever(which.join('/')),
    });
    const move = { from: path, to: target.join('/') };
    this.#moves.push(move);
    const moved = (paths: ReadonlySet<string>) => new Set([...paths].map((one) => this.#moved(one)));
    this.#pending = moved(this.#pending);
    this.#invented = moved(this.#invented);
    this.#needed = moved(this.#needed);
  }

  /** Whether there is anything at a path, in the layer or, not hidden by it, below. */
  #isThere(path: readonly string[]): boolean {
    const own = this.#layer.look(path);
    if (own !== undefined) return !isWhiteout(own);
    return !this.#layer.hidesBelow(path) && this.#lower.with(path, () => true) === true;
  }

  /** What becomes of two directories is invented only if both were. */
  #merge(from: string, to: string): boolean {
    const counts = !this.#invented.has(from);
    if (counts || !this.#invented.has(to)) {
      this.#invented.delete(from);
      this.#invented.delete(to);
    }
    return counts;
  }

  #sever(path: string): boolean {
    return !this.#invented.delete(path) || this.#needed.has(path);
  }

  /**
   * @returns Undefined where what is beneath the link goes: nothing but deletions, and the link leads to what is no directory; or the
   * layer itself has something else than a directory where the link leads (docs/design/0005-layers.md).
   */
  #leadsTo(path: string, components: readonly string[], needed: boolean): string[] | undefined {
    this.#pending.add(path);
    try {
      return this.#resolve(components, path, 'merged');
    } catch (error) {
      if (needed || !isKind(error, 'invalid-argument')) throw error;
      return undefined;
    } finally {
      this.#pending.delete(path);
    }
  }

  /**
   * Where a path leads when links are followed inside of the root; parts that do not exist are taken as they are.
   *
   * @returns Undefined: the layer itself has a file in the way (of `merged`).
   */
  #resolve(components: readonly string[], path: string, view: 'lower' | 'merged'): string[] | undefined {
    const resolved: string[] = [];
    const left = components.toReversed();
    let links = 0;
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        resolved.pop();
        continue;
      }
      resolved.push(name);
      const target = view === 'lower' ? this.#linkBelowAt(resolved) : this.#linkAt(resolved, path);
      if (target === undefined) continue;
      if (target === OWN_FILE) return undefined;
      links += 1;
      if (links > SYMLINKS_MAX)
        throw new DaemonError('invalid-argument', `layer: ${quote(path)} goes through too many symbolic links`);
      resolved.pop();
      if (target.startsWith('/')) resolved.length = 0;
      left.push(...splitPath(target).reverse());
    }
    return resolved;
  }

  /** The target of the link at a path; undefined for a directory or nothing. @throws invalid-argument: a lower layer's file. */
  #linkAt(path: readonly string[], whole: string): string | typeof OWN_FILE | undefined {
    const name = rawName(path.at(-1) ?? '');
    const own = this.#pending.has(path.join('/')) ? undefined : this.#layer.look(path);
    if (own !== undefined && !isWhiteout(own)) {
      if (isSymlink(own)) {
        return this.#layer.within(path.slice(0, -1), (dir) => this.#layer.files.readLink(dir, name).toString('latin1'));
      }
      return isDirectory(own) ? undefined : OWN_FILE;
    }
    if (own !== undefined || this.#layer.hidesBelow(path)) return undefined;
    const isFile = this.#lower.with(path, ({ stat }) => !isDirectory(stat) && !isSymlink(stat)) === true;
    if (isFile) throw notDirectory(path, whole);
    return this.#linkBelowAt(path);
  }

  #linkBelowAt(path: readonly string[]): string | undefined {
    return this.#lower.with(path, ({ stat, place }) =>
      isSymlink(stat) ? this.#layer.files.readLink(place.dir, place.name).toString('latin1') : undefined,
    );
  }

  #tieLink(path: string, target: string, own: readonly string[]): void {
    const components = splitPath(path);
    // It may have gone with the directory that was invented for it.
    if (this.#layer.look(components) === undefined) return;
    const wanted = splitPath(target);
    const last = wanted.at(-1) ?? '';
    // The file was not at that path of the layer when it was linked to; only a link of a lower layer can lead back into the layer.
    const placeIn = (view: 'lower' | 'merged'): string[] | undefined => {
      const place = this.#resolve(wanted.slice(0, -1), target, view);
      return place && [...place, last];
    };
    if (own.length > 0 && this.#isOwn(components, own, () => placeIn('merged'))) return;
    const below = placeIn('lower');
    let done = below !== undefined && this.#linkBelow(components, below);
    if (!done) {
      const merged = placeIn('merged');
      done = merged !== undefined && (this.#linkWithin(components, merged) || this.#linkBelow(components, merged));
    }
    if (!done) {
      throw new DaemonError(
        'invalid-argument',
        `layer: ${quote(path)} is a hard link to ${quote(target)}, which neither this layer nor one below has as a file`,
      );
    }
  }

  /** Whether the target was a file of the layer by then, since a link below leads to it; then it is linked to that. */
  #isOwn(path: readonly string[], own: readonly string[], place: () => string[] | undefined): boolean {
    let merged: string[] | undefined;
    try {
      merged = place();
    } catch (error) {
      if (!isKind(error, 'invalid-argument')) throw error;
    }
    if (merged === undefined) return false;
    const whole = merged.join('/');
    const at = own.findIndex((one) => this.#moved(one) === whole);
    return at === 0 || (at > 0 && this.#linkWithin(path, merged));
  }

  #linkWithin(path: readonly string[], from: readonly string[]): boolean {
    const own = this.#layer.look(from);
    if (own === undefined || isWhiteout(own) || isDirectory(own)) return false;
    this.#layer.within(from.slice(0, -1), (dir) => {
      this.#replaceByLink(path, dir, rawName(from.at(-1) ?? ''));
    });
    return true;
  }

  #linkBelow(path: readonly string[], from: readonly string[]): boolean {
    const linked = this.#lower.with(from, ({ stat, place }) => {
      if (isDirectory(stat)) return false;
      this.#replaceByLink(path, place.dir, place.name);
      return true;
    });
    return linked === true;
  }

  #replaceByLink(path: readonly string[], fromDir: number, from: Uint8Array | string): void {
    const { files } = this.#layer;
    const name = rawName(path.at(-1) ?? '');
    this.#layer.changing(path.slice(0, -1), (dir) => {
      files.unlink(dir, name);
      files.link(fromDir, from, dir, name);
    });
  }
}

function splitPath(path: string): string[] {
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

function joinPath(above: string, rest: string): string {
  return above === '' ? rest : `${above}/${rest}`;
}

function quote(path: string): string {
  return JSON.stringify(rawName(path).toString('utf8').slice(0, 200));
}

function notDirectory(path: readonly string[], whole: string): DaemonError {
  return new DaemonError(
    'invalid-argument',
    `layer: ${quote(path.join('/'))} is a file, yet an entry of ${quote(whole)} lies beneath it`,
  );
}
