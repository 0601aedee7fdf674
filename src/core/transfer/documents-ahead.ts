import { deferred, type Deferred } from '../../base/abort.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import type { Labels } from '../../spec/labels.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { BlobReader, ContentStore } from '../content/content-store.js';

/** What a pull asks of its content store. */
export type DocumentStore = Pick<ContentStore, 'open' | 'update'>;

/** Larger ones are waited for, so that what is in memory is little, however many a registry has. */
const AHEAD_BYTES_MAX = 256 * 1024;

/** Whether it is a document that a pull goes on with before it is stored. */
export function isAhead({ mediaType, size }: Descriptor): boolean {
  const kind = kindOfMedia(mediaType);
  return size <= AHEAD_BYTES_MAX && (kind === 'index' || kind === 'manifest' || kind === 'config');
}

/** A document whose blob is on its way into the store. */
interface Coming {
  /** Settles when the bytes are verified. */
  readonly verified: Deferred<undefined>;
  /** Never rejects. */
  stored: Promise<void>;
  bytes: Uint8Array | undefined;
}

/**
 * Lets a pull go on with what an index, a manifest or a config says as soon as its bytes are verified, while they become durable. Each
 * of these takes several flushes of the disk otherwise, one after another, before the first layer is asked for.
 */
export class DocumentsAhead implements DocumentStore, AsyncDisposable {
  readonly #store: DocumentStore;
  readonly #coming = new Map<Digest, Coming>();
  readonly #work = new Set<Promise<void>>();
  readonly #failed = new AbortController();

  constructor(store: DocumentStore) {
    this.#store = store;
  }

  /** Aborts, with the error as reason, when a document does not get into the store. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Has it stored; returns when that is done, or it has been `verified` before. @throws What `store` throws until then. */
  async during({ digest }: Descriptor, store: () => Promise<void>): Promise<void> {
    const coming: Coming = { verified: deferred<undefined>(), stored: Promise.resolve(), bytes: undefined };
    this.#coming.set(digest, coming);
    const storing = store();
    coming.stored = this.#keep(storing).then(() => {
      if (this.#coming.get(digest) === coming) this.#coming.delete(digest);
    });
    await Promise.race([coming.stored.then(() => storing), coming.verified.promise]);
  }

  /** Its bytes are there, and are those of its digest and size. */
  verified({ digest }: Descriptor, bytes: Uint8Array): void {
    const coming = this.#coming.get(digest);
    if (!coming) return;
    coming.bytes = bytes;
    coming.verified.resolve(undefined);
  }

  open(digest: Digest, signal?: AbortSignal): Promise<BlobReader> {
    const bytes = this.#coming.get(digest)?.bytes;
    return bytes ? Promise.resolve(readerOf(digest, bytes)) : this.#store.open(digest, signal);
  }

  /** When the blob is stored. */
  async update(...args: Parameters<DocumentStore['update']>): ReturnType<DocumentStore['update']> {
    await this.#coming.get(args[0])?.stored;
    return await this.#store.update(...args);
  }

  /** As `update`, but waits only where the blob is stored; `finish` waits for the rest. */
  async updateLater(digest: Digest, labels: Labels, fieldPaths: readonly string[]): Promise<void> {
    const update = this.update(digest, labels, fieldPaths).then(() => undefined);
    if (this.#coming.has(digest)) void this.#keep(update);
    else await update;
  }

  /** Waits until all is stored. @throws What went wrong. */
  async finish(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
    this.#failed.signal.throwIfAborted();
  }

  /** Waits until nothing is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #keep(work: Promise<void>): Promise<void> {
    const kept = work
      .catch((error: unknown) => {
        this.#failed.abort(error);
      })
      .finally(() => this.#work.delete(kept));
    this.#work.add(kept);
    return kept;
  }
}

function readerOf(digest: Digest, whole: Uint8Array): BlobReader {
  return {
    digest,
    size: whole.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- the port's form; these bytes are there already
    async *chunks({ from = 0, to = whole.length } = {}) {
      yield { offset: from, bytes: whole.subarray(from, to) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
