import type { Hash } from 'node:crypto';
import { DaemonError, isKind, undefinedIfMissing } from '../base/errors.js';
import { StepLimit } from '../base/step-limit.js';
import type { BlobStore, IngestFile } from '../core/content/blob-store.js';
import type { BlobReader, Chunk, Expected } from '../core/content/content-store.js';
import type { Channel } from '../rpc/channel.js';
import { algorithmOf, finishDigest, hasherOf, type Digest, type DigestAlgorithm } from '../spec/digest.js';
import { LABELS } from '../spec/labels.js';
import { remoteContent, type RemoteContent } from './content.js';
import type { RemoteWriter } from './content-writer.js';

/** Where the blobs of this daemon are in a store that knows namespaces; one that doesn't belongs to this daemon alone. */
const NAMESPACE = 'wharfd';
/** Keeps our ingests apart from what others write into the same store. */
const REF_PREFIX = 'wharfd-ingest-';

/** The blobs of a content store of another program, which speaks containerd's content API. It may have blobs by itself. */
export class RemoteBlobs implements BlobStore {
  readonly selfFilling = true;
  readonly #content: RemoteContent;
  readonly #limit: () => StepLimit;

  /**
   * @param name For messages.
   * @param stepMs How long one piece of bytes may take either way, in milliseconds.
   */
  constructor(channel: Channel, name: string, stepMs: number) {
    this.#content = remoteContent(channel)({ namespace: NAMESPACE });
    const late = `content store ${name} at ${channel.address} has not moved for ${stepMs / 1000} s: see the log of that program`;
    this.#limit = () => new StepLimit(stepMs, () => new DaemonError('deadline-exceeded', late));
  }

  async ingest(id: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<IngestFile> {
    signal?.throwIfAborted();
    const limit = this.#limit();
    const writer = await limit.step(this.#content.writer(refOf(id), {}, limit.signal));
    const ingest = new RemoteIngest(writer, limit, algorithm, (digest) => this.size(digest));
    try {
      await ingest.prepare();
      return ingest;
    } catch (cause) {
      await ingest[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async ingestSize(id: string): Promise<number | undefined> {
    return (await this.#content.status(refOf(id)).catch(undefinedIfMissing))?.offset;
  }

  async removeIngest(id: string): Promise<void> {
    await this.#content.abort(refOf(id)).catch(undefinedIfMissing);
  }

  async open(digest: Digest): Promise<BlobReader> {
    const blob = await this.#content.open(digest);
    const limit = this.#limit();
    return {
      digest: blob.digest,
      size: blob.size,
      chunks: (range, signal) => limited(blob.chunks(range, either(limit.signal, signal)), limit),
      [Symbol.asyncDispose]: () => blob[Symbol.asyncDispose](),
    };
  }

  async size(digest: Digest): Promise<number | undefined> {
    return (await this.#content.info(digest).catch(undefinedIfMissing))?.size;
  }

  async remove(digest: Digest): Promise<void> {
    await this.#content.delete(digest).catch(undefinedIfMissing);
  }

  async *blobs(): AsyncGenerator<Digest> {
    for await (const { digest } of this.#content.list()) yield digest;
  }

  async ingests(): Promise<readonly string[]> {
    const refs = (await this.#content.statuses()).map(({ ref }) => ref);
    return refs.filter((ref) => ref.startsWith(REF_PREFIX)).map((ref) => ref.slice(REF_PREFIX.length));
  }
}

/** An ingest over there. That store hashes by sha256; for another algorithm the bytes are hashed here too. */
class RemoteIngest implements IngestFile {
  readonly #writer: RemoteWriter;
  readonly #limit: StepLimit;
  readonly #algorithm: DigestAlgorithm;
  readonly #sizeOf: (digest: Digest) => Promise<number | undefined>;
  #hash: Hash | undefined;

  constructor(
    writer: RemoteWriter,
    limit: StepLimit,
    algorithm: DigestAlgorithm,
    sizeOf: (digest: Digest) => Promise<number | undefined>,
  ) {
    this.#writer = writer;
    this.#limit = limit;
    this.#algorithm = algorithm;
    this.#sizeOf = sizeOf;
    if (algorithm !== 'sha256') this.#hash = hasherOf(algorithm);
  }

  /** What is there already was hashed by the other store only. */
  async prepare(): Promise<void> {
    if (this.#hash && this.offset > 0) await this.truncate(0);
  }

  get offset(): number {
    return this.#writer.status().offset;
  }

  get updatedAt(): Date {
    return this.#writer.status().updatedAt;
  }

  digest(): Digest {
    return this.#hash ? finishDigest(this.#algorithm, this.#hash.copy()) : this.#writer.digest();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#limit.step(this.#writer.write(bytes));
    this.#hash?.update(bytes);
  }

  async truncate(offset: number): Promise<void> {
    await this.#limit.step(this.#writer.truncate(offset));
    if (this.#hash) this.#hash = hasherOf(this.#algorithm);
  }

  async publish(expected: Expected): Promise<{ readonly digest: Digest; readonly size: number }> {
    const size = this.offset;
    const digest = expected.digest ?? this.digest();
    if (algorithmOf(digest) === this.#algorithm && digest !== this.digest()) {
      const why = `unexpected commit digest ${this.digest()}, expected ${digest}`;
      throw new DaemonError('failed-precondition', `${why}: failed precondition`);
    }
    // Where that store collects, nothing else keeps the blob there.
    const labels = { [LABELS.gcRoot]: new Date().toISOString() };
    try {
      await this.#limit.step(this.#writer.commit({ size: expected.size ?? size, digest }, labels));
    } catch (cause) {
      if (!isKind(cause, 'already-exists')) throw cause;
      const stored = await this.#sizeOf(digest);
      if (stored === size) return { digest, size };
      const why = `that store has ${stored ?? 0} of its ${size} bytes: see the program behind it`;
      throw new DaemonError('data-loss', `content ${digest}: ${why}`, { cause });
    }
    return { digest, size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Over after an error, or when the other program is gone: there is nothing to let go of then.
    await this.#limit.step(this.#writer[Symbol.asyncDispose]()).catch((error: unknown) => {
      if (!this.#limit.signal.aborted && !isKind(error, 'unavailable')) throw error;
    });
  }
}

const refOf = (id: string): string => `${REF_PREFIX}${id}`;

const either = (one: AbortSignal, other: AbortSignal | undefined): AbortSignal =>
  other ? AbortSignal.any([one, other]) : one;

async function* limited(chunks: AsyncIterable<Chunk>, limit: StepLimit): AsyncGenerator<Chunk> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (let next = await limit.step(iterator.next()); next.done !== true; next = await limit.step(iterator.next())) {
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
