import type { Logger } from '../../base/logger.js';
import type { SnapshotBackend } from '../../core/snapshots/snapshot-backend.js';
import type { Database } from './database.js';

/** The numbers of a backend's directories: which are free, which are being filled, and which nobody needs any more. */
export class LayerDirectories {
  readonly backend: SnapshotBackend;
  readonly #db: Database;
  readonly #log: Logger;
  readonly #numbers: LayerNumbers;
  /** Made, or about to be, but not in the database yet. */
  readonly #filling = new Set<number>();

  constructor(backend: SnapshotBackend, db: Database, numbers: LayerNumbers, log: Logger) {
    this.backend = backend;
    this.#db = db;
    this.#numbers = numbers;
    this.#log = log;
  }

  /** A new number. Until `settled` or `drop`, nobody takes it for garbage; a crash before that makes it garbage. */
  take(): number {
    const id = this.#numbers.next();
    this.#filling.add(id);
    return id;
  }

  isFilling(id: number): boolean {
    return this.#filling.has(id);
  }

  /** The number is in the database from now on. */
  settled(id: number): void {
    this.#filling.delete(id);
  }

  /** Gives up a number that was not settled. */
  async drop(id: number): Promise<void> {
    await this.backend.remove(id);
    this.#filling.delete(id);
  }

  /** Removes the directories of layers that nothing names. @returns How many. */
  async sweep(signal?: AbortSignal): Promise<number> {
    const unnamed = this.#db.change(() =>
      this.#db
        .sql<{ id: number }>(
          `DELETE FROM layers WHERE snapshotter = ? AND id NOT IN (SELECT layer FROM snapshots)
           AND id NOT IN (SELECT layer FROM lease_layers) RETURNING id`,
        )
        .all(this.backend.name),
    );
    for (const { id } of unnamed) {
      await this.backend.remove(id);
      // What is left after an abort has no row any more, so the next start removes it.
      signal?.throwIfAborted();
    }
    return unnamed.length;
  }

  /** At start: removes directories that the database does not know, and tells of layers that are gone. */
  async reconcile(): Promise<number> {
    const found = new Set(await this.backend.inventory());
    const rows = this.#db.sql<{ id: number }>('SELECT id FROM layers WHERE snapshotter = ?').all(this.backend.name);
    const known = new Set(rows.map(({ id }) => id));
    for (const id of found) this.#numbers.used(id);
    const missing = [...known].filter((id) => !found.has(id));
    if (missing.length > 0) {
      const fields = { snapshotter: this.backend.name, layers: missing.slice(0, 20), count: missing.length };
      this.#log.error(fields, 'layers have lost their directories: pull their images again');
    }
    const strays = [...found].filter((id) => !known.has(id));
    for (const id of strays) await this.backend.remove(id);
    return strays.length;
  }
}

/** Counts the numbers of all backends; one is never given twice, over restarts too. */
export class LayerNumbers {
  #last: number;

  constructor(db: Database) {
    const counted = db.sql<{ value: number }>(`SELECT value FROM counters WHERE name = 'layer'`).get();
    const newest = db.sql<{ id: number | null }>('SELECT max(id) AS id FROM layers').get();
    this.#last = Math.max(counted?.value ?? 0, newest?.id ?? 0);
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  used(id: number): void {
    this.#last = Math.max(this.#last, id);
  }
}
