import { dirname, join } from 'node:path';
import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';

/** Writes the inventory of a layer's tree to a file. */
export interface TakeInventoryTask {
  readonly kind: 'take-inventory';
  readonly directory: string;
  readonly file: string;
  /** What writing the layer has left of its files (FileChecksums); they are not read again. */
  readonly known?: string;
}

/** Where the inventory of a layer lies: beside its files. */
export function inventoryOf(backend: SnapshotBackend, id: number): string {
  return join(dirname(backend.filesOf(id)), 'inventory');
}

/** Where the checksums of a layer's files lie until its inventory is taken. */
export function checksumsOf(backend: SnapshotBackend, id: number): string {
  return join(dirname(backend.filesOf(id)), 'checksums');
}
