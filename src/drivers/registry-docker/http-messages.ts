import { DaemonError } from '../../base/errors.js';
import { connectionError } from './connection-error.js';
import type { Connection } from './endpoint.js';

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';

/** What a request carries: all of it at once, or made anew for each try. */
export type HttpBody = string | Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpBody | undefined;
  readonly connection?: Connection | undefined;
  /** Milliseconds for the response's headers, once the body is sent; the timing's own by default. */
  readonly headersMs?: number | undefined;
  /** The answer is likely to be large. */
  readonly large?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response whose body is not read yet: read it to its end, or `discard` it. */
export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  /** First value of a header; names in lower case. */
  header(name: string): string | undefined;
  /** All values of a header that may be there several times. */
  headers(name: string): readonly string[];
  /**
   * @param transient A piece may be overwritten once the next one is asked for.
   * @throws unavailable: the connection broke or stood still for too long.
   */
  body(transient?: boolean): AsyncIterable<Uint8Array>;
  /**
   * Reads a short body whole.
   *
   * @returns Undefined when it is longer than `bytesMax`; the connection is closed then.
   * @throws unavailable: as `body`, or it comes so slowly that its time is over.
   */
  whole(bytesMax: number): Promise<Buffer | undefined>;
  /** Gives the connection back or closes it. */
  discard(): Promise<void>;
}

/** What is known of a response, and how to have the rest of it. */
export interface ResponseParts {
  readonly url: URL;
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Milliseconds for a whole short body. */
  readonly documentMs: number;
  readonly signal: AbortSignal | undefined;
  readonly body: (transient: boolean) => AsyncIterable<Uint8Array>;
  readonly discard: () => Promise<void>;
}

/** A response as any HTTP library gives it. */
export class ReceivedResponse implements HttpResponse {
  readonly #parts: ResponseParts;

  constructor(parts: ResponseParts) {
    this.#parts = parts;
  }

  get url(): URL {
    return this.#parts.url;
  }

  get status(): number {
    return this.#parts.status;
  }

  header(name: string): string | undefined {
    return this.headers(name)[0];
  }

  headers(name: string): readonly string[] {
    const value = this.#parts.headers[name] ?? [];
    return typeof value === 'string' ? [value] : value;
  }

  async *body(transient = false): AsyncIterable<Uint8Array> {
    try {
      yield* this.#parts.body(transient);
    } catch (cause) {
      this.#parts.signal?.throwIfAborted();
      throw connectionError(this.url, cause);
    }
  }

  async whole(bytesMax: number): Promise<Buffer | undefined> {
    const { documentMs } = this.#parts;
    const parts: Uint8Array[] = [];
    let size = 0;
    const endMs = performance.now() + documentMs;
    // Each piece is in time, or the agent ends the wait; here it is their sum.
    for await (const bytes of this.body()) {
      size += bytes.length;
      if (size > bytesMax) return undefined;
      if (performance.now() > endMs) {
        throw new DaemonError(
          'unavailable',
          `${this.url.host} took more than ${documentMs / 1000} s over ${size} bytes of an answer; try again later`,
        );
      }
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  async discard(): Promise<void> {
    await this.#parts.discard();
  }
}
