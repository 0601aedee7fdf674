import { deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import type { IngestFile } from '../../core/content/blob-store.js';
import type {
  BlobOnDisk,
  ContentInfo,
  ContentWriter,
  Expected,
  IngestStatus,
} from '../../core/content/content-store.js';
import type { Scope } from '../../core/namespaces/scope.js';
import { algorithmOf, type Digest } from '../../spec/digest.js';
import { checkLabels, type Labels } from '../../spec/labels.js';
import { FLUSH_INGESTS, type IngestRow } from './content-rows.js';
import type { ContentState } from './content-state.js';

interface Opened {
  readonly row: IngestRow;
  readonly expected: Expected;
  /** Absent while the ingest has no bytes of its own: it shares the blob of another namespace. */
  readonly file: IngestFile | undefined;
}

/** An open ingest of one namespace. */
export class IngestWriter implements ContentWriter {
  readonly #state: ContentState;
  readonly #scope: Scope;
  readonly #row: IngestRow;
  readonly #expected: Expected;
  readonly #release: () => void;
  #file: IngestFile | undefined;
  #closing: Promise<void> | undefined;
  /** Settles when the commit is over; a disposal meanwhile waits for it. */
  #committing: Promise<undefined> | undefined;
  #final: { readonly offset: number; readonly digest: Digest; readonly updatedAt: Date } | undefined;

  constructor(state: ContentState, scope: Scope, opened: Opened, release: () => void) {
    this.#state = state;
    this.#scope = scope;
    this.#row = opened.row;
    this.#expected = opened.expected;
    this.#file = opened.file;
    this.#release = release;
  }

  status(): IngestStatus {
    const { ref, total, expected, started_ms } = this.#row;
    const { offset, updatedAt } = this.#now();
    return {
      ref,
      offset,
      total,
      ...(expected === '' ? {} : { expected: expected as Digest }),
      startedAt: new Date(started_ms),
      updatedAt,
    };
  }

  digest(): Digest {
    return this.#final?.digest ?? this.#file?.digest() ?? (this.#row.expected as Digest);
  }

  #now(): { readonly offset: number; readonly updatedAt: Date } {
    if (this.#final) return this.#final;
    if (this.#file) return { offset: this.#file.offset, updatedAt: this.#file.updatedAt };
    return { offset: this.#row.total, updatedAt: new Date(this.#row.updated_ms) };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    if (bytes.length === 0) return;
    const file = this.#file ?? (await this.#unshare(this.#row.total));
    await file.write(bytes);
  }

  async truncate(offset: number): Promise<void> {
    this.#checkOpen();
    const file = this.#file ?? (await this.#unshare(Math.min(offset, this.#row.total)));
    await file.truncate(offset);
  }

  async hold(): Promise<BlobOnDisk | undefined> {
    this.#checkOpen();
    return await this.#file?.hold?.();
  }

  /** Gives the ingest bytes of its own: the first `size` of the blob it shared. */
  async #unshare(size: number): Promise<IngestFile> {
    const digest = this.#row.expected as Digest;
    const file = await this.#state.blobs.ingest(this.#row.file, algorithmOf(digest));
    this.#file = file;
    await using blob = await this.#state.blobs.open(digest);
    for await (const { bytes } of blob.chunks({ to: size })) await file.write(bytes);
    this.#state.shared.db.change(() => {
      this.#state.rows.unshare(this.#scope.namespace, this.#row.ref);
    });
    this.#state.suspects.add(digest);
    return file;
  }

  async commit(expected: Expected = {}, labels: Labels = {}, signal?: AbortSignal): Promise<ContentInfo> {
    this.#checkOpen();
    const done = deferred<undefined>();
    this.#committing = done.promise;
    try {
      signal?.throwIfAborted();
      checkLabels(labels);
      const want: Expected = { ...this.#expected, ...expected };
      // Nobody may remove the blob as unnamed between the publishing of its file and the transaction that names it.
      const key = want.digest ?? this.digest();
      return await this.#state.naming.run(key, () => this.#name(want, labels), signal);
    } finally {
      done.resolve(undefined);
      await this[Symbol.asyncDispose]();
    }
  }

  async #name(want: Expected, labels: Labels): Promise<ContentInfo> {
    const { offset } = this.status();
    if (want.size !== undefined && want.size !== offset) {
      const why = `failed size validation: ${offset} != ${want.size}`;
      throw new DaemonError('failed-precondition', `${JSON.stringify(this.#row.ref)} ${why}: failed precondition`);
    }
    const { digest, size } = this.#file ? await this.#file.publish(want) : this.#sharedBlob(want);
    this.#final = { offset: size, digest, updatedAt: new Date() };
    const { db } = this.#state.shared;
    try {
      return db.change(() => {
        this.#state.rows.endIngest(this.#scope, this.#row.ref);
        return this.#state.rows.addBlob(this.#scope, digest, size, labels);
      }, !this.#scope.partOfOperation);
    } finally {
      // Only where the transaction was kept; else the bytes wait for another try.
      if (!this.#state.rows.hasIngestFile(this.#row.file)) await this.#state.blobs.removeIngest(this.#row.file);
    }
  }

  #sharedBlob(want: Expected): { readonly digest: Digest; readonly size: number } {
    const { ref, total, expected } = this.#row;
    if (want.digest !== undefined && want.digest !== expected) {
      throw new DaemonError('failed-precondition', `"${ref}" unexpected digest: failed precondition`);
    }
    return { digest: expected as Digest, size: total };
  }

  #checkOpen(): void {
    if (!this.#closing && !this.#committing) return;
    throw new DaemonError('failed-precondition', `ingest ${this.#row.ref}: the writer is closed: failed precondition`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#committing;
    this.#final ??= { ...this.#now(), digest: this.digest() };
    try {
      await this.#file?.[Symbol.asyncDispose]();
      if (this.#state.rows.ingest(this.#scope.namespace, this.#row.ref)?.file === this.#row.file) {
        this.#state.shared.db.change(() => {
          this.#state.rows.touchIngest(this.#scope.namespace, this.#row.ref, this.#now().updatedAt);
        }, FLUSH_INGESTS);
      }
    } finally {
      this.#release();
    }
  }
}
