import { deferred, onAbort, type Deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { Envelope, Event, EventPayload, Journal } from '../../core/events/journal.js';
import type { Database } from './database.js';
import { EventNumbers } from './event-numbers.js';

interface EventRow {
  readonly sequence: bigint;
  readonly namespace: string;
  readonly topic: string;
  readonly timestamp_ns: bigint;
  readonly type: string;
  readonly fields: string | null;
  readonly value: Buffer | null;
}

/** What the journal keeps: of both bounds the tighter one counts. */
export interface Retention {
  readonly events: number;
  readonly ageMs: number;
}

export const DEFAULT_RETENTION: Retention = { events: 200_000, ageMs: 30 * 24 * 60 * 60 * 1000 };

/** How many events are read at once. */
const PAGE = 256;
/** Old events go whenever so many new ones have come, and as often when none come. */
const TRIM_EVERY = 1024;
const TRIM_INTERVAL_MS = 60 * 60 * 1000;
/** Events that go in one transaction. */
const TRIMMED_AT_ONCE = 8 * TRIM_EVERY;

/** The journal in the database's `events` table. */
export class SqliteJournal implements Journal, Disposable {
  readonly #db: Database;
  readonly #kept: Retention;
  readonly #listening: Disposable;
  readonly #trimming: NodeJS.Timeout;
  readonly #numbers: EventNumbers;
  #last: number;
  #announced: number;
  #news: Deferred<undefined> = deferred();

  /** @param bootId That of this boot of the machine; by the kernel unless given. */
  constructor(db: Database, kept: Retention = DEFAULT_RETENTION, bootId?: string) {
    this.#db = db;
    this.#kept = kept;
    this.#numbers = new EventNumbers(db, bootId);
    this.#trimming = setInterval(() => {
      this.trim();
    }, TRIM_INTERVAL_MS).unref();
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
    if (sequence % TRIM_EVERY === 0) this.#forget();
    return { ...event, sequence, timestampNs, namespace };
  }

  append(namespace: string, event: Event, timestampNs?: bigint): Promise<Envelope> {
    return Promise.resolve().then(() => this.#db.change(() => this.record(namespace, event, timestampNs)));
  }

  /**
   * Runs a transaction whose changes matter for this boot of the machine only, with its events; it waits for no flush, and a power cut may
   * undo it. As `Database.relieve` otherwise.
   */
  passing<T>(work: () => T): T {
    if (!this.#numbers.isShort(this.#last)) return this.#db.relieve(work, false);
    return this.#db.relieve(() => {
      const value = work();
      this.#numbers.reserve(this.#last);
      return value;
    });
  }

  last(): number {
    return this.#last;
  }

  oldest(): number {
    const row = this.#db.sql<{ sequence: number | null }>('SELECT min(sequence) AS sequence FROM events').get();
    return row?.sequence ?? this.#last + 1;
  }

  /** Lets go of what the retention no longer keeps. */
  trim(): void {
    while (this.#db.change(() => this.#forget()));
  }

  subscribe({ from, signal }: { readonly from?: number; readonly signal: AbortSignal }): AsyncIterable<Envelope> {
    if (from !== undefined) this.#checkKept(from);
    return this.#follow(from ?? this.#last + 1, signal);
  }

  async *#follow(from: number, signal: AbortSignal): AsyncGenerator<Envelope> {
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
    const next = this.#last + 1;
    const oldest = this.oldest();
    if (from >= oldest && from <= next) return;
    const what =
      from < oldest
        ? `event ${from} is no longer kept, the oldest is ${oldest}`
        : `event ${from} is too far ahead, the newest is ${this.#last}`;
    throw new DaemonError('out-of-range', `journal: ${what}; list what there is, and read on from ${next}`);
  }

  /**
   * Deletes the oldest events, as part of the running transaction: those over the count, and those before the first that is young enough.
   *
   * @returns Whether there may be more.
   */
  #forget(): boolean {
    const youngerNs = nowNs() - BigInt(this.#kept.ageMs) * 1_000_000n;
    const young = this.#db
      .sql<{ sequence: number }>('SELECT sequence FROM events WHERE timestamp_ns >= ? ORDER BY sequence LIMIT 1')
      .get(youngerNs);
    const newest = this.#db.sql<{ seq: number }>(`SELECT seq FROM sqlite_sequence WHERE name = 'events'`).get();
    const end = newest?.seq ?? 0;
    const first = Math.max(young?.sequence ?? end + 1, end - this.#kept.events + 1);
    const bound = Math.min(first, this.oldest() + TRIMMED_AT_ONCE);
    return this.#db.sql('DELETE FROM events WHERE sequence < ?').run(bound).changes === TRIMMED_AT_ONCE;
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
    clearInterval(this.#trimming);
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
