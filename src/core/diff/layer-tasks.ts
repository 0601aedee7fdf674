import type { ApplyRequest, Deferred } from './applier.js';

/** What the worker threads of the daemon do with layers: see WorkerPool. Paths are plain strings of the daemon's own directories. */
export interface ApplyLayerTask {
  readonly kind: 'apply-layer';
  readonly request: Omit<ApplyRequest, 'onProgress' | 'signal'>;
}

/** Resolves what a layer deferred, against the layers below it. */
export interface TieLayerTask {
  readonly kind: 'tie-layer';
  /** Where the layer's files lie. */
  readonly directory: string;
  /** Where those of the layers below lie, nearest first. */
  readonly lower: readonly string[];
  readonly deferred: readonly Deferred[];
}

/** Copies the content of one directory, with everything that belongs to it, into another that is empty. */
export interface CopyTreeTask {
  readonly kind: 'copy-tree';
  readonly from: string;
  readonly to: string;
}

/** Removes a directory with all beneath it. */
export interface RemoveTreeTask {
  readonly kind: 'remove-tree';
  readonly parent: string;
  readonly name: string;
}

/** Counts the bytes on disk and the inodes beneath a directory; SnapshotUsage is the result. */
export interface MeasureTreeTask {
  readonly kind: 'measure-tree';
  readonly directory: string;
}

/** Bytes that crossed from another thread are plain arrays; gives them back as Buffers. */
export function reviveDeferred(deferred: readonly Deferred[]): Deferred[] {
  return deferred.map((one) => {
    switch (one.kind) {
      case 'parent':
      case 'whiteout':
        return { ...one, path: Buffer.from(one.path) };
      case 'hardlink':
        return { ...one, path: Buffer.from(one.path), target: Buffer.from(one.target) };
      default:
        return one;
    }
  });
}
