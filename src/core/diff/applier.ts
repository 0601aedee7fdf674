import { DaemonError } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';

/** Bounds for one layer; what goes over ends in resource-exhausted, and nothing stays. */
export interface ApplyLimits {
  /** Bytes of the uncompressed tar. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Uncompressed to compressed, looked at beyond `ratioFloorBytes` of output. */
  readonly maxRatio: number;
  readonly ratioFloorBytes: number;
  /** Of one name in the tar, and of the target of a hard link. */
  readonly maxPathBytes: number;
  readonly maxPathDepth: number;
  /** Of the extended headers of one entry together, of a sparse file's map, and of what global headers leave behind. */
  readonly maxPaxBytes: number;
}

/** Bounds that no ordinary image comes near. */
export const DEFAULT_LIMITS: ApplyLimits = {
  maxBytes: 64 * 1024 ** 3,
  maxEntries: 5_000_000,
  maxRatio: 200,
  ratioFloorBytes: 1024 ** 3,
  maxPathBytes: 4096,
  maxPathDepth: 255,
  maxPaxBytes: 1024 * 1024,
};

/** What each bound is called in the section `[limits]` of the configuration. */
export const LIMIT_SETTINGS = {
  maxBytes: 'layer_bytes',
  maxEntries: 'layer_entries',
  maxRatio: 'layer_ratio',
  ratioFloorBytes: 'layer_ratio_floor',
  maxPathBytes: 'layer_path_bytes',
  maxPathDepth: 'layer_depth',
  maxPaxBytes: 'layer_pax_bytes',
} as const satisfies Record<keyof ApplyLimits, string>;

/** The error of a layer that goes over a bound; it names the setting. */
export function overLimit(limit: keyof ApplyLimits, what: string): DaemonError {
  return new DaemonError(
    'resource-exhausted',
    `${what}; if the layer is to be trusted, raise ${LIMIT_SETTINGS[limit]} in [limits] of the daemon's configuration`,
  );
}

export interface ApplyProgress {
  /** Compressed bytes read so far. */
  readonly bytes: number;
  readonly entries: number;
}

/** What a layer needs of the layers below it, to be resolved bottom-up when the chain is tied together (WIRE.md 13). */
export type Deferred =
  /** A directory that had to be made; without `needed` it holds nothing but deletions. */
  | { readonly kind: 'parent'; readonly path: Buffer; readonly needed: boolean }
  /** An entry's path led through it as through a directory, though none is there any more that the layer does not describe. */
  | { readonly kind: 'passed'; readonly path: Buffer }
  | { readonly kind: 'hardlink'; readonly path: Buffer; readonly target: Buffer }
  /** A deletion, which has to go where there is nothing to delete: overlayfs would show its mark. */
  | { readonly kind: 'whiteout'; readonly path: Buffer }
  /** The layer says nothing of `/`. */
  | { readonly kind: 'root' }
  /** The layer hides all that lower layers have in `/`. */
  | { readonly kind: 'opaque-root' };

export interface Applied {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar, trailing bytes included. */
  readonly tarBytes: number;
  readonly entries: number;
  /** Bytes on disk and inodes of what was written. */
  readonly usage: { readonly size: number; readonly inodes: number };
  readonly deferred: readonly Deferred[];
}

/** Files that are made beside a layer. */
export interface LayerInventory {
  /** For the inventory, if nothing was deferred: see Applied.deferred. */
  readonly file: string;
  /** Otherwise for what is known of the written files (FileChecksums): the inventory needs not read them again. */
  readonly checksums: string;
}

export interface ApplyRequest {
  /** The compressed blob as a file. */
  readonly blobPath: string;
  readonly mediaType: string;
  /** An empty directory; whiteouts become overlay's forms in it ('overlay'), or remove what is there ('plain'). */
  readonly directory: string;
  readonly form: 'overlay' | 'plain';
  /**
   * Directories of the layers below, nearest first: with these a layer of form 'overlay' is applied over them, one entry after another,
   * and nothing but its root is deferred. Without, it is applied by itself.
   */
  readonly lower?: readonly string[];
  readonly limits: ApplyLimits;
  readonly inventory?: LayerInventory;
  readonly onProgress?: (progress: ApplyProgress) => void;
  readonly signal?: AbortSignal;
}

/** Unpacks layers. Work is done off the main thread. */
export interface Applier {
  /**
   * @throws invalid-argument: no tar, or an entry that breaks a rule. resource-exhausted: over a limit, or the disk is full.
   * data-loss: the compressed stream is cut or broken. The directory may hold a part then; the caller removes it.
   */
  apply(request: ApplyRequest): Promise<Applied>;
}
