import type { Digest } from '../../spec/digest.js';
import type { IdMapping } from '../../spec/id-mapping.js';
import type { FileTime } from '../kernel/directory-files.js';
import type { ApplyRequest, Deferred } from './applier.js';

/** What the worker threads of the daemon do with layers: see WorkerPool. Paths are plain strings of the daemon's own directories. */
export interface ApplyLayerTask {
  readonly kind: 'apply-layer';
  readonly request: Omit<ApplyRequest, 'onProgress' | 'signal'>;
}

/**
 * Resolves what a layer deferred, against the layers below it. `in-order` is the result, and the layer is not complete, where the order of
 * its entries counts, as those below have a link on the way to one: then it has to be applied over them instead (ApplyRequest.lower).
 */
export interface TieLayerTask {
  readonly kind: 'tie-layer';
  /** Where the layer's files lie. */
  readonly directory: string;
  /** Where those of the layers below lie, nearest first. */
  readonly lower: readonly string[];
  readonly deferred: readonly Deferred[];
}

export type TieResult = 'tied' | 'in-order';

/**
 * Copies the content of one directory, with everything that belongs to it, into another that is empty; with a mapping from an
 * overlay's upper directory, whose owners become the container's.
 */
export interface CopyTreeTask {
  readonly kind: 'copy-tree';
  readonly from: string;
  readonly to: string;
  readonly mapping?: IdMapping;
}

/** Removes a directory with all beneath it. */
export interface RemoveTreeTask {
  readonly kind: 'remove-tree';
  readonly parent: string;
  readonly name: string | Uint8Array;
}

/** Counts the bytes on disk and the inodes beneath a directory; SnapshotUsage is the result. */
export interface MeasureTreeTask {
  readonly kind: 'measure-tree';
  readonly directory: string;
}

/**
 * What is compared: an overlay's upper directory with the layers below it (nearest first; with a
 * mapping the owners in it are the host's and those below a container's), or two whole trees as they are
 * seen, the right one with the host's owners where there is a mapping.
 */
export type DiffSides =
  | { readonly kind: 'upper'; readonly upper: string; readonly lower: readonly string[]; readonly mapping?: IdMapping }
  | {
      readonly kind: 'trees';
      readonly left: string | undefined;
      readonly right: string;
      readonly mapping?: IdMapping;
    };

export interface DiffLayerRequest {
  readonly sides: DiffSides;
  /** Path of a file that is made, for the packed layer. */
  readonly spool: string;
  readonly packing: 'none' | 'gzip' | 'zstd';
  /** Later times become this one. */
  readonly latestTime: FileTime | undefined;
}

export interface DiffedLayer {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
}

/** Writes a difference as a layer; DiffedLayer is the result, or undefined when the upper directory alone does not tell. */
export interface DiffLayerTask {
  readonly kind: 'diff-layer';
  readonly request: DiffLayerRequest;
}

/** `replaced` is a directory with nothing left of what was in it. */
export interface ListedChange {
  /** Latin1 text of the raw bytes, without a leading slash; empty for the root. */
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'replaced' | 'deleted';
}

/** Lists the changed paths; ListedChange[] is the result, or undefined as for DiffLayerTask. */
export interface ListChangesTask {
  readonly kind: 'list-changes';
  readonly sides: DiffSides;
}

/** Bytes that crossed from another thread are plain arrays; gives them back as Buffers. */
export function reviveDeferred(deferred: readonly Deferred[]): Deferred[] {
  return deferred.map((one) => {
    switch (one.kind) {
      case 'parent':
      case 'passed':
      case 'whiteout':
        return { ...one, path: Buffer.from(one.path) };
      case 'hardlink':
        return { ...one, path: Buffer.from(one.path), target: Buffer.from(one.target) };
      default:
        return one;
    }
  });
}
