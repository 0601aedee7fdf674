import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { deferred, type Deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import { timeoutMsOf, percentEncoded, type Headers } from './grpc-headers.js';
import type { Peer } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { statusOf, type WireStatus } from './status.js';

/** What a connection does for its calls, each by the number of its stream. */
export interface GrpcStreams {
  /** The handler has taken a request. */
  taken(stream: number): void;
  headers(stream: number): void;
  reply(stream: number, bytes: Uint8Array): void;
  answer(stream: number, bytes: Uint8Array): void;
  finish(stream: number, status: number, details: string): void;
}

/** A request as it came. */
interface Received {
  readonly bytes: Buffer;
  readonly compressed: boolean;
}

/** Timers take no more than this many milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** For whoever still reads from a call that has ended as it should; one for all, as each has its stack taken. */
const ENDED = new DaemonError('canceled', 'the call is over');

const DECOMPRESS: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: MESSAGE_BYTES_MAX }),
  deflate: (bytes) => promisify(inflate)(bytes, { maxOutputLength: MESSAGE_BYTES_MAX }),
};

/** One call on a connection, in bytes: requests as they come, replies, the status. */
export class GrpcCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly peer: Peer;
  readonly #headers: Headers;
  readonly #streams: GrpcStreams;
  readonly #stream: number;
  readonly #received: Received[] = [];
  readonly #unsent: Deferred<undefined>[] = [];
  #more: Deferred<undefined> | undefined;
  #noMore = false;
  #failure: DaemonError | undefined;
  #over: DaemonError | undefined;
  #onOver: ((why: DaemonError) => void) | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #finished = false;

  constructor(headers: Headers, peer: Peer, streams: GrpcStreams, stream: number) {
    this.path = headers.get(':path') ?? '';
    this.peer = peer;
    this.#headers = headers;
    this.#streams = streams;
    this.#stream = stream;
    const timeoutMs = timeoutMsOf(headers.get('grpc-timeout'));
    if (timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX)
      this.#deadline = setTimeout(() => {
        this.#expire();
      }, timeoutMs);
  }

  /** Value of a request header. */
  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  /** Calls `listener` once when the client goes away, cancels, or its deadline has passed, all before the status was set. */
  onOver(listener: (why: DaemonError) => void): void {
    this.#onOver = listener;
    if (this.#over) listener(this.#over);
  }

  /** The only request. @throws unimplemented: there is none. And what `requests` throws. */
  async request(): Promise<Buffer> {
    const bytes = await this.#next();
    if (bytes === undefined) throw new DaemonError('unimplemented', `${this.path}: the call ended without a request`);
    return bytes;
  }

  /**
   * The requests until the client half-closes. Leaving early leaves the call as it is.
   *
   * @throws canceled, deadline-exceeded: the call is over. resource-exhausted: a request is too large. invalid-argument: it is
   *   cut off, or not compressed as it says. unimplemented: it is compressed in an unknown way.
   */
  async *requests(): AsyncGenerator<Buffer> {
    for (let bytes = await this.#next(); bytes !== undefined; bytes = await this.#next()) yield bytes;
  }

  /** Sends the response headers, if they are not sent yet. */
  sendHeaders(): void {
    this.#streams.headers(this.#stream);
  }

  /** Sends one of several replies. Resolves when it has gone, or nobody waits for it any more. */
  async reply(bytes: Uint8Array): Promise<void> {
    if (this.#over || this.#finished) return;
    const sent = deferred<undefined>();
    this.#unsent.push(sent);
    this.#streams.reply(this.#stream, bytes);
    await sent.promise;
  }

  /** Sends the only reply, and that all is well. */
  answer(bytes: Uint8Array): void {
    if (this.#settle()) this.#streams.answer(this.#stream, bytes);
  }

  /** Ends the call, after the replies before it; undefined: all is well. */
  finish(status?: WireStatus): void {
    if (this.#settle()) this.#streams.finish(this.#stream, status?.code ?? 0, percentEncoded(status?.details ?? ''));
  }

  /** A request has come. */
  take(bytes: Buffer, compressed: boolean): void {
    this.#received.push({ bytes, compressed });
    this.#wake();
  }

  /** No further request comes. @param failure Why not, where the client is to be told. */
  takeEnd(failure?: DaemonError): void {
    this.#noMore = true;
    this.#failure ??= failure;
    this.#wake();
  }

  /** The oldest reply that waited has gone. */
  takeSent(): void {
    this.#unsent.shift()?.resolve(undefined);
  }

  /** The stream is over, finished or not. */
  takeClosed(): void {
    this.#leave(this.#finished ? ENDED : new DaemonError('canceled', `${this.path}: canceled by the client`));
    this.#settle();
  }

  #expire(): void {
    const late = new DaemonError('deadline-exceeded', `${this.path}: the deadline has passed`);
    this.#leave(late);
    this.finish(statusOf(late));
  }

  /** Nobody waits any more, whatever is still under way; only the first reason counts. */
  #leave(why: DaemonError): void {
    const before = this.#finished || this.#over !== undefined;
    this.#over ??= why;
    this.takeEnd(why);
    for (const sent of this.#unsent.splice(0)) sent.resolve(undefined);
    if (!before) this.#onOver?.(why);
  }

  /** True the first time. */
  #settle(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    clearTimeout(this.#deadline);
    return true;
  }

  #wake(): void {
    this.#more?.resolve(undefined);
    this.#more = undefined;
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#over) throw this.#over;
      const received = this.#received.shift();
      if (received) {
        this.#streams.taken(this.#stream);
        return received.compressed ? await this.#decompressed(received.bytes) : received.bytes;
      }
      if (this.#failure) throw this.#failure;
      if (this.#noMore) return undefined;
      this.#more ??= deferred();
      await this.#more.promise;
    }
  }

  async #decompressed(bytes: Buffer): Promise<Buffer> {
    const encoding = this.#headers.get('grpc-encoding') ?? 'identity';
    const decompress = DECOMPRESS[encoding];
    if (!decompress)
      throw new DaemonError('unimplemented', `${this.path}: a request is compressed by ${encoding}: use gzip or none`);
    try {
      return await decompress(bytes);
    } catch (cause) {
      if (cause instanceof RangeError) throw tooLarge(this.path, `${bytes.length} compressed`);
      throw new DaemonError('invalid-argument', `${this.path}: a request is no ${encoding} as it says`, { cause });
    }
  }
}

/** A request over the limit. @param size Its bytes. */
export function tooLarge(path: string, size: number | string): DaemonError {
  return new DaemonError(
    'resource-exhausted',
    `${path}: received message larger than max (${size} vs. ${MESSAGE_BYTES_MAX})`,
  );
}
