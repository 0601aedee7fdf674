import { chmod, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushDirectory } from '../../base/durable.js';
import { DaemonError, isErrno, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { Database } from './database.js';
import { SCHEMA, type SchemaStep } from './schema.js';

const CHECKED_ALWAYS_BYTES = 32 << 20;

/**
 * Opens the database file, made when it is not there, and brings an older schema up to date in one transaction, with a copy of the former
 * file beside it.
 *
 * @throws failed-precondition: of a newer schema; the message names the release that is needed. data-loss: no database, or damaged.
 */
export async function openDatabase(
  path: string,
  log: Logger,
  schema: readonly SchemaStep[] = SCHEMA,
): Promise<Database> {
  const suspect = await needsCheck(path);
  const db = connect(path);
  try {
    if (suspect) db.check();
    const version = Number(db.pragma('user_version'));
    if (version > schema.length) throw tooNew(db, version, schema.length);
    if (version < schema.length) await migrate(db, version, schema, log);
    await chmod(path, 0o600);
    await flushDirectory(dirname(path));
    return db;
  } catch (cause) {
    db[Symbol.dispose]();
    throw cause;
  }
}

/** After a crash always, else while it takes no time: then a disk may have lost something, but hardly has. */
async function needsCheck(path: string): Promise<boolean> {
  return (await sizeOf(`${path}-wal`)) > 0 || (await sizeOf(path)) <= CHECKED_ALWAYS_BYTES;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return 0;
    throw cause;
  }
}

function connect(path: string): Database {
  try {
    return new Database(path);
  } catch (cause) {
    if (cause instanceof DaemonError) throw cause;
    throw new DaemonError(
      'failed-precondition',
      `${path} can't be opened as a database: ${messageOf(cause)}; see who owns it`,
      { cause },
    );
  }
}

async function migrate(db: Database, from: number, schema: readonly SchemaStep[], log: Logger): Promise<void> {
  if (from > 0) {
    const copy = `${db.path}.schema-${from}`;
    log.info({ path: db.path, from, to: schema.length, copy }, 'bringing the database up to date');
    await backUp(db, copy);
  }
  db.change(() => {
    for (const [index, step] of schema.entries()) {
      if (index < from) continue;
      db.script(step.sql);
      db.sql('INSERT INTO schema_steps (version, release) VALUES (?, ?)').run(index + 1, step.release);
    }
    db.pragma(`user_version = ${schema.length}`);
  });
}

async function backUp(db: Database, copy: string): Promise<void> {
  await rm(copy, { force: true });
  db.sql('VACUUM INTO ?').run(copy);
  const file = await open(copy, 'r+');
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
  await flushDirectory(dirname(copy));
}

function tooNew(db: Database, version: number, known: number): DaemonError {
  const needed = db.sql<{ release: string }>('SELECT release FROM schema_steps WHERE version = ?').get(version);
  return new DaemonError(
    'failed-precondition',
    `${db.path} was written by wharfd ${needed?.release ?? 'of a later date'} (schema ${version}, this one knows ${known}): start that version or a later one`,
  );
}
