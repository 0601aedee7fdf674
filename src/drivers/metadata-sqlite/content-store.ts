import { setImmediate } from 'node:timers/promises';
import { DaemonError } from '../../base/errors.js';
import type {
  BlobReader,
  ContentInfo,
  ContentStore,
  ContentWriter,
  Expected,
  IngestStatus,
} from '../../core/content/content-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { algorithmOf, parseDigest, type Digest } from '../../spec/digest.js';
import { updateLabels } from '../../spec/field-paths.js';
import { parseFilters } from '../../spec/filter.js';
import { checkLabels, type Labels } from '../../spec/labels.js';
import { keeping } from './database.js';
import { exists, FLUSH_INGESTS, toInfo, type BlobRow, type ContentRows, type IngestRow } from './content-rows.js';
import type { ContentState, OpenWriter } from './content-state.js';
import { IngestWriter } from './content-writer.js';
import { contentFields, ingestFields } from './filter-fields.js';
import { joinLease } from './shared.js';

const REF_LENGTH_MAX = 4096;
const PAGE = 200;
/** A view of the database must not stay open for as long as a stalled client likes. */
const LIST_MS_MAX = 60_000;

/** Content as one namespace sees it. */
export class SqliteContent implements ContentStore {
  readonly #state: ContentState;
  readonly #rows: ContentRows;
  readonly #scope: Scope;

  constructor(state: ContentState, scope: Scope) {
    this.#state = state;
    this.#rows = state.rows;
    this.#scope = scope;
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return Promise.resolve(toInfo(this.#rows.neededBlob(this.#scope.namespace, digest)));
  }

  async update(digest: Digest, labels: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo> {
    const { namespace } = this.#scope;
    return Promise.resolve(
      this.#state.shared.db.change(() => {
        const row = this.#rows.neededBlob(namespace, digest);
        const current = toInfo(row).labels;
        const updated = updateLabels(`content info "${digest}"`, { current, given: labels }, fieldPaths);
        checkLabels(updated);
        return this.#rows.setLabels(namespace, row, updated);
      }, !this.#scope.partOfOperation),
    );
  }

  async *list(filters?: readonly string[], signal?: AbortSignal): AsyncGenerator<ContentInfo> {
    const filter = parseFilters(filters);
    const endMs = Date.now() + LIST_MS_MAX;
    using view = this.#state.shared.db.view();
    const page = view.sql<BlobRow>('SELECT * FROM blobs WHERE namespace = ? AND digest > ? ORDER BY digest LIMIT ?');
    let after = '';
    for (let rows = page.all(this.#scope.namespace, after, PAGE); rows.length > 0;) {
      for (const row of rows) {
        const info = toInfo(row);
        if (filter(contentFields(info))) yield info;
        after = row.digest;
      }
      await setImmediate(undefined, { signal });
      if (Date.now() > endMs) throw tooSlow();
      rows = page.all(this.#scope.namespace, after, PAGE);
    }
  }

  async delete(digest: Digest): Promise<void> {
    this.#state.shared.db.relieve(() => {
      this.#rows.neededBlob(this.#scope.namespace, digest);
      this.#rows.removeBlob(this.#scope, digest);
    });
    this.#state.suspects.add(digest);
    this.#state.shared.collection.request();
    return Promise.resolve();
  }

  async open(digest: Digest, signal?: AbortSignal): Promise<BlobReader> {
    signal?.throwIfAborted();
    const { size } = this.#rows.neededBlob(this.#scope.namespace, digest);
    const reader = await this.#state.blobs.open(digest).catch((cause: unknown) => {
      this.#rows.neededBlob(this.#scope.namespace, digest); // deleted and collected meanwhile: not found, not lost
      throw lost(digest, 'its file is gone', cause);
    });
    if (reader.size === size) return reader;
    await reader[Symbol.asyncDispose]();
    throw lost(digest, `its file has ${reader.size} of ${size} bytes`);
  }

  async writer(ref: string, expected: Expected = {}, signal?: AbortSignal): Promise<ContentWriter> {
    checkRef(ref);
    if (expected.digest !== undefined) parseDigest(expected.digest);
    const key = this.#key(ref);
    const held = this.#state.writers.get(key);
    if (held) throw locked(ref, held.since);
    const open: OpenWriter = { since: new Date() };
    this.#state.writers.set(key, open);
    try {
      open.writer = await this.#open(ref, expected, signal);
      return open.writer;
    } catch (cause) {
      this.#state.writers.delete(key);
      throw cause;
    }
  }

