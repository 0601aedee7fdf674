import { objectBytes, type BlobSource } from './blob-stream.js';
import { ByteQueue } from './byte-queue.js';

/** Ranges of one blob, one behind the other, of which several are fetched at one time and read in order. */
export class RangeWindow implements AsyncDisposable {
  readonly #source: BlobSource;
  readonly #partBytes: number;
  readonly #cut = new AbortController();
  readonly #parts: ByteQueue[] = [];
  readonly #work = new Set<Promise<void>>();
  #next: number;

  /** @param from The first byte that is wanted. */
  constructor(source: BlobSource, from: number, partBytes: number) {
    const signals = [this.#cut.signal, ...(source.signal ? [source.signal] : [])];
    this.#source = { ...source, signal: AbortSignal.any(signals), partsOnly: true, transient: false };
    this.#partBytes = partBytes;
    this.#next = from;
  }

  /** Starts ranges until so many are under way or the blob has no more. */
  widen(connections: number): void {
    while (this.#parts.length < connections && this.#next < this.#source.target.size) {
      const end = Math.min(this.#next + this.#partBytes, this.#source.target.size);
      this.#parts.push(this.#start(this.#next, end));
      this.#next = end;
    }
  }

  /** The bytes of the next range as they come, those of a broken connection fetched again; undefined when none is under way. */
  take(): AsyncIterable<Uint8Array> | undefined {
    return this.#parts.shift()?.taken();
  }

  /** Returns when nothing of it is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut.abort();
    await Promise.all(this.#work);
  }

  #start(from: number, end: number): ByteQueue {
    const queue = new ByteQueue();
    const work = this.#fetch(queue, from, end);
    this.#work.add(work);
    void work.then(() => this.#work.delete(work));
    return queue;
  }

  async #fetch(queue: ByteQueue, from: number, end: number): Promise<void> {
    try {
      for await (const bytes of objectBytes(this.#source, from, end)) queue.put(bytes);
      queue.end();
    } catch (error) {
      queue.end({ error });
    }
  }
}
