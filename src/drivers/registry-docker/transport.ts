import type { Agent, Dispatcher } from 'undici';
import { connectionError } from './connection-error.js';
import { HostGate } from './host-gate.js';
import { receivedBytes } from './received-bytes.js';
import type { Timing } from './timing.js';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
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
  /** @throws unavailable: the connection broke or stood still for too long. */
  body(): AsyncIterable<Uint8Array>;
  /** Gives the connection back or closes it. */
  discard(): Promise<void>;
}

const SMALL_BODY = 64 * 1024;

/** Connections to all hosts, pooled; one request at a time without retries, redirects or credentials of its own. */
export class Transport implements AsyncDisposable {
  readonly timing: Timing;
  readonly gate = new HostGate();
  #agent: Promise<Agent> | undefined;

  constructor(timing: Timing) {
    this.timing = timing;
  }

  /** The library is loaded with the first request: a daemon that only runs containers does without its memory. */
  async #open(): Promise<Agent> {
    // By its default export: once bundled, a CommonJS module has no other.
    const { default: undici } = await import('undici');
    return new undici.Agent({
      connect: { timeout: this.timing.connectMs },
      headersTimeout: this.timing.headersMs,
      bodyTimeout: this.timing.stallMs,
      keepAliveTimeout: 10_000,
      connections: 16,
      pipelining: 1,
    });
  }

  /** @throws unavailable: the host can't be reached or doesn't answer; the cause says why. */
  async send({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    try {
      const agent = await (this.#agent ??= this.#open());
      const response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { ...headers, 'accept-encoding': 'identity' },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      return new UndiciResponse(url, response, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      throw connectionError(url, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent)?.destroy();
  }
}

class UndiciResponse implements HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly #response: Dispatcher.ResponseData;
  readonly #signal: AbortSignal | undefined;

  constructor(url: URL, response: Dispatcher.ResponseData, signal: AbortSignal | undefined) {
    this.url = url;
    this.status = response.statusCode;
    this.#response = response;
    this.#signal = signal;
    // An error of a body that nobody reads must not end the process.
    response.body.on('error', () => undefined);
  }

  header(name: string): string | undefined {
    return this.headers(name)[0];
  }

  headers(name: string): readonly string[] {
    const value = this.#response.headers[name] ?? [];
    return typeof value === 'string' ? [value] : value;
  }

  async *body(): AsyncIterable<Uint8Array> {
    try {
      yield* receivedBytes(this.#response.body);
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw connectionError(this.url, cause);
    }
  }

  async discard(): Promise<void> {
    await this.#response.body.dump({ limit: SMALL_BODY }).catch(() => undefined);
  }
}
