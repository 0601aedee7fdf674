import type { OwnerId } from '../../core/gc/owners.js';
import type { Database } from './database.js';

/** Tables of what the collector knows, with what makes the kind and the key of its objects; `NEW` is the row. */
const TABLES = [
  ['images', `'image'`, 'NEW.name'],
  ['containers', `'container'`, 'NEW.id'],
  ['leases', `'lease'`, 'NEW.id'],
  ['lease_resources', `'lease'`, 'NEW.lease'],
  ['blobs', `'content'`, 'NEW.digest'],
  ['snapshots', `'snapshot'`, `NEW.snapshotter || '/' || NEW.name`],
  ['ingests', `'ingest'`, 'NEW.ref'],
] as const;

/** Objects that are written from now on, until it is disposed of. One at a time on a connection. */
export class TouchedObjects implements Disposable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.script(`CREATE TEMP TABLE touched (kind TEXT, namespace TEXT, key TEXT, PRIMARY KEY (kind, namespace, key)) WITHOUT ROWID;
      ${triggers(
        (name, table, values, on) => `CREATE TEMP TRIGGER ${name} AFTER ${on} ON main.${table} BEGIN
        INSERT OR IGNORE INTO touched VALUES (${values}); END;`,
      )}`);
  }

  /** Those since the last call. Called in a transaction that is undone, they come again. */
  take(): OwnerId[] {
    const rows = this.#db
      .sql<{ kind: string; namespace: string; key: string }>('SELECT kind, namespace, key FROM temp.touched')
      .all();
    if (rows.length > 0) this.#db.sql('DELETE FROM temp.touched').run();
    return rows.map(({ kind, namespace, key }) => `${kind}\0${namespace}\0${key}`);
  }

  [Symbol.dispose](): void {
    this.#db.script(`${triggers((name) => `DROP TRIGGER IF EXISTS temp.${name};`)} DROP TABLE IF EXISTS temp.touched;`);
  }
}

function triggers(make: (name: string, table: string, values: string, on: 'INSERT' | 'UPDATE') => string): string {
  return TABLES.flatMap(([table, kind, key]) =>
    (['INSERT', 'UPDATE'] as const).map((on) =>
      make(`touched_${table}_${on.toLowerCase()}`, table, `${kind}, NEW.namespace, ${key}`, on),
    ),
  ).join('\n');
}
