import Sqlite from 'better-sqlite3';
import { DaemonError, isDiskFull, messageOf } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';
import { SpaceReserve } from './space-reserve.js';

/** Ends a transaction with an error for the caller, whose changes are kept all the same (WIRE.md 16). */
class KeptRefusal extends Error {
  readonly refusal: DaemonError;

  constructor(refusal: DaemonError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** Wraps an error so that throwing it in a transaction commits what was done before. */
export function keeping(refusal: DaemonError): Error {
  return new KeptRefusal(refusal);
}

function isDamage(code: string): boolean {
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT');
}

/** The error for a file that is no database, or not any more. */
export function damaged(path: string, what: string, cause?: unknown): DaemonError {
  return new DaemonError('data-loss', `${path} is broken (${what}): restart wharfd to have it set aside and rebuilt`, {
    cause,
  });
}

function explain(path: string, cause: unknown): unknown {
  if (!(cause instanceof Sqlite.SqliteError)) return cause;
  if (isDamage(cause.code)) return damaged(path, messageOf(cause), cause);
  return new DaemonError('internal', `database ${path}: ${messageOf(cause)} (${cause.code})`, { cause });
}

function isWriteError(code: string): boolean {
  return (
    /^SQLITE_IOERR_(WRITE|FSYNC|DIR_FSYNC|SHMSIZE|SHMMAP|SHMOPEN|TRUNCATE)$/.test(code) || code === 'SQLITE_CANTOPEN'
  );
}

/** What statements are run by. */
export interface Statements {
  sql<Row>(text: string): Sqlite.Statement<unknown[], Row>;
}

/** A consistent view of the whole database, from its own connection; other work goes on meanwhile. */
export interface DatabaseView extends Statements, Disposable {}

/** The connection of the daemon. Calls are synchronous: a transaction is never interleaved with another. */
export class Database implements Statements, Disposable {
  readonly path: string;
  readonly #db: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();
  readonly #afterCommit = new Set<() => void>();
  #flushes = true;
  #owes = false;
  readonly #reserve: SpaceReserve;

  constructor(path: string) {
    this.path = path;
    this.#reserve = new SpaceReserve(`${path}.reserve`);
    this.#db = new Sqlite(path);
    try {
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      this.#db.pragma('foreign_keys = ON');
      this.#db.pragma('busy_timeout = 5000');
    } catch (cause) {
      this.#db.close();
      throw this.#explain(cause);
    }
  }

  /** A statement, compiled once. */
  sql<Row>(text: string): Sqlite.Statement<unknown[], Row> {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement as Sqlite.Statement<unknown[], Row>;
  }

  /** Runs several statements at once, such as a schema. */
  script(text: string): void {
    this.#db.exec(text);
  }

  pragma(text: string): unknown {
    try {
      return this.#db.pragma(text, { simple: true });
    } catch (cause) {
      throw this.#explain(cause);
    }
  }

  /** @throws data-loss: what SQLite's quick_check finds. */
  check(): void {
    const found = this.pragma('quick_check(1)');
    if (found !== 'ok') throw damaged(this.path, String(found).split('\n', 1)[0] ?? '');
  }

  /**
   * Runs `work` in one transaction, durable on return. A throw undoes all of it, but for `keeping`.
   *
   * @param flush False: a crash of the daemon can't undo it, but a power cut may until the next durable transaction, which takes
   *   along all before it. For steps of an operation that ends with a durable one: each flush waits for the whole disk.
   * @throws What `work` threw. resource-exhausted: the disk is full; internal: SQLite's own trouble.
   */
  change<T>(work: () => T, flush = true): T {
    if (flush !== this.#flushes) {
      this.#db.exec(`PRAGMA synchronous = ${flush ? 'FULL' : 'NORMAL'}`);
      this.#flushes = flush;
    }
    let outcome: { readonly value: T } | { readonly refusal: DaemonError };
    try {
      this.sql('BEGIN IMMEDIATE').run();
      outcome = this.#attempt(work);
      if (flush && this.#owes) this.#write();
      this.sql('COMMIT').run();
    } catch (cause) {
      if (this.#db.inTransaction) this.sql('ROLLBACK').run();
      throw this.#explain(cause);
    }
    if (flush) this.#owes = false;
    faultPoint('a transaction is kept');
    for (const notify of this.#afterCommit) notify();
    if ('refusal' in outcome) throw outcome.refusal;
    return outcome.value;
  }

  /** Makes the transaction write something: SQLite flushes none that changes nothing, and what is owed would stay unflushed. */
  #write(): void {
    const { user_version: version = 0 } = this.sql<{ user_version: number }>('PRAGMA user_version').get() ?? {};
    this.#db.exec(`PRAGMA user_version = ${version}`);
  }

  /** As `change` without a flush, which is owed from then on: to be had before whoever asked for this is told that all is done. */
  defer<T>(work: () => T): T {
    this.#owes = true;
    return this.change(work, false);
  }

  /** Whether something was deferred since the last flush. */
  get owesFlush(): boolean {
    return this.#owes;
  }

  /**
   * As `change`, for work that gives room: where the disk is full, what was set aside for that is used. The work may run twice.
   *
   * @param flush As `change` has it.
   * @throws As `change`.
   */
  relieve<T>(work: () => T, flush = true): T {
    try {
      const value = this.change(work, flush);
      this.#reserve.restore();
      return value;
    } catch (error) {
      if (!isDiskFull(error) || !this.#reserve.spend()) throw error;
      try {
        return this.change(work, flush);
      } finally {
        this.#reserve.refill();
      }
    }
  }

  /** Sets room aside for the day when the disk is full. */
  reserve(): void {
    this.#reserve.restore();
  }

  #attempt<T>(work: () => T): { readonly value: T } | { readonly refusal: DaemonError } {
    try {
      return { value: work() };
    } catch (error) {
      if (error instanceof KeptRefusal) return { refusal: error.refusal };
      throw error;
    }
  }

  #explain(cause: unknown): unknown {
    if (!(cause instanceof Sqlite.SqliteError)) return cause;
    if (cause.code === 'SQLITE_FULL' || (isWriteError(cause.code) && this.#reserve.isDiskFull())) {
      // A used-up quota and the index of the write-ahead log have other codes.
      const full = Object.assign(cause, { code: 'SQLITE_FULL' });
      return new DaemonError('resource-exhausted', `no space left for the database ${this.path}: free some`, {
        cause: full,
      });
    }
    return explain(this.path, cause);
  }

  /** Calls `notify` after every transaction. */
  onCommit(notify: () => void): Disposable {
    this.#afterCommit.add(notify);
    return { [Symbol.dispose]: () => void this.#afterCommit.delete(notify) };
  }

  /**
   * Calls `notify` after every transaction that has changed rows of tables of a topic, before anybody can know of it. To be called once.
   *
   * @param topics The names of each one's tables.
   */
  onChange<Topic extends string>(
    topics: Readonly<Record<Topic, readonly string[]>>,
    notify: (topic: Topic) => void,
  ): void {
    const changed = new Set<Topic>();
    this.#db.function('note_change', (topic) => {
      changed.add(topic as Topic);
      return null;
    });
    for (const [topic, tables] of Object.entries<readonly string[]>(topics)) {
      for (const table of tables) {
        for (const verb of ['INSERT', 'UPDATE', 'DELETE'])
          this.script(
            `CREATE TEMP TRIGGER ${table}_${verb} AFTER ${verb} ON main.${table} BEGIN SELECT note_change('${topic}'); END`,
          );
      }
    }
    this.#afterCommit.add(() => {
      for (const topic of changed) notify(topic);
      changed.clear();
    });
  }

  /** Opens a view of this very moment, as openView does. */
  view(): DatabaseView {
    return openView(this.path);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/**
 * Opens a view of this very moment on a connection of its own, in any thread. It keeps the write-ahead log from shrinking, so it should
 * end soon.
 *
 * @throws data-loss: the file is broken; internal: SQLite's own trouble.
 */
export function openView(path: string): DatabaseView {
  const db = new Sqlite(path, { readonly: true });
  try {
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM schema_steps').get(); // the view begins with the first read
  } catch (cause) {
    db.close();
    throw explain(path, cause);
  }
  return {
    sql: <Row>(text: string) => db.prepare<unknown[], Row>(text),
    [Symbol.dispose]: () => void db.close(),
  };
}
