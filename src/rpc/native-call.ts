import { deferred, type Deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import { percentDecoded, type Headers } from './grpc-headers.js';
import { errorOfStatus } from './status.js';
import type { ClientCall } from './transport.js';

/** What a connection does for its calls, each by the number of its stream. */
export interface ClientStreams {
  /** A reply has been taken by who reads. */
  taken(stream: number): void;
  send(stream: number, bytes: Uint8Array): void;
  end(stream: number): void;
  cancel(stream: number): void;
}

/** Timers take no more than this many milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const HTTP_OK = '200';

/** One call of a client on a connection of the addon's. */
export class NativeCall implements ClientCall {
  readonly #path: string;
  readonly #streams: ClientStreams;
  readonly #stream: number;
  readonly #received: Buffer[] = [];
  readonly #unsent: Deferred<undefined>[] = [];
  #more: Deferred<undefined> | undefined;
  #headers: Headers | undefined;
  /** How it ended; undefined there: well. */
  #ending: { readonly error: DaemonError | undefined } | undefined;
  readonly #deadline: NodeJS.Timeout | undefined;

  constructor(path: string, streams: ClientStreams, stream: number, timeoutMs: number | undefined) {
    this.#path = path;
    this.#streams = streams;
    this.#stream = stream;
    if (timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX) {
      this.#deadline = setTimeout(() => {
        this.#leave(new DaemonError('deadline-exceeded', `${path} was not answered within ${timeoutMs} ms`));
      }, timeoutMs);
    }
  }

  async send(bytes: Buffer): Promise<void> {
    if (this.#ending) return;
    const sent = deferred<undefined>();
    this.#unsent.push(sent);
    this.#streams.send(this.#stream, bytes);
    await sent.promise;
  }

  end(): void {
    if (!this.#ending) this.#streams.end(this.#stream);
  }

  async *replies(): AsyncGenerator<Buffer> {
    for (;;) {
      const received = this.#received.shift();
      if (received) {
        this.#streams.taken(this.#stream);
        yield received;
      } else if (this.#ending) {
        if (this.#ending.error) throw this.#ending.error;
        return;
      } else {
        this.#more ??= deferred();
        await this.#more.promise;
      }
    }
  }

  cancel(): void {
    this.#received.length = 0;
    this.#leave(new DaemonError('canceled', `${this.#path}: canceled`));
  }

  /** Ends it from this side. */
  #leave(error: DaemonError): void {
    if (this.#ending) return;
    this.#finish(error);
    this.#streams.cancel(this.#stream);
  }

  /** The headers have come, or the trailers. */
  takeHeaders(headers: Headers): void {
    this.#headers = headers;
    const status = headers.get(':status') ?? HTTP_OK;
    if (status !== HTTP_OK && headers.get('grpc-status') === undefined)
      this.#leave(new DaemonError('unavailable', `${this.#path}: the server answers with HTTP status ${status}`));
  }

  takeReply(bytes: Buffer): void {
    if (this.#ending) return;
    this.#received.push(bytes);
    this.#wake();
  }

  /** What the server has sent is of no use. */
  takeBroken(error: DaemonError): void {
    this.#leave(error);
  }

  /** The oldest request that waited has gone. */
  takeSent(): void {
    this.#unsent.shift()?.resolve(undefined);
  }

  /** The server has ended it, or the connection is lost. @param why When there was no status. */
  takeEnd(why: DaemonError): void {
    const status = this.#headers?.get('grpc-status');
    const code = Number(status);
    if (status === undefined || !Number.isInteger(code)) this.#finish(why);
    else if (code === 0) this.#finish(undefined);
    else this.#finish(errorOfStatus({ code, details: percentDecoded(this.#headers?.get('grpc-message') ?? '') }));
  }

  #finish(error: DaemonError | undefined): void {
    this.#ending ??= { error };
    clearTimeout(this.#deadline);
    for (const sent of this.#unsent.splice(0)) sent.resolve(undefined);
    this.#wake();
  }

  #wake(): void {
    this.#more?.resolve(undefined);
    this.#more = undefined;
  }
}
