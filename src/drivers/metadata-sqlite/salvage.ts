import Sqlite from 'better-sqlite3';
import type { Database } from './database.js';

/** What was taken over from a broken database. */
export interface Salvaged {
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Tables that could not be read to their end. */
  readonly incomplete: readonly string[];
}

/** In the order in which rows refer to each other. Leases of operations have ended anyway. */
const TABLES = [
  'counters',
  'namespaces',
  'leases',
  'lease_resources',
  'blobs',
  'ingests',
  'images',
  'containers',
  'processes',
  'sandboxes',
  'sandbox_runs',
  'layers',
  'proxied_layers',
  'snapshots',
  'events',
] as const;

/** Copies every row that can still be read and that fits what else was read; nothing is made up. */
export function salvage(into: Database, broken: string): Salvaged {
  const rows: Record<string, number> = {};
  const incomplete: string[] = [];
  const from = openBroken(broken);
  if (from === undefined) return { rows, incomplete: [...TABLES] };
  try {
    into.change(() => {
      for (const table of TABLES) {
        const { count, whole } = copyTable(from, into, table);
        rows[table] = count;
        if (!whole) incomplete.push(table);
      }
      dropOrphans(into);
    });
  } finally {
    from.close();
  }
  return { rows, incomplete };
}

function openBroken(path: string): Sqlite.Database | undefined {
  try {
    // Not read-only: what lies in the write-ahead log belongs to it.
    const db = new Sqlite(path, { fileMustExist: true });
    db.pragma('user_version');
    return db;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) return undefined;
    throw error;
  }
}

function copyTable(
  from: Sqlite.Database,
  into: Database,
  table: string,
): { readonly count: number; readonly whole: boolean } {
  let count = 0;
  const columns = into.sql<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).all();
  const names = columns.map(({ name }) => name);
  const marks = names.map(() => '?').join(', ');
  const insert = into.sql(`INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${marks})`);
  const before = ownerOf(into, names);
  try {
    const rows = from
      .prepare<[], unknown[]>(`SELECT ${names.join(', ')} FROM ${table}`)
      .raw()
      .safeIntegers();
    for (const row of rows.iterate()) {
      before(row);
      count += insertRow(insert, row);
    }
    return { count, whole: true };
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) return { count, whole: false };
    throw error;
  }
}

/** Sees to it that what a row refers to is there, even if its own row was lost: it then has the name alone. */
function ownerOf(into: Database, names: readonly string[]): (row: readonly unknown[]) => void {
  const [namespace, layer, snapshotter] = [
    names.indexOf('namespace'),
    names.indexOf('layer'),
    names.indexOf('snapshotter'),
  ];
  const addNamespace = into.sql(`INSERT OR IGNORE INTO namespaces (name, labels) VALUES (?, '{}')`);
  const addLayer = into.sql('INSERT OR IGNORE INTO layers (id, snapshotter) VALUES (?, ?)');
  return (row) => {
    if (namespace >= 0) insertRow(addNamespace, [row[namespace]]);
    if (layer >= 0 && snapshotter >= 0) insertRow(addLayer, [row[layer], row[snapshotter]]);
  };
}

/** A row that the schema refuses is damaged. */
function insertRow(insert: Sqlite.Statement, row: readonly unknown[]): number {
  try {
    return insert.run(...row).changes;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')) return 0;
    throw error;
  }
}

/** Snapshots whose parent was lost can't be mounted; those on them lose theirs then, and so on. */
function dropOrphans(into: Database): void {
  const orphans = into.sql(
    `DELETE FROM snapshots WHERE parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM snapshots AS below
       WHERE below.namespace = snapshots.namespace AND below.snapshotter = snapshots.snapshotter AND below.name = snapshots.parent)`,
  );
  while (orphans.run().changes > 0);
}
