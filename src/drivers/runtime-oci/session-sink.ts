import { deferred, type Deferred } from '../../base/abort.js';
import type { CriLog } from './cri-log.js';
import { KeptBytes } from './kept-bytes.js';
import { cutOff } from './monitor-attachment.js';
import { type OutputSink, READER_GRACE_MS } from './output-sink.js';
import type { StreamName } from './stream-name.js';

export interface OutputChunk {
  readonly stream: StreamName;
  readonly bytes: Uint8Array;
}

/** How long a process waits for a session that may be cut off. */
const STALL_MS = 5000;
/** Bytes that wait in one session before the process has to. */
const SESSION_BYTES = 262_144;

/** Output of one attached client: a bounded queue that its reader empties. */
export class OutputSession {
  readonly #queue: OutputChunk[] = [];
  #size = 0;
  #open: number;
  #closed = false;
  #changed: Deferred<undefined> = deferred();
  #cut = false;
  readonly #mayBeCut: boolean;

  /**
   * @param streams How many streams have yet to end.
   * @param mayBeCut It ends when the process has waited for its reader for some time.
   */
  constructor(streams: number, mayBeCut = false) {
    this.#open = streams;
    this.#mayBeCut = mayBeCut;
  }

  get full(): boolean {
    return !this.#closed && this.#size >= SESSION_BYTES;
  }

  push(chunk: OutputChunk): void {
    if (this.#closed || chunk.bytes.length === 0) return;
    this.#queue.push(chunk);
    this.#size += chunk.bytes.length;
    this.#change();
  }

  streamEnded(): void {
    this.#open -= 1;
    this.#change();
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = this.#size = 0;
    this.#change();
  }

  /** Settles at the next change: something to read, room, or an end. One that may be cut off is, when nothing changes. */
  async room(): Promise<void> {
    const timer =
      this.#mayBeCut &&
      setTimeout(() => {
        this.#cut = true;
        this.close();
      }, STALL_MS);
    await this.#changed.promise;
    if (timer) clearTimeout(timer);
  }

  async *chunks(): AsyncGenerator<OutputChunk, undefined> {
    while (!this.#closed) {
      const next = this.#queue.shift();
      if (next) {
        this.#size -= next.bytes.length;
        this.#change();
        yield next;
      } else if (this.#open <= 0) {
        return undefined;
      } else {
        await this.#changed.promise;
      }
    }
    if (this.#cut) throw cutOff();
    return undefined;
  }

  #change(): void {
    this.#changed.resolve(undefined);
    this.#changed = deferred();
  }
}

/** One output stream for attached clients: each gets all of it, the slowest sets the pace; without one it goes to the log. */
export class SessionSink implements OutputSink {
  readonly stream: StreamName;
  readonly #log: CriLog;
  readonly #logAll: boolean;
  readonly #kept = new KeptBytes();
  readonly #sessions = new Set<OutputSession>();
  readonly #firstReader = deferred<undefined>();
  #awaited: boolean;
  #ended = false;

  /** @param wishes Whether output waits for the first session, and whether also what sessions take is logged (it is, without waiting). */
  constructor(stream: StreamName, log: CriLog, wishes: { readonly waitForReader: boolean; readonly logAll: boolean }) {
    this.stream = stream;
    this.#log = log;
    this.#logAll = wishes.logAll || !wishes.waitForReader;
    this.#awaited = wishes.waitForReader;
  }

  get ended(): boolean {
    return this.#ended;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#awaited && this.#kept.room < bytes.length) await this.#waitForReader();
    for (const session of this.#sessions) while (session.full) await session.room();
    if (this.#logAll || (this.#sessions.size === 0 && !this.#awaited)) this.#log.write(this.stream, bytes);
    this.#kept.push(bytes);
    for (const session of this.#sessions) session.push({ stream: this.stream, bytes });
  }

  async end(): Promise<void> {
    if (this.#awaited && this.#kept.size > 0) await this.#waitForReader();
    this.#ended = true;
    for (const session of this.#sessions) session.streamEnded();
  }

  add(session: OutputSession, replay: boolean): void {
    if (replay || this.#awaited) session.push({ stream: this.stream, bytes: this.#kept.bytes() });
    this.#awaited = false;
    this.#firstReader.resolve(undefined);
    this.#sessions.add(session);
  }

  remove(session: OutputSession): void {
    this.#sessions.delete(session);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#firstReader.resolve(undefined);
    for (const session of this.#sessions) session.close();
    return Promise.resolve();
  }

  async #waitForReader(): Promise<void> {
    const timer = setTimeout(() => this.#firstReader.resolve(undefined), READER_GRACE_MS);
    await this.#firstReader.promise;
    clearTimeout(timer);
    if (!this.#awaited) return;
    this.#awaited = false;
    if (!this.#logAll) this.#log.write(this.stream, this.#kept.bytes());
  }
}
