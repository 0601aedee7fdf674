import Sqlite from 'better-sqlite3';
import { DaemonError, messageOf } from '../../base/errors.js';

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

/** A consistent view of the whole database, from its own connection; other work goes on meanwhile. */
export interface DatabaseView extends Disposable {
  sql<Row>(text: string): Sqlite.Statement<unknown[], Row>;
}

/** The connection of the daemon. Calls are synchronous: a transaction is never interleaved with another. */
export class Database implements Disposable {
  readonly path: string;
  readonly #db: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();
  readonly #afterCommit = new Set<() => void>();
  #flushes = true;

  constructor(path: string) {
    this.path = path;
    this.#db = new Sqlite(path);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = FULL');
    this.#db.pragma('foreign_keys = ON');
    this.#db.pragma('busy_timeout = 5000');
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
    return this.#db.pragma(text, { simple: true });
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
      this.#db.pragma(`synchronous = ${flush ? 'FULL' : 'NORMAL'}`);
      this.#flushes = flush;
    }
    this.sql('BEGIN IMMEDIATE').run();
    let outcome: { readonly value: T } | { readonly refusal: DaemonError };
    try {
      outcome = this.#attempt(work);
      this.sql('COMMIT').run();
    } catch (cause) {
      if (this.#db.inTransaction) this.sql('ROLLBACK').run();
      throw this.#explain(cause);
    }
    for (const notify of this.#afterCommit) notify();
    if ('refusal' in outcome) throw outcome.refusal;
    return outcome.value;
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
    if (cause.code === 'SQLITE_FULL') {
      return new DaemonError('resource-exhausted', `no space left for the database ${this.path}: free some`, { cause });
    }
    return new DaemonError('internal', `database ${this.path}: ${messageOf(cause)} (${cause.code})`, { cause });
  }

  /** Calls `notify` after every transaction. */
  onCommit(notify: () => void): Disposable {
    this.#afterCommit.add(notify);
    return { [Symbol.dispose]: () => void this.#afterCommit.delete(notify) };
  }

  /** Opens a view of this very moment. It keeps the write-ahead log from shrinking, so it should end soon. */
  view(): DatabaseView {
    const db = new Sqlite(this.path, { readonly: true });
    try {
      db.exec('BEGIN');
      db.prepare('SELECT count(*) FROM schema_steps').get(); // the view begins with the first read
    } catch (cause) {
      db.close();
      throw this.#explain(cause);
    }
    return {
      sql: <Row>(text: string) => db.prepare<unknown[], Row>(text),
      [Symbol.dispose]: () => void db.close(),
    };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
