import { DaemonError } from '../../base/errors.js';
import type { Deferred } from '../diff/applier.js';
import { reviveDeferred, type TieLayerTask, type TieResult } from '../diff/layer-tasks.js';
import type { DirectoryFiles } from '../kernel/directory-files.js';
import { isDirectory, isSymlink, isWhiteout } from '../kernel/file-type.js';
import { OVERLAY_OPAQUE } from '../snapshots/overlay-form.js';
import { copyAttributes, copyDirectoryAttributes, describePlainly } from '../snapshots/root-attributes.js';
import { LayerDirectory } from './layer-directory.js';
import { MergedView, rawName } from './merged-view.js';

/**
 * Completes a layer that was applied on its own, now that the layers below it are there: directories that it had to invent become
 * as they are below, and hard links find their files (WIRE.md 13).
 *
 * @param check Called for every step; it may throw to stop.
 * @throws invalid-argument: the layer needs something that the layers below do not have.
 */
export function tieLayer(files: DirectoryFiles, task: TieLayerTask, check: () => void): TieResult {
  const deferred = reviveDeferred(task.deferred);
  const [nearest] = task.lower;
  using lower = new MergedView(files, task.lower);
  using layer = new LayerDirectory(files, task.directory);
  for (const one of deferred) {
    if (one.kind === 'opaque-root') hideRoot(layer, lower);
    else if (one.kind === 'root' && nearest === undefined) describePlainly(files, task.directory);
  }
  const tie = new Tie(layer, lower);
  for (const step of STEPS) {
    for (const one of deferred) {
      check();
      if (step(tie, one) === 'in-order') return 'in-order';
    }
  }
  // After all that may be made in it: its times are the lower ones.
  if (nearest !== undefined && deferred.some(({ kind }) => kind === 'root')) {
    copyDirectoryAttributes(files, nearest, task.directory);
  }
  return 'tied';
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

/** One after another, each for all that was deferred: directories come before what lies in them. */
const STEPS: readonly ((tie: Tie, one: Deferred) => TieResult)[] = [
  (tie, one) => {
    if (one.kind === 'passed') return tie.passed(splitPath(one.path));
    return one.kind === 'parent' ? tie.parent(splitPath(one.path), one.needed) : 'tied';
  },
  (tie, one) => {
    if (one.kind === 'whiteout') tie.whiteout(splitPath(one.path));
    return 'tied';
  },
  (tie, one) => (one.kind === 'hardlink' ? tie.link(splitPath(one.path), splitPath(one.target)) : 'tied'),
];

class Tie {
  readonly #layer: LayerDirectory;
  readonly #lower: MergedView;

  constructor(layer: LayerDirectory, lower: MergedView) {
    this.#layer = layer;
    this.#lower = lower;
  }

  passed(path: readonly string[]): TieResult {
    return this.#isLinkBelow(path) ? 'in-order' : 'tied';
  }

  parent(path: readonly string[], needed: boolean): TieResult {
    // A directory above may have gone.
    if (this.#layer.look(path) === undefined) return 'tied';
    const below = this.#lower.with(path, ({ stat, place }) => {
      if (isDirectory(stat)) this.#takeAttributes(path, place);
      return stat;
    });
    if (below !== undefined && isSymlink(below)) return 'in-order';
    if (below !== undefined && isDirectory(below)) return 'tied';
    if (!needed) this.#remove(path);
    else if (below !== undefined) {
      throw new DaemonError('invalid-argument', `layer: ${quote(path)} is a file, yet an entry lies beneath it`);
    }
    return 'tied';
  }

  #takeAttributes(path: readonly string[], place: Parameters<typeof copyAttributes>[1]): void {
    this.#layer.within(path.slice(0, -1), (dir) => {
      copyAttributes(this.#layer.files, place, { dir, name: rawName(path.at(-1) ?? '') });
    });
  }

  /** A deletion with no object goes. */
  whiteout(path: readonly string[]): void {
    const mark = this.#layer.look(path);
    if (mark === undefined || !isWhiteout(mark)) return;
    const hides = !this.#layer.hidesBelow(path) && this.#lower.with(path, () => true) === true;
    if (!hides) this.#remove(path);
  }

  #remove(path: readonly string[]): void {
    this.#layer.changing(path.slice(0, -1), (dir) => {
      this.#layer.files.removeTree(dir, rawName(path.at(-1) ?? ''));
    });
  }

  /** @param target What the layer did not have when it was linked to, so that the layers below have to. */
  link(path: readonly string[], target: readonly string[]): TieResult {
    // It may have gone with the directory that was invented for it.
    if (this.#layer.look(path) === undefined) return 'tied';
    // Up from what links of the layer itself led to.
    if (target.includes('..')) return 'in-order';
    for (let depth = 1; depth < target.length; depth += 1) {
      if (this.#isLinkBelow(target.slice(0, depth))) return 'in-order';
    }
    const linked = this.#lower.with(target, ({ stat, place }) => {
      if (isDirectory(stat)) return false;
      const { files } = this.#layer;
      const name = rawName(path.at(-1) ?? '');
      this.#layer.changing(path.slice(0, -1), (dir) => {
        files.unlink(dir, name);
        files.link(place.dir, place.name, dir, name);
      });
      return true;
    });
    if (linked === true) return 'tied';
    throw new DaemonError(
      'invalid-argument',
      `layer: ${quote(path)} is a hard link to ${quote(target)}, which neither this layer nor one below has as a file`,
    );
  }

  #isLinkBelow(path: readonly string[]): boolean {
    return this.#lower.with(path, ({ stat }) => isSymlink(stat)) === true;
  }
}

function splitPath(path: Buffer): string[] {
  return path
    .toString('latin1')
    .split('/')
    .filter((component) => component !== '' && component !== '.');
}

function quote(path: readonly string[]): string {
  return JSON.stringify(rawName(path.join('/')).toString('utf8').slice(0, 200));
}