  async #open(ref: string, expected: Expected, signal?: AbortSignal): Promise<ContentWriter> {
    const { digest } = expected;
    const start = () => this.#start(ref, expected, signal);
    const { row, discarded } = await (digest === undefined ? start() : this.#state.naming.run(digest, start, signal));
    if (discarded?.shared === 1) this.#state.suspects.add(discarded.expected as Digest);
    if (discarded !== undefined) await this.#state.blobs.removeIngest(discarded.file);
    const file = row.shared === 1 ? undefined : await this.#state.blobs.ingest(row.file, algorithm(row), signal);
    return new IngestWriter(this.#state, this.#scope, { row, expected, file }, () => {
      this.#state.writers.delete(this.#key(ref));
    });
  }

  async #start(
    ref: string,
    expected: Expected,
    signal?: AbortSignal,
  ): Promise<{ readonly row: IngestRow; readonly discarded?: IngestRow }> {
    const { digest } = expected;
    const present = digest !== undefined && (await this.#isPresent(digest));
    const sharedSize = digest === undefined || present ? undefined : await this.#shareable(digest, expected.size);
    signal?.throwIfAborted();
    return this.#state.shared.db.change(() => {
      if (present && this.#rows.blob(this.#scope.namespace, digest)) {
        joinLease(this.#state.shared.db, this.#scope, 'content', digest);
        throw keeping(exists(digest));
      }
      const known = sharedSize === undefined ? expected : { ...expected, size: sharedSize };
      return this.#rows.startIngest(this.#scope, ref, known, sharedSize !== undefined);
    }, FLUSH_INGESTS);
  }

  /** A blob whose file was lost or cut off counts as absent, so that fetching it again heals it. */
  async #isPresent(digest: Digest): Promise<boolean> {
    const row = this.#rows.blob(this.#scope.namespace, digest);
    return row !== undefined && (await this.#state.blobs.size(digest)) === row.size;
  }

  async #shareable(digest: Digest, size: number | undefined): Promise<number | undefined> {
    const other = this.#rows.shareable(digest);
    const { blobs } = this.#state;
    // One that only other namespaces have is not to be shared by policy.
    if (other === undefined && (blobs.selfFilling !== true || this.#rows.isNamed(digest))) return undefined;
    const stored = await blobs.size(digest);
    return stored === (other ?? stored) && stored === (size ?? stored) ? stored : undefined;
  }

  async status(ref: string): Promise<IngestStatus> {
    const row = this.#rows.ingest(this.#scope.namespace, ref);
    if (!row) throw new DaemonError('not-found', `reference ${ref}: not found`);
    return this.#statusOf(row);
  }

  async statuses(filters?: readonly string[]): Promise<readonly IngestStatus[]> {
    const filter = parseFilters(filters);
    const rows = this.#rows.ingests(this.#scope.namespace).filter((row) => filter(ingestFields(row.ref)));
    return Promise.all(rows.map((row) => this.#statusOf(row)));
  }

  async #statusOf(row: IngestRow): Promise<IngestStatus> {
    const open = this.#state.writers.get(this.#key(row.ref))?.writer;
    if (open) return open.status();
    const offset = row.shared === 1 ? row.total : ((await this.#state.blobs.ingestSize(row.file)) ?? 0);
    return {
      ref: row.ref,
      offset,
      total: row.total,
      ...(row.expected === '' ? {} : { expected: row.expected as Digest }),
      startedAt: new Date(row.started_ms),
      updatedAt: new Date(row.updated_ms),
    };
  }

  async abort(ref: string): Promise<void> {
    const held = this.#state.writers.get(this.#key(ref));
    if (held) throw locked(ref, held.since);
    const row = this.#state.shared.db.relieve(() => {
      const found = this.#rows.ingest(this.#scope.namespace, ref);
      if (!found) throw new DaemonError('not-found', `reference ${ref}: not found`);
      this.#rows.endIngest(this.#scope, ref);
      return found;
    });
    if (row.shared === 1) this.#state.suspects.add(row.expected as Digest);
    await this.#state.blobs.removeIngest(row.file);
  }

  #key(ref: string): string {
    return `${this.#scope.namespace}\0${ref}`;
  }
}

function checkRef(ref: string): void {
  if (ref === '') throw new DaemonError('invalid-argument', 'ref must not be empty: invalid argument');
  if (ref.length > REF_LENGTH_MAX) {
    throw new DaemonError(
      'invalid-argument',
      `ref has ${ref.length} characters, at most ${REF_LENGTH_MAX} may be: invalid argument`,
    );
  }
}

function algorithm(row: IngestRow): 'sha256' | 'sha384' | 'sha512' {
  return row.expected === '' ? 'sha256' : algorithmOf(row.expected as Digest);
}

function locked(ref: string, since: Date): DaemonError {
  const seconds = (Date.now() - since.getTime()) / 1000;
  return new DaemonError(
    'unavailable',
    `ref ${ref} locked for ${seconds}s (since ${since.toISOString()}): unavailable`,
  );
}

function tooSlow(): DaemonError {
  return new DaemonError('aborted', `list of content: not taken within ${LIST_MS_MAX / 1000} s; list again`);
}

function lost(digest: Digest, what: string, cause?: unknown): DaemonError {
  return new DaemonError('data-loss', `content ${digest}: ${what}; pull the image again to bring it back`, { cause });
}
