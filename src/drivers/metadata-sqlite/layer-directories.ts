import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno, isKind } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { SnapshotBackend } from '../../core/snapshots/snapshot-backend.js';
import type { SnapshotUsage } from '../../core/snapshots/snapshotter.js';
import type { Database } from './database.js';
import { timeInName } from './rebuild.js';

/** What a sweep has removed. */
export interface Swept {
  readonly count: number;
  readonly bytes: number;
}

/** The numbers of a backend's directories: which are free, which are being filled, and which nobody needs any more. */
export class LayerDirectories {
  readonly backend: SnapshotBackend;
  readonly #db: Database;
  readonly #log: Logger;
  readonly #numbers: LayerNumbers;
  /** Made, or about to be, but not in the database yet. */
  readonly #filling = new Set<number>();
  /** Committed ones whose size on disk was looked at since the start. */
  readonly #measured = new Map<number, SnapshotUsage>();

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

  /**
   * Bytes and inodes on disk. What the unpacking has reckoned is replaced by what was measured.
   *
   * @param committed It changes no more, so that measuring once will do.
   */
  async measure(id: number, committed: boolean, signal?: AbortSignal): Promise<SnapshotUsage> {
    const known = this.#measured.get(id);
    if (known) return known;
    const usage = await this.backend.usage(id, signal);
    if (!committed) return usage;
    this.#measured.set(id, usage);
    const { size, inodes } = usage;
    const row = this.#db.sql<{ size: number; inodes: number }>('SELECT size, inodes FROM layers WHERE id = ?').get(id);
    if (row && (row.size !== size || row.inodes !== inodes)) {
      this.#db.change(() => this.#db.sql('UPDATE layers SET size = ?, inodes = ? WHERE id = ?').run(size, inodes, id));
    }
    return usage;
  }

  /** Removes the directories of layers that nothing names. */
  async sweep(signal?: AbortSignal): Promise<Swept> {
    const unnamed = this.#db.relieve(() =>
      this.#db
        .sql<{ id: number }>(
          `DELETE FROM layers WHERE snapshotter = ? AND id NOT IN (SELECT layer FROM snapshots)
           AND id NOT IN (SELECT layer FROM lease_layers) RETURNING id`,
        )
        .all(this.backend.name),
    );
    let bytes = 0;
    for (const { id } of unnamed) {
      const { size } = this.#measured.get(id) ?? (await this.#usageIfThere(id));
      bytes += size;
      this.#measured.delete(id);
      await this.backend.remove(id);
      // What is left after an abort has no row any more, so the next start removes it.
      signal?.throwIfAborted();
    }
    return { count: unnamed.length, bytes };
  }

  async #usageIfThere(id: number): Promise<SnapshotUsage> {
    try {
      return await this.backend.usage(id);
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isKind(error, 'not-found')) return { size: 0, inodes: 0 };
      throw error;
    }
  }

  /**
   * At start: removes directories that the database does not know, and tells of layers that are gone.
   *
   * @param treatment After a loss of the database they may be what somebody wants back: `set-aside` keeps them.
   */
  async reconcile(treatment: 'remove' | 'set-aside' = 'remove'): Promise<number> {
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
    if (treatment === 'remove') for (const id of strays) await this.backend.remove(id);
    else if (strays.length > 0) await this.#setAside(strays);
    return strays.length;
  }

  async #setAside(ids: readonly number[]): Promise<void> {
    const aside = join(this.backend.root, `lost-${timeInName(new Date())}`);
    await mkdir(aside, { mode: 0o700 });
    // `fs` lies in the folder of the number.
    for (const id of ids) await rename(dirname(this.backend.filesOf(id)), join(aside, String(id)));
    this.#log.warn(
      { snapshotter: this.backend.name, layers: ids.length, path: aside },
      'directories whose names are lost were set aside: take from them what you need, then delete them',
    );
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
