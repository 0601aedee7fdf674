import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { DaemonError } from '../../base/errors.js';
import { connectionError } from './connection-error.js';
import type { Connection } from './endpoint.js';
import { HostGate } from './host-gate.js';
import { NO_PROXIES, type Proxies } from './proxies.js';
import { receivedBytes } from './received-bytes.js';
import type { Timing } from './timing.js';

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

const SMALL_BODY = 64 * 1024;
/** What nobody reads is not worth a longer wait than a new connection. */
const DISCARD_MS = 1_000;

/** Connections to all hosts, pooled; one request at a time without retries, redirects or credentials of its own. */
export class Transport implements AsyncDisposable {
  readonly timing: Timing;
  readonly gate = new HostGate();
  readonly #agents = new Map<string, Promise<Dispatcher>>();
  readonly #proxies: Proxies;

  constructor(timing: Timing, proxies = NO_PROXIES) {
    this.timing = timing;
    this.#proxies = proxies;
  }

  /** One agent for each way to connect, since a connection made in one way is not to be used in another. */
  #agentFor(connection: Connection | undefined, proxy: URL | undefined): Promise<Dispatcher> {
    const key = JSON.stringify([connection, proxy?.href]);
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = this.#open(connection, proxy);
      this.#agents.set(key, agent);
    }
    return agent;
  }

  /** The library is loaded with the first request: a daemon that only runs containers does without its memory. */
  async #open(connection: Connection | undefined, proxy: URL | undefined): Promise<Dispatcher> {
    // By its default export: once bundled, a CommonJS module has no other.
    const { default: undici } = await import('undici');
    const timeout = connection?.dialMs ?? this.timing.connectMs;
    const options = {
      headersTimeout: this.timing.headersMs,
      bodyTimeout: this.timing.stallMs,
      keepAliveTimeout: 10_000,
      connections: 16,
      pipelining: 1,
    };
    const tls = tlsOptions(connection);
    if (proxy === undefined) return new undici.Agent({ ...options, connect: { timeout, ...tls } });
    // Plain http is asked of the proxy itself, as proxies expect; only https goes through a tunnel.
    const parts = { uri: proxy.href, proxyTunnel: false, proxyTls: { timeout }, requestTls: { timeout, ...tls } };
    return new undici.ProxyAgent({ ...options, ...parts });
  }

  /** @throws unavailable: the host can't be reached or doesn't answer; the cause says why. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, headers, body, connection, headersMs, signal } = request;
    const proxy = this.#proxies.proxyFor(url);
    try {
      const agent = await this.#agentFor(connection, proxy);
      const response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: { ...headers, 'accept-encoding': 'identity' },
        ...(body !== undefined && { body: typeof body === 'function' ? Readable.from(body()) : body }),
        ...(headersMs !== undefined && { headersTimeout: headersMs }),
        ...(signal && { signal }),
      });
      return new UndiciResponse(url, response, this.timing.documentMs, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof DaemonError) throw cause;
      throw connectionError(url, cause, proxy);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents.values()) await (await agent).destroy();
  }
}

function tlsOptions(connection: Connection | undefined) {
  if (connection === undefined) return {};
  const { ca, client, skipVerify } = connection;
  return {
    ...(ca.length > 0 && { ca: [...rootCertificates, ...ca] }),
    ...(client.length > 0 && { cert: client.map(({ cert }) => cert), key: client.map(({ key }) => key) }),
    ...(skipVerify && { rejectUnauthorized: false }),
  };
}

class UndiciResponse implements HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly #response: Dispatcher.ResponseData;
  readonly #documentMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(url: URL, response: Dispatcher.ResponseData, documentMs: number, signal: AbortSignal | undefined) {
    this.#documentMs = documentMs;
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

  async *body(transient = false): AsyncIterable<Uint8Array> {
    try {
      yield* receivedBytes(this.#response.body, transient);
    } catch (cause) {
      this.#signal?.throwIfAborted();
      throw connectionError(this.url, cause);
    }
  }

  async whole(bytesMax: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    let size = 0;
    const endMs = performance.now() + this.#documentMs;
    // Each piece is in time, or the agent ends the wait; here it is their sum.
    for await (const bytes of this.body()) {
      size += bytes.length;
      if (size > bytesMax) return undefined;
      if (performance.now() > endMs) {
        throw new DaemonError(
          'unavailable',
          `${this.url.host} took more than ${this.#documentMs / 1000} s over ${size} bytes of an answer; try again later`,
        );
      }
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  async discard(): Promise<void> {
    const { body } = this.#response;
    await body.dump({ limit: SMALL_BODY, signal: AbortSignal.timeout(DISCARD_MS) }).catch(() => body.destroy());
  }
}
