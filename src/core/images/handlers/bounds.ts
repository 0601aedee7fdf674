import { DaemonError } from '../../../base/errors.js';
import type { Descriptor } from '../../../spec/descriptor.js';

/** Bounds for one tree of descriptors; beyond them it is hostile. */
export interface TreeBounds {
  /** Levels of indexes and manifests below the root. */
  readonly maxDepth: number;
  /** Different descriptors in all. */
  readonly maxDescriptors: number;
}

export const DEFAULT_BOUNDS: TreeBounds = { maxDepth: 8, maxDescriptors: 16_384 };

/** Where a descriptor stands in the tree: itself and what is above it. */
export interface Place {
  readonly target: Descriptor;
  readonly above: Place | undefined;
  readonly depth: number;
}

/** Lets every descriptor of a tree through once, and refuses trees which are too deep, too large or lead back into themselves. */
export class TreeGuard {
  readonly #bounds: TreeBounds;
  readonly #seen = new Set<string>();

  constructor(bounds: TreeBounds = DEFAULT_BOUNDS) {
    this.#bounds = bounds;
  }

  /**
   * @returns The new places among `children`; those seen before are left out.
   * @throws invalid-argument: beyond a bound, or a child that is its own ancestor.
   */
  admit(children: readonly Descriptor[], above?: Place): Place[] {
    const depth = above === undefined ? 0 : above.depth + 1;
    if (children.length > 0 && depth > this.#bounds.maxDepth) {
      throw hostile(children[0], `lies deeper than ${this.#bounds.maxDepth} levels`);
    }
    const places: Place[] = [];
    for (const target of children) {
      refuseCycle(target, above);
      const key = `${target.mediaType} ${target.digest}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      if (this.#seen.size > this.#bounds.maxDescriptors) {
        throw hostile(target, `is one too many: an image may have ${this.#bounds.maxDescriptors} parts`);
      }
      places.push({ target, above, depth });
    }
    return places;
  }
}

function refuseCycle(target: Descriptor, above: Place | undefined): void {
  for (let place = above; place; place = place.above) {
    if (place.target.digest === target.digest) throw hostile(target, 'contains itself');
  }
}

function hostile(target: Descriptor | undefined, why: string): DaemonError {
  return new DaemonError('invalid-argument', `${target?.digest ?? 'a descriptor'} ${why}`);
}
