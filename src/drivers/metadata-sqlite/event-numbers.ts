import { readFileSync } from 'node:fs';
import type { Database } from './database.js';

/** Numbers set aside at once. */
const BLOCK = 1024;
/** Events that one transaction writes, at most. */
const SPARE = 64;

/** What tells this boot of the machine from others, a number below 2^48. @param bootId As the kernel has it, random(4). */
function bootNumber(bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')): number {
  return Number.parseInt(bootId.replace(/[^0-9a-f]/g, '').slice(0, 12), 16);
}

/**
 * Numbers for events whose transactions wait for no flush. A power cut may take the last of those, but a reader has seen their numbers, so
 * these must not come again: numbers are set aside by a durable transaction before such events get them, and after another boot of the
 * machine the next event comes after all that were set aside.
 */
export class EventNumbers {
  readonly #db: Database;
  readonly #boot: number;
  #reserved: number;

  constructor(db: Database, bootId?: string) {
    this.#db = db;
    this.#boot = bootNumber(bootId);
    this.#reserved = this.#counter('events reserved');
    if (this.#reserved > 0 && this.#counter('events boot') !== this.#boot) this.#skip();
  }

  /** Whether a transaction that takes numbers after `last` has to be durable, and set others aside. */
  isShort(last: number): boolean {
    return last + SPARE > this.#reserved;
  }

  /** Sets numbers aside, as part of the running transaction, which must be a durable one. */
  reserve(last: number): void {
    this.#reserved = last + BLOCK;
    this.#count('events reserved', this.#reserved);
    this.#count('events boot', this.#boot);
  }

  #skip(): void {
    this.#db.change(() => {
      const { changes } = this.#db
        .sql(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events'`)
        .run(this.#reserved);
      if (changes === 0) {
        this.#db.sql(`INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)`).run(this.#reserved);
      }
      this.#count('events boot', this.#boot);
    });
  }

  #counter(name: string): number {
    return this.#db.sql<{ value: number }>('SELECT value FROM counters WHERE name = ?').get(name)?.value ?? 0;
  }

  #count(name: string, value: number): void {
    this.#db
      .sql('INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }
}
