import { randomUUID } from 'node:crypto';
import { DaemonError } from '../../base/errors.js';
import type { ContentInfo, Expected } from '../../core/content/content-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import type { Digest } from '../../spec/digest.js';
import { LABELS, type Labels } from '../../spec/labels.js';
import { keeping, type Database } from './database.js';
import type { SqliteJournal } from './events.js';
import { ensureNamespace, event, fromJson, joinLease, leaveLease, toJson } from './shared.js';

/** An ingest that a power cut takes away is begun anew, so its record waits for no flush. */
export const FLUSH_INGESTS = false;

export interface BlobRow {
  readonly digest: Digest;
  readonly size: number;
  readonly labels: string;
  readonly created_ms: number;
  readonly updated_ms: number;
}

export interface IngestRow {
  readonly ref: string;
  readonly file: string;
  readonly total: number;
  readonly expected: string;
  readonly shared: 0 | 1;
  readonly started_ms: number;
  readonly updated_ms: number;
}

/** Ingests that no lease keeps are given up after a day (WIRE.md 18). */
const UNLEASED_INGEST_MS = 24 * 60 * 60 * 1000;

/** Whose blobs a namespace may name by their digest alone, without bringing the bytes. */
export type Sharing = 'shared' | 'isolated';

export function toInfo(row: BlobRow): ContentInfo {
  return {
    digest: row.digest,
    size: row.size,
    labels: fromJson(row.labels),
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}

/** The rows of blobs and ingests; what changes something belongs into a transaction. */
export class ContentRows {
  readonly #db: Database;
  readonly #journal: SqliteJournal;
  readonly #sharing: Sharing;

  constructor(db: Database, journal: SqliteJournal, sharing: Sharing) {
    this.#db = db;
    this.#journal = journal;
    this.#sharing = sharing;
  }

  blob(namespace: string, digest: Digest): BlobRow | undefined {
    return this.#db.sql<BlobRow>('SELECT * FROM blobs WHERE namespace = ? AND digest = ?').get(namespace, digest);
  }

  /** @throws not-found. */
  neededBlob(namespace: string, digest: Digest): BlobRow {
    const row = this.blob(namespace, digest);
    if (!row) throw new DaemonError('not-found', `content digest ${digest}: not found`);
    return row;
  }

  /** Size of a blob of another namespace that this one may share; undefined where there is none. */
  shareable(digest: Digest): number | undefined {
    const anyone = 'SELECT size FROM blobs WHERE digest = ? LIMIT 1';
    const marked = `SELECT size FROM blobs JOIN namespaces ON name = namespace
      WHERE digest = ? AND namespaces.labels ->> '$."${LABELS.sharedNamespace}"' = 'true' LIMIT 1`;
    return this.#db.sql<{ size: number }>(this.#sharing === 'shared' ? anyone : marked).get(digest)?.size;
  }

  /** True while any namespace names the blob, or is about to by sharing it. */
  isNamed(digest: Digest): boolean {
    const row = this.#db
      .sql(
        `SELECT 1 WHERE EXISTS (SELECT 1 FROM blobs WHERE digest = ?)
         OR EXISTS (SELECT 1 FROM ingests WHERE shared = 1 AND expected = ?)`,
      )
      .get(digest, digest);
    return row !== undefined;
  }

  hasIngestFile(file: string): boolean {
    return this.#db.sql('SELECT 1 FROM ingests WHERE file = ?').get(file) !== undefined;
  }

  ingest(namespace: string, ref: string): IngestRow | undefined {
    return this.#db.sql<IngestRow>('SELECT * FROM ingests WHERE namespace = ? AND ref = ?').get(namespace, ref);
  }

  ingests(namespace: string): IngestRow[] {
    return this.#db.sql<IngestRow>('SELECT * FROM ingests WHERE namespace = ? ORDER BY ref').all(namespace);
  }

  /**
   * The ingest kept under `ref`, or a new one where there is none or it was begun for another size; `discarded` is the former one then, of
   * which its file is left, or its claim on a blob that it shared.
   */
  startIngest(
    scope: Scope,
    ref: string,
    expected: Expected,
    shared: boolean,
  ): { row: IngestRow; discarded?: IngestRow } {
    ensureNamespace(this.#db, scope.namespace);
    const leased = joinLease(this.#db, scope, 'ingests', ref);
    const former = this.ingest(scope.namespace, ref);
    const resumed = former !== undefined && former.shared === 0 && !shared && agrees(former, expected);
    const row = resumed ? resumedRow(former, expected) : newRow(ref, expected, shared);
    this.#writeIngest(scope.namespace, row, leased ? null : Date.now() + UNLEASED_INGEST_MS);
    return former === undefined || resumed ? { row } : { row, discarded: former };
  }

  #writeIngest(namespace: string, row: IngestRow, expiresMs: number | null): void {
    const { ref, file, total, expected, shared, started_ms, updated_ms } = row;
    this.#db
      .sql(
        `INSERT OR REPLACE INTO ingests
         (namespace, ref, file, total, expected, shared, started_ms, updated_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(namespace, ref, file, total, expected, shared, started_ms, updated_ms, expiresMs);
  }

  /** The ingest has bytes of its own from now on. */
  unshare(namespace: string, ref: string): void {
    this.#db.sql('UPDATE ingests SET shared = 0 WHERE namespace = ? AND ref = ?').run(namespace, ref);
  }

  touchIngest(namespace: string, ref: string, updatedAt: Date): void {
    this.#db
      .sql('UPDATE ingests SET updated_ms = ? WHERE namespace = ? AND ref = ?')
      .run(updatedAt.getTime(), namespace, ref);
  }

  endIngest(scope: Scope, ref: string): void {
    this.#db.sql('DELETE FROM ingests WHERE namespace = ? AND ref = ?').run(scope.namespace, ref);
    leaveLease(this.#db, scope, 'ingests', ref);
  }

  /** Names a blob whose bytes are durable. @throws already-exists, with the rest of the transaction kept. */
  addBlob(scope: Scope, digest: Digest, size: number, labels: Labels): ContentInfo {
    joinLease(this.#db, scope, 'content', digest);
    if (this.blob(scope.namespace, digest)) throw keeping(exists(digest));
    const now = Date.now();
    const row: BlobRow = { digest, size, labels: toJson(labels), created_ms: now, updated_ms: now };
    this.#db
      .sql('INSERT INTO blobs (namespace, digest, size, labels, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?)')
      .run(scope.namespace, digest, size, row.labels, now, now);
    const fields = { digest, size: String(size) };
    this.#journal.record(scope.namespace, event('/content/create', 'containerd.events.ContentCreate', fields));
    return toInfo(row);
  }

  setLabels(namespace: string, row: BlobRow, labels: Labels): ContentInfo {
    const updated: BlobRow = { ...row, labels: toJson(labels), updated_ms: Date.now() };
    this.#db
      .sql('UPDATE blobs SET labels = ?, updated_ms = ? WHERE namespace = ? AND digest = ?')
      .run(updated.labels, updated.updated_ms, namespace, row.digest);
    return toInfo(updated);
  }

  removeBlob(scope: Scope, digest: Digest): void {
    this.#db.sql('DELETE FROM blobs WHERE namespace = ? AND digest = ?').run(scope.namespace, digest);
    leaveLease(this.#db, scope, 'content', digest);
    this.#journal.record(scope.namespace, event('/content/delete', 'containerd.events.ContentDelete', { digest }));
  }
}

/** The error for content that is there already. */
export function exists(digest: Digest): DaemonError {
  return new DaemonError('already-exists', `content ${digest}: already exists`);
}

function newRow(ref: string, expected: Expected, shared: boolean): IngestRow {
  const now = Date.now();
  return {
    ref,
    file: randomUUID(),
    total: expected.size ?? 0,
    expected: expected.digest ?? '',
    shared: shared ? 1 : 0,
    started_ms: now,
    updated_ms: now,
  };
}

/** The total of the beginning stays: a client that names a wrong one once must still be able to commit rightly. */
function resumedRow(former: IngestRow, expected: Expected): IngestRow {
  return { ...former, expected: expected.digest ?? former.expected };
}

/** Another size is another blob. Another digest may be the right one after a wrong one was refused, so the bytes are kept. */
function agrees(row: IngestRow, expected: Expected): boolean {
  return expected.size === undefined || row.total === 0 || row.total === expected.size;
}
