import { deferred, onAbort, type Deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Envelope, Event, EventPayload, Journal } from '../../core/events/journal.js';
import type { Database } from './database.js';

interface EventRow {
  readonly sequence: bigint;
  readonly namespace: string;
  readonly topic: string;
  readonly timestamp_ns: bigint;
  readonly type: string;
  readonly fields: string | null;
  readonly value: Buffer | null;
}

/** How many events the journal keeps, and how many are read at once. */
const KEPT_EVENTS = 200_000;
const PAGE = 256;
const TRIM_EVERY = 1024;

/** The journal in the database's `events` table. */
export class SqliteJournal implements Journal, Disposable {
  readonly #db: Database;
  readonly #kept: number;
  readonly #listening: Disposable;
  #last: number;
  #announced: number;
  #news: Deferred<undefined> = deferred();

  constructor(db: Database, kept = KEPT_EVENTS) {
    this.#db = db;
    this.#kept = kept;
    const newest = db.sql<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'events'`).get();
    this.#last = newest?.seq ?? 0;
    this.#announced = this.#last;
    this.#listening = db.onCommit(() => {
      this.#announce();
    });
  }

  /** Writes an event as part of the running transaction. */
  record(namespace: string, event: Event, timestampNs: bigint = nowNs()): Envelope {
    const { type, fields, value } = encode(event.payload);
    const { lastInsertRowid } = this.#db
      .sql('INSERT INTO events (namespace, topic, timestamp_ns, type, fields, value) VALUES (?, ?, ?, ?, ?, ?)')
      .run(namespace, event.topic, timestampNs, type, fields, value);
    const sequence = Number(lastInsertRowid);
    if (sequence % TRIM_EVERY === 0) this.#trim(sequence);
    return { ...event, sequence, timestampNs, namespace };
  }

  append(namespace: string, event: Event, timestampNs?: bigint): Promise<Envelope> {
    return Promise.resolve().then(() => this.#db.change(() => this.record(namespace, event, timestampNs)));
  }

  last(): number {
    return this.#last;
  }

  subscribe(options: { readonly from?: number; readonly signal: AbortSignal }): AsyncIterable<Envelope> {
    return this.#follow(options.from ?? this.#last + 1, options.signal);
  }

  async *#follow(from: number, signal: AbortSignal): AsyncGenerator<Envelope> {
    this.#checkKept(from);
    for (let next = from; !hasEnded(signal);) {
      const news = this.#news.promise;
      const page = this.#read(next);
      const first = page[0]?.sequence;
      if (first !== undefined && first > next) this.#checkKept(next);
      for (const envelope of page) {
        yield envelope;
        if (hasEnded(signal)) return;
        next = envelope.sequence + 1;
      }
      if (page.length === 0) await orAbort(news, signal);
    }
  }

  #read(from: number): Envelope[] {
    const rows = this.#db
      .sql<EventRow>('SELECT * FROM events WHERE sequence >= ? ORDER BY sequence LIMIT ?')
      .safeIntegers(true)
      .all(from, PAGE);
    return rows.map(decode);
  }

  #checkKept(from: number): void {
    const oldest = this.#db.sql<{ sequence: number | null }>('SELECT min(sequence) AS sequence FROM events').get();
    const first = oldest?.sequence ?? this.#last + 1;
    if (from >= first || from === this.#last + 1) return;
    throw new DaemonError(
      'out-of-range',
      `journal: events ${from} to ${first - 1} are no longer kept; list what there is, and go on from ${this.#last + 1}`,
    );
  }

  #trim(newest: number): void {
    this.#db.sql('DELETE FROM events WHERE sequence <= ?').run(newest - this.#kept);
  }

  /** A rolled-back transaction leaves no number behind, so what counts is read after the commit. */
  #announce(): void {
    const newest = this.#db.sql<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'events'`).get();
    this.#last = newest?.seq ?? 0;
    if (this.#last === this.#announced) return;
    this.#announced = this.#last;
    const { resolve } = this.#news;
    this.#news = deferred();
    resolve(undefined);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}

/** Asked anew each time: a `yield` lies between. */
function hasEnded(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function orAbort(promise: Promise<undefined>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = deferred<undefined>();
  using _ = onAbort(signal, () => {
    resolve(undefined);
  });
  await Promise.race([promise, aborted]);
}

function encode(payload: EventPayload): { type: string; fields: string | null; value: Uint8Array | null } {
  if ('any' in payload) return { type: payload.any.typeUrl, fields: null, value: payload.any.value };
  return { type: payload.type, fields: JSON.stringify(payload.fields), value: null };
}

function decode(row: EventRow): Envelope {
  const payload: EventPayload =
    row.fields === null
      ? { any: { typeUrl: row.type, value: row.value ?? new Uint8Array() } }
      : { type: row.type, fields: JSON.parse(row.fields) as Record<string, unknown> };
  return {
    sequence: Number(row.sequence),
    namespace: row.namespace,
    topic: row.topic,
    timestampNs: row.timestamp_ns,
    payload,
  };
}

/** Nanoseconds since 1970. */
function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
