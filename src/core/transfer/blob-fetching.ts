import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError, isKind, undefinedIfMissing } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import { SingleFlight } from '../../base/single-flight.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Labels } from '../../spec/labels.js';
import type { BlobOnDisk, ContentStore, ContentWriter } from '../content/content-store.js';
import type { Scoped } from '../namespaces/scope.js';
import type { Fetcher } from '../remotes/remotes.js';
import { isAhead } from './documents-ahead.js';
import type { OperationLease } from './operation-lease.js';
import { ingestRef } from './progress.js';

/** What those who wait for a blob are told. */
export interface FetchWatcher {
  /** Bytes in the store so far. */
  downloading(offset: number): void;
  waiting(reason: string): void;
  /**
   * The bytes are there and are those of the digest, but not yet durable under its name.
   *
   * @param held Theirs from now on where they take it.
   * @returns Whether they take it.
   */
  verified?(held: BlobOnDisk): boolean;
  /** All bytes of a document, which are those of the digest, but not yet durable under its name. */
  document?(bytes: Uint8Array): void;
}

export interface BlobRequest {
  readonly target: Descriptor;
  readonly fetcher: Fetcher;
  readonly lease: OperationLease;
  /** Set on the blob when it is made. */
  readonly labels?: Labels;
  readonly watcher: FetchWatcher;
  readonly signal: AbortSignal;
}

/** How long another writer of the same ingest may make no progress before we stop waiting for it. */
const STUCK_MS = 120_000;
const LOOK_AGAIN_MS = 200;
/** Another client may delete a blob between its download and our lease on it; hardly more than once. */
const ROUNDS_MAX = 4;

/** Brings blobs into the content store: each is downloaded once, however many ask for it at the same time. */
export class BlobFetching {
  readonly #content: Scoped<ContentStore>;
  readonly #flights = new SingleFlight<void>();
  readonly #watchers = new Map<string, Set<FetchWatcher>>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #slots: Semaphore;

  /** @param downloadsMax At one time, whoever wants them. */
  constructor(content: Scoped<ContentStore>, downloadsMax = Infinity) {
    this.#content = content;
    this.#slots = new Semaphore(downloadsMax);
  }

  /**
   * Returns when the blob is in the store, and kept by the request's lease.
   *
   * @throws What Fetcher throws; data-loss: the registry's bytes are not those of the digest; resource-exhausted: no room.
   */
  async fetch(request: BlobRequest): Promise<'fetched' | 'exists'> {
    const { target, lease } = request;
    const content = this.#content(lease.scope);
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      if (await isKept(content, target, lease)) return round > 0 ? 'fetched' : 'exists';
      await this.#fly(request);
    }
    throw new DaemonError('aborted', `${target.digest} is deleted as often as it is fetched; try again`);
  }

  /** Starts the download, or waits for one that is under way; when another caller's has failed, it is our turn to try. */
  async #fly(request: BlobRequest): Promise<void> {
    const { target, lease, watcher, signal } = request;
    const key = `${lease.scope.namespace} ${target.digest}`;
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    try {
      for (;;) {
        const flight = { own: false };
        const work = (until: AbortSignal): Promise<void> => {
          flight.own = true;
          return this.#track(key, this.#download(request, watchers, until));
        };
        try {
          await this.#flights.run(key, work, signal);
          return;
        } catch (error) {
          signal.throwIfAborted();
          if (flight.own) throw error;
        }
      }
    } finally {
      watchers.delete(watcher);
      if (watchers.size === 0) await this.#lastOneLeft(key, watchers);
    }
  }

  async #track(key: string, work: Promise<void>): Promise<void> {
    this.#running.set(key, work);
    try {
      await work;
    } finally {
      if (this.#running.get(key) === work) this.#running.delete(key);
    }
  }

  /** A download that was aborted has stopped, and its ingest is closed, before its last caller goes on. */
  async #lastOneLeft(key: string, watchers: Set<FetchWatcher>): Promise<void> {
    if (this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    await this.#running.get(key)?.catch(() => undefined);
  }

  async #download(request: BlobRequest, watchers: ReadonlySet<FetchWatcher>, signal: AbortSignal): Promise<void> {
    const lease = request.lease.hold();
    try {
      const download = new BlobDownload(this.#content(lease.scope), request, watchers, signal);
      if (this.#slots.isFull)
        for (const watcher of watchers) watcher.waiting('as many downloads as may be are under way');
      await this.#slots.run(() => download.run(), signal);
    } finally {
      await lease.release();
    }
  }
}

/** True when the blob is there whole; the lease keeps it then. One whose file was lost counts as absent, so that it is brought back. */
async function isKept(content: ContentStore, target: Descriptor, lease: OperationLease): Promise<boolean> {
  if (!(await isReadable(content, target))) return false;
  await lease.keep(target.digest);
  // It may have been collected before the lease had it.
  return isReadable(content, target);
}

