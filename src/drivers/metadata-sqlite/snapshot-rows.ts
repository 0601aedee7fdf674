import { DaemonError } from '../../base/errors.js';
import type { SnapshotInfo, SnapshotKind, SnapshotUsage } from '../../core/snapshots/snapshotter.js';
import type { Labels } from '../../spec/labels.js';
import type { Database } from './database.js';
import { fromJson, toJson } from './shared.js';

export interface SnapshotRow {
  readonly name: string;
  readonly kind: SnapshotKind;
  readonly parent: string | null;
  readonly layer: number;
  readonly labels: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

/** A snapshot about to be written. */
export interface SnapshotDraft {
  readonly name: string;
  readonly kind: SnapshotKind;
  /** Empty for none. */
  readonly parent: string;
  readonly layer: number;
  readonly chained: boolean;
  readonly labels: Labels;
}

export function toSnapshotInfo(row: SnapshotRow): SnapshotInfo {
  return {
    kind: row.kind,
    name: row.name,
    parent: row.parent ?? '',
    labels: fromJson(row.labels),
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}

/** The rows of one snapshotter's names in one namespace; what changes something belongs into a transaction. */
export class SnapshotRows {
  readonly #db: Database;
  readonly #namespace: string;
  readonly #snapshotter: string;

  constructor(db: Database, namespace: string, snapshotter: string) {
    this.#db = db;
    this.#namespace = namespace;
    this.#snapshotter = snapshotter;
  }

  find(name: string): SnapshotRow | undefined {
    return this.#db
      .sql<SnapshotRow>('SELECT * FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?')
      .get(this.#namespace, this.#snapshotter, name);
  }

  /** @throws not-found. */
  needed(name: string): SnapshotRow {
    const row = this.find(name);
    if (!row) throw new DaemonError('not-found', `snapshot ${name} does not exist: not found`);
    return row;
  }

  list(): SnapshotRow[] {
    return this.#db
      .sql<SnapshotRow>('SELECT * FROM snapshots WHERE namespace = ? AND snapshotter = ? ORDER BY name')
      .all(this.#namespace, this.#snapshotter);
  }

  hasChildren(name: string): boolean {
    const child = this.#db.sql(
      'SELECT 1 FROM snapshots WHERE namespace = ? AND snapshotter = ? AND parent = ? LIMIT 1',
    );
    return child.get(this.#namespace, this.#snapshotter, name) !== undefined;
  }

  /** Layers below a snapshot, nearest first. @param parent Empty for none. @throws not-found. invalid-argument: not committed. */
  layersBelow(parent: string): number[] {
    if (parent === '') return [];
    const row = this.find(parent);
    if (!row) throw new DaemonError('not-found', `parent snapshot ${parent} does not exist: not found`);
    if (row.kind !== 'committed') {
      throw new DaemonError(
        'invalid-argument',
        `failed to create snapshot: parent ${JSON.stringify(parent)} is not committed snapshot: invalid argument`,
      );
    }
    return this.#db
      .sql<{ layer: number }>(
        `WITH RECURSIVE below (depth, layer, parent) AS (
           SELECT 0, layer, parent FROM snapshots WHERE namespace = :namespace AND snapshotter = :snapshotter AND name = :name
           UNION ALL
           SELECT below.depth + 1, snapshots.layer, snapshots.parent FROM below JOIN snapshots
             ON snapshots.namespace = :namespace AND snapshots.snapshotter = :snapshotter AND snapshots.name = below.parent)
         SELECT layer FROM below ORDER BY depth`,
      )
      .all({ namespace: this.#namespace, snapshotter: this.#snapshotter, name: parent })
      .map((found) => found.layer);
  }

  addLayer(id: number, usage?: SnapshotUsage): void {
    this.#db
      .sql('INSERT INTO layers (id, snapshotter, size, inodes) VALUES (?, ?, ?, ?)')
      .run(id, this.#snapshotter, usage?.size ?? null, usage?.inodes ?? null);
    this.#db
      .sql(
        `INSERT INTO counters (name, value) VALUES ('layer', ?)
         ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
      )
      .run(id);
  }

  hasLayer(id: number): boolean {
    const row = this.#db.sql('SELECT 1 FROM layers WHERE id = ? AND snapshotter = ?').get(id, this.#snapshotter);
    return row !== undefined;
  }

  usage(layer: number): SnapshotUsage | undefined {
    const row = this.#db
      .sql<{ size: number | null; inodes: number | null }>('SELECT size, inodes FROM layers WHERE id = ?')
      .get(layer);
    if (row === undefined || row.size === null || row.inodes === null) return undefined;
    return { size: row.size, inodes: row.inodes };
  }

  add(draft: SnapshotDraft): void {
    const now = Date.now();
    this.#db
      .sql(
        `INSERT INTO snapshots
         (namespace, snapshotter, name, kind, parent, layer, chained, labels, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#namespace,
        this.#snapshotter,
        draft.name,
        draft.kind,
        draft.parent === '' ? null : draft.parent,
        draft.layer,
        draft.chained ? 1 : 0,
        toJson(draft.labels),
        now,
        now,
      );
  }

  /** @param usage Missing: it is measured when somebody asks. */
  commit(key: string, name: string, labels: Labels, usage?: SnapshotUsage): void {
    const row = this.needed(key);
    const now = Date.now();
    if (usage) {
      this.#db.sql('UPDATE layers SET size = ?, inodes = ? WHERE id = ?').run(usage.size, usage.inodes, row.layer);
    }
    this.#db
      .sql(
        `UPDATE snapshots SET name = ?, kind = 'committed', labels = ?, created_ms = ?, updated_ms = ?
         WHERE namespace = ? AND snapshotter = ? AND name = ?`,
      )
      .run(name, toJson(labels), now, now, this.#namespace, this.#snapshotter, key);
  }

  setLayer(name: string, layer: number): void {
    this.#db
      .sql('UPDATE snapshots SET layer = ? WHERE namespace = ? AND snapshotter = ? AND name = ?')
      .run(layer, this.#namespace, this.#snapshotter, name);
  }

  setLabels(name: string, labels: Labels): void {
    this.#db
      .sql('UPDATE snapshots SET labels = ?, updated_ms = ? WHERE namespace = ? AND snapshotter = ? AND name = ?')
      .run(toJson(labels), Date.now(), this.#namespace, this.#snapshotter, name);
  }

  remove(name: string): void {
    this.#db
      .sql('DELETE FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?')
      .run(this.#namespace, this.#snapshotter, name);
  }

  /** Layers that bear these names as chain IDs in any namespace. */
  chained(names: readonly string[]): Map<string, number> {
    const rows = this.#db
      .sql<{ name: string; layer: number }>(
        `SELECT name, layer FROM snapshots WHERE snapshotter = ? AND chained = 1 AND name IN (SELECT value FROM json_each(?))`,
      )
      .all(this.#snapshotter, JSON.stringify(names));
    return new Map(rows.map(({ name, layer }) => [name, layer]));
  }

  /** The lease keeps layers that have perhaps no name in this namespace yet. */
  leaseLayers(lease: string, layers: Iterable<number>): void {
    for (const layer of layers) {
      this.#db
        .sql('INSERT OR IGNORE INTO lease_layers (namespace, lease, layer) VALUES (?, ?, ?)')
        .run(this.#namespace, lease, layer);
    }
  }
}
