import type { MemoryBounds } from './memory-bounds.js';

/**
 * What the layer itself put into a directory that was not empty: a whiteout hides the rest only. Paths below the root, latin1 of
 * the raw bytes.
 */
export interface WrittenPaths {
  add(path: string): void;
  has(path: string): boolean;
}

/** For a directory that was empty: all in it is the layer's. */
export const EVERYTHING: WrittenPaths = { add: () => undefined, has: () => true };

/** Remembers every path. */
export function rememberPaths(bounds: MemoryBounds): WrittenPaths {
  const paths = new Set<string>();
  return {
    add(path) {
      bounds.add('paths');
      paths.add(path);
    },
    has: (path) => paths.has(path),
  };
}
