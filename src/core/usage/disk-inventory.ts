import type { StoredObject } from '../gc/graph.js';
import type { OwnerId } from '../gc/owners.js';

/** Something that takes bytes, under the name by which objects refer to it. */
export interface Piece {
  readonly kind: 'blob' | 'ingest' | 'layer' | 'writable';
  /** Of files their length, of layers the blocks that they take. */
  readonly size: number;
}

/** What is on disk, and what refers to it, as of one moment. */
export interface DiskView {
  /** All objects of all namespaces. */
  readonly objects: readonly StoredObject[];
  /** Everything on disk, by `pieceOf`; also what no object has. */
  readonly pieces: ReadonlyMap<string, Piece>;
  /** Pieces that leases keep though no object has them (an operation is about to name them), by the lease's id in the graph. */
  readonly held: ReadonlyMap<OwnerId, readonly string[]>;
  /** Of the database. */
  readonly metadataBytes: number;
}

/** Looks at the stores from outside. */
export interface DiskInventory {
  /** All objects of all namespaces, as of now. */
  objects(): readonly StoredObject[];
  view(signal?: AbortSignal): Promise<DiskView>;
}

export const blobPiece = (digest: string): string => `blob ${digest}`;
export const ingestPiece = (file: string): string => `ingest ${file}`;
export const layerPiece = (id: number): string => `layer ${id}`;

/** What an object itself has on disk. */
export function pieceOf({ kind, key, layer, file, shares }: StoredObject): string | undefined {
  if (kind === 'content') return blobPiece(key);
  if (shares !== undefined) return blobPiece(shares);
  if (layer !== undefined) return layerPiece(layer);
  return file === undefined ? undefined : ingestPiece(file);
}
