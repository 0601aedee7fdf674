import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { isErrno, isKind } from '../../base/errors.js';
import type { BlobStore } from '../../core/content/blob-store.js';
import type { StoredObject } from '../../core/gc/graph.js';
import { ownerId } from '../../core/gc/owners.js';
import {
  blobPiece,
  ingestPiece,
  layerPiece,
  type DiskInventory,
  type DiskView,
  type Piece,
} from '../../core/usage/disk-inventory.js';
import type { Digest } from '../../spec/digest.js';
import type { ContentState } from './content-state.js';
import type { Database } from './database.js';
import type { LayerDirectories } from './layer-directories.js';
import { readObjects } from './objects.js';

/** Pieces looked at before others get their turn. */
const AT_ONCE = 500;

interface LayerRow {
  readonly id: number;
  readonly snapshotter: string;
  /** Set once committed. */
  readonly size: number | null;
}

/** The database and what lies below it, as one looks at what they take. */
export class SqliteDiskInventory implements DiskInventory {
  readonly #db: Database;
  readonly #content: ContentState;
  readonly #blobs: BlobStore;
  readonly #directories: readonly LayerDirectories[];

  constructor(db: Database, content: ContentState, blobs: BlobStore, directories: readonly LayerDirectories[]) {
    this.#db = db;
    this.#content = content;
    this.#blobs = blobs;
    this.#directories = directories;
  }

  objects(): readonly StoredObject[] {
    return [...readObjects(this.#db, this.#content.writers)];
  }

  async view(signal?: AbortSignal): Promise<DiskView> {
    const blobs: Digest[] = [];
    for await (const digest of this.#blobs.blobs()) blobs.push(digest);
    const ingests = await this.#blobs.ingests();
    // Read in one go, as of one moment; sizes on disk can be looked at afterwards.
    const objects = this.objects();
    const layers = this.#db.sql<LayerRow>('SELECT id, snapshotter, size FROM layers').all();
    const held = this.#held();
    const pieces = new Map<string, Piece>();
    let looked = 0;
    const add = async (name: string, kind: Piece['kind'], size: number | undefined) => {
      if (size !== undefined) pieces.set(name, { kind, size });
      looked += 1;
      if (looked % AT_ONCE === 0) await setImmediate(undefined, { signal });
    };
    for (const digest of blobs) await add(blobPiece(digest), 'blob', await this.#blobs.size(digest));
    for (const file of ingests) await add(ingestPiece(file), 'ingest', await this.#blobs.ingestSize(file));
    for (const row of layers) {
      await add(layerPiece(row.id), row.size === null ? 'writable' : 'layer', await this.#sizeOf(row, signal));
    }
    return {
      objects,
      pieces,
      held,
      metadataBytes: await this.#metadataBytes(),
    };
  }

  #held(): Map<string, string[]> {
    const held = new Map<string, string[]>();
    const rows = this.#db.sql<{ namespace: string; lease: string; layer: number }>('SELECT * FROM lease_layers').all();
    for (const { namespace, lease, layer } of rows) {
      const id = ownerId({ kind: 'lease', namespace, key: lease });
      held.set(id, [...(held.get(id) ?? []), layerPiece(layer)]);
    }
    return held;
  }

  /** Undefined for one that was removed meanwhile. */
  async #sizeOf({ id, snapshotter, size }: LayerRow, signal?: AbortSignal): Promise<number | undefined> {
    const directories = this.#directories.find(({ backend }) => backend.name === snapshotter);
    try {
      return (await directories?.measure(id, size !== null, signal))?.size;
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isKind(error, 'not-found')) return undefined;
      throw error;
    }
  }

  async #metadataBytes(): Promise<number> {
    let sum = 0;
    for (const suffix of ['', '-wal', '-shm']) {
      const found = await stat(`${this.#db.path}${suffix}`).catch((cause: unknown) => {
        if (isErrno(cause, 'ENOENT')) return undefined;
        throw cause;
      });
      sum += found?.size ?? 0;
    }
    return sum;
  }
}
