import { dirname, join } from 'node:path';
import type { SnapshotBackend } from '../snapshots/snapshot-backend.js';

/** Writes the inventory of a layer's tree to a file. */
export interface TakeInventoryTask {
  readonly kind: 'take-inventory';
  readonly directory: string;
  readonly file: string;
}

/** Where the inventory of a layer lies: beside its files. */
export function inventoryOf(backend: SnapshotBackend, id: number): string {
  return join(dirname(backend.filesOf(id)), 'inventory');
}
