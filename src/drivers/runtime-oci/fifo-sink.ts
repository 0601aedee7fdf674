import { writeSync } from 'node:fs';
import { deferred } from '../../base/abort.js';
import { isErrno } from '../../base/errors.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { CriLog } from './cri-log.js';
import { KeptBytes } from './kept-bytes.js';
import { type OutputSink, READER_GRACE_MS } from './output-sink.js';
import type { StreamName } from './stream-name.js';

/** How often we look whether a reader has come: only a thread that blocks in open(2) would be told. */
const LOOK_MS = 20;

/** Copies to the client's FIFO, with the rules of WIRE.md 1: before the first reader output waits; after a reader has gone it does not. */
export class FifoSink implements OutputSink {
  readonly #descriptors: Descriptors;
  readonly #path: string;
  readonly #stream: StreamName;
  readonly #log: CriLog;
  readonly #kept = new KeptBytes();
  readonly #closing = new AbortController();
  /** Settles when a first reader came, or was waited for long enough. */
  readonly #firstReader = deferred<undefined>();
  #reader: 'awaited' | 'present' | 'gone' = 'awaited';
  #fd: Fd | undefined;
  #flushing: Promise<void> | undefined;
  #looking: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(descriptors: Descriptors, path: string, stream: StreamName, log: CriLog) {
    this.#descriptors = descriptors;
    this.#path = path;
    this.#stream = stream;
    this.#log = log;
    this.#look();
  }

  async write(bytes: Uint8Array): Promise<void> {
    while (this.#reader === 'present' && this.#kept.size > 0) await this.#flush();
    if (this.#reader === 'awaited' && this.#kept.room < bytes.length) await this.#waitForReader();
    if (this.#reader === 'gone') this.#log.write(this.#stream, bytes);
    this.#kept.push(bytes);
    if (this.#reader === 'present') await this.#flush();
  }

  async end(): Promise<void> {
    if (this.#reader === 'awaited' && this.#kept.size > 0) await this.#waitForReader();
    while (this.#reader === 'present' && this.#kept.size > 0) await this.#flush();
    // With bytes left nobody is there: whoever comes later still gets them, until disposal.
    this.#ended = true;
    if (this.#kept.size === 0) this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader = 'gone';
    this.#closing.abort();
    this.#firstReader.resolve(undefined);
    await this.#flushing;
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#looking);
    if (this.#fd !== undefined) this.#descriptors.close(this.#fd);
    this.#fd = undefined;
  }

  /** Looks for a reader now and, as long as there is none, again and again. */
  #look(): void {
    if (this.#closing.signal.aborted) return;
    try {
      const fd = this.#descriptors.openFifo(this.#path, 'write');
      // The old end is kept until now: with no end open the kernel would drop what was not read.
      if (this.#fd !== undefined) this.#descriptors.close(this.#fd);
      this.#fd = fd;
      this.#reader = 'present';
      this.#firstReader.resolve(undefined);
      void this.#flush().then(() => {
        if (this.#ended && this.#kept.size === 0) this.#close();
      });
    } catch {
      // ENXIO is no reader; a FIFO that was removed gets none either.
      this.#looking = setTimeout(() => this.#look(), LOOK_MS).unref();
    }
  }

  async #waitForReader(): Promise<void> {
    const timer = setTimeout(() => {
      if (this.#reader === 'awaited') this.#lost();
      this.#firstReader.resolve(undefined);
    }, READER_GRACE_MS);
    await this.#firstReader.promise;
    clearTimeout(timer);
    if (this.#flushing) await this.#flushing;
  }

  #lost(): void {
    this.#reader = 'gone';
    this.#log.write(this.#stream, this.#kept.bytes());
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#deliver().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async #deliver(): Promise<void> {
    for (let next = this.#kept.first; next && this.#fd !== undefined; next = this.#kept.first) {
      try {
        this.#kept.drop(writeSync(this.#fd, next));
      } catch (cause) {
        if (!(await this.#mayGoOn(this.#fd, cause))) return;
      }
    }
  }

  /** After a write that did not succeed: true when the FIFO has room again, false when the reader is gone. */
  async #mayGoOn(fd: Fd, cause: unknown): Promise<boolean> {
    try {
      if (isErrno(cause, 'EAGAIN')) {
        await this.#descriptors.ready(fd, 'writable', this.#closing.signal);
        return true;
      }
    } catch {
      return false; // disposal
    }
    this.#lost();
    this.#looking = setTimeout(() => this.#look(), LOOK_MS).unref();
    return false;
  }
}
