import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { DaemonError } from '../../base/errors.js';
import { connectionError } from './connection-error.js';
import type { Connection } from './endpoint.js';
import { HostGate } from './host-gate.js';
import { ReceivedResponse, type HttpRequest, type HttpResponse } from './http-messages.js';
import { sendLarge } from './large-response.js';
import { NO_PROXIES, type Proxies } from './proxies.js';
import { receivedBytes } from './received-bytes.js';
import type { Timing } from './timing.js';

const SMALL_BODY = 64 * 1024;
/** What nobody reads is not worth a longer wait than a new connection. */
const DISCARD_MS = 1_000;
const HOSTS_MAX = 1_000;

/** Connections to all hosts, pooled; one request at a time without retries, redirects or credentials of its own. */
export class Transport implements AsyncDisposable {
  readonly timing: Timing;
  readonly gate = new HostGate();
  readonly #agents = new Map<string, Promise<Dispatcher>>();
  readonly #proxies: Proxies;
  /** Connections outside of the pool. */
  readonly #alone = new Set<Socket>();
  /** Hosts that redirect what is large: it is not worth a connection of its own to hear where to. */
  readonly #redirecting = new Set<string>();

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
    const { Agent, ProxyAgent } = await import('./dispatchers.js');
    const timeout = connection?.dialMs ?? this.timing.connectMs;
    const options = {
      headersTimeout: this.timing.headersMs,
      bodyTimeout: this.timing.stallMs,
      keepAliveTimeout: 10_000,
      connections: 16,
      pipelining: 1,
    };
    const tls = tlsOptions(connection);
    if (proxy === undefined) return new Agent({ ...options, connect: { timeout, ...tls } });
    // Plain http is asked of the proxy itself, as proxies expect; only https goes through a tunnel.
    const parts = { uri: proxy.href, proxyTunnel: false, proxyTls: { timeout }, requestTls: { timeout, ...tls } };
    return new ProxyAgent({ ...options, ...parts });
  }

  /** @throws unavailable: the host can't be reached or doesn't answer; the cause says why. */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const { url, signal, large = false } = request;
    const asked = { ...request, headers: { ...request.headers, 'accept-encoding': 'identity' } };
    const proxy = this.#proxies.proxyFor(url);
    try {
      if (large && proxy === undefined && !this.#redirecting.has(url.origin)) return await this.#sendAlone(asked);
      return await this.#sendPooled(asked, proxy);
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof DaemonError) throw cause;
      throw connectionError(url, cause, proxy);
    }
  }

  async #sendPooled(request: HttpRequest, proxy: URL | undefined): Promise<HttpResponse> {
    const { method, url, headers, body, connection, headersMs, signal } = request;
    const agent = await this.#agentFor(connection, proxy);
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      ...{ method, headers },
      ...(body !== undefined && { body: typeof body === 'function' ? Readable.from(body()) : body }),
      ...(headersMs !== undefined && { headersTimeout: headersMs }),
      ...(signal && { signal }),
    });
    const stream = response.body;
    // An error of a body that nobody reads must not end the process.
    stream.on('error', () => undefined);
    return new ReceivedResponse({
      ...{ url, signal, documentMs: this.timing.documentMs },
      ...{ status: response.statusCode, headers: response.headers },
      body: (transient) => receivedBytes(stream, transient),
      discard: async () => {
        await stream.dump({ limit: SMALL_BODY, signal: AbortSignal.timeout(DISCARD_MS) }).catch(() => stream.destroy());
      },
    });
  }

  async #sendAlone(request: HttpRequest): Promise<HttpResponse> {
    const response = await sendLarge(request, this.timing, {
      tls: tlsOptions(request.connection),
      onOpen: (socket) => {
        this.#alone.add(socket);
        socket.once('close', () => this.#alone.delete(socket));
      },
    });
    if (response.status >= 300 && response.status < 400) {
      if (this.#redirecting.size >= HOSTS_MAX) this.#redirecting.clear();
      this.#redirecting.add(request.url.origin);
    }
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#alone) socket.destroy();
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
