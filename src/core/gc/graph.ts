import type { Labels } from '../../spec/labels.js';

/** What the collector knows; `container` and `lease` are never collected (an expired lease is). */
export type GcKind = 'content' | 'snapshot' | 'image' | 'container' | 'lease' | 'ingest';

/** One object. The key is the digest, the ref, the name or the id; of a snapshot `<snapshotter>/<name>`. */
export interface GcNode {
  readonly kind: GcKind;
  readonly namespace: string;
  readonly key: string;
}

/** An object with what it refers to, within its namespace. */
export interface GcObject extends GcNode {
  readonly labels: Labels;
  /** What it keeps by its fields: an image its target, a snapshot its parent, a container its snapshot, a lease its resources. */
  readonly links: readonly Omit<GcNode, 'namespace'>[];
  /** Kept for its own sake: an ingest that a writer holds or whose time is not up. Other kinds are judged by their labels. */
  readonly held?: boolean;
}

/** An object with what it has on disk. */
export interface StoredObject extends GcObject {
  /** Number of a snapshot's directory. */
  readonly layer?: number;
  /** The blob store's id of an ingest that has bytes of its own. */
  readonly file?: string;
  /** Digest of the blob whose bytes an ingest has instead. */
  readonly shares?: string;
  /** Name of the image that a container was made from. */
  readonly image?: string;
}

/** Bytes that went, with what they were. */
export interface RemovedBytes {
  /** Blobs and ingests. */
  readonly files: number;
  /** Directories of layers. */
  readonly layers: number;
  readonly bytes: number;
}

/** What a run has done. */
export interface GcReport extends RemovedBytes {
  /** Names that went. */
  readonly removed: readonly GcNode[];
  readonly durationMs: number;
}

/** The stores as the collector sees them. */
export interface Collectable {
  /**
   * Takes the names of everything away that nothing needs, each with the event that tells of it. What comes to be needed while that goes
   * on stays.
   *
   * @returns What went.
   */
  removeNames(signal: AbortSignal): Promise<readonly GcNode[]>;
  /** Removes bytes and directories that nothing names. */
  removeBytes(signal: AbortSignal): Promise<RemovedBytes>;
}