async function isReadable(content: ContentStore, target: Descriptor): Promise<boolean> {
  try {
    await using blob = await content.open(target.digest);
    if (blob.size === target.size) return true;
    return wrongSize(target, blob.size);
  } catch (error) {
    if (isKind(error, 'not-found') || isKind(error, 'data-loss')) return false;
    throw error;
  }
}

function wrongSize({ digest, size }: Descriptor, found: number): never {
  throw new DaemonError(
    'invalid-argument',
    `${digest} has ${found} bytes, but the image says ${size}; the image is broken`,
  );
}

class BlobDownload {
  readonly #content: ContentStore;
  readonly #request: BlobRequest;
  readonly #watchers: ReadonlySet<FetchWatcher>;
  readonly #signal: AbortSignal;
  readonly #ref: string;
  #storeFailed = false;
  /** What has come of a document from its first byte on. */
  #document: Uint8Array[] | undefined;

  constructor(content: ContentStore, request: BlobRequest, watchers: ReadonlySet<FetchWatcher>, signal: AbortSignal) {
    this.#content = content;
    this.#request = request;
    this.#watchers = watchers;
    this.#signal = signal;
    this.#ref = ingestRef(request.target);
  }

  async run(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      if (isKind(error, 'already-exists')) return;
      // Neither wrong bytes nor bytes that fill the disk are kept; any other break is taken up again where it happened.
      const full = this.#storeFailed && !isKind(error, 'unavailable');
      if (isKind(error, 'data-loss') || full) await this.#throwAway();
      throw error;
    }
  }

  async #write(): Promise<void> {
    const { target, labels } = this.#request;
    const { size, digest } = target;
    await using writer = await this.#open();
    if (writer.status().offset > size) await writer.truncate(0);
    const resumed = writer.status().offset > 0;
    await this.#fill(writer);
    if (writer.digest() !== digest && resumed) {
      await writer.truncate(0);
      await this.#fill(writer);
    }
    if (writer.digest() !== digest) throw this.#wrongBytes(writer);
    await this.#handOut(writer);
    if (this.#document) {
      const document = Buffer.concat(this.#document);
      this.#tell((watcher) => watcher.document?.(document));
    }
    await writer.commit({ size, digest }, labels, this.#signal);
  }

  /** To the first who makes use of it. */
  async #handOut(writer: ContentWriter): Promise<void> {
    const takers = [...this.#watchers].filter((watcher) => watcher.verified !== undefined);
    const held = takers.length > 0 ? await writer.hold?.() : undefined;
    if (held === undefined) return;
    for (const watcher of takers) if (watcher.verified?.(held)) return;
    await held[Symbol.asyncDispose]();
  }

  async #fill(writer: ContentWriter): Promise<void> {
    const { target, fetcher } = this.#request;
    let offset = writer.status().offset;
    this.#document = offset === 0 && isAhead(target) ? [] : undefined;
    this.#tell((watcher) => watcher.downloading(offset));
    const bytes = fetcher.fetch(target, {
      from: offset,
      transient: true,
      signal: this.#signal,
      onWait: ({ reason }) => {
        this.#tell((watcher) => watcher.waiting(reason));
      },
    });
    for await (const piece of bytes) {
      await this.#store(writer, piece);
      this.#document?.push(Buffer.from(piece));
      offset += piece.length;
      this.#tell((watcher) => watcher.downloading(offset));
    }
  }

  async #store(writer: ContentWriter, bytes: Uint8Array): Promise<void> {
    try {
      await writer.write(bytes);
    } catch (error) {
      this.#storeFailed = true;
      throw error;
    }
  }

  /** Opens the ingest, after any other writer of it (another client, say) has ended. */
  async #open(): Promise<ContentWriter> {
    const { size, digest } = this.#request.target;
    let last: { readonly offset: number | undefined; readonly at: number } | undefined;
    for (;;) {
      try {
        return await this.#content.writer(this.#ref, { size, digest }, this.#signal);
      } catch (error) {
        if (isKind(error, 'failed-precondition')) await this.#throwAway();
        else if (!isKind(error, 'unavailable')) throw error;
        const offset = await this.#offsetOfOther();
        if (offset !== last?.offset || !last) last = { offset, at: performance.now() };
        // Without an ingest nobody writes it: the store itself can't be had.
        else if (offset === undefined || performance.now() - last.at > STUCK_MS) throw error;
        this.#tell((watcher) => watcher.waiting('another client is writing it'));
        await sleep(LOOK_AGAIN_MS, undefined, { signal: this.#signal });
      }
    }
  }

  async #offsetOfOther(): Promise<number | undefined> {
    return (await this.#content.status(this.#ref).catch(undefinedIfMissing))?.offset;
  }

  async #throwAway(): Promise<void> {
    try {
      await this.#content.abort(this.#ref);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }

  #wrongBytes(writer: ContentWriter): DaemonError {
    const { digest } = this.#request.target;
    return new DaemonError(
      'data-loss',
      `${digest}: the registry sent other bytes, with the digest ${writer.digest()}; they were thrown away. Ask who runs the registry`,
    );
  }

  #tell(what: (watcher: FetchWatcher) => void): void {
    for (const watcher of this.#watchers) what(watcher);
  }
}
