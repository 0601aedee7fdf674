import { DaemonError } from '../../base/errors.js';
import type { FetchWait, RemoteOptions } from '../../core/remotes/remotes.js';
import { Authorizer } from './authorizer.js';
import type { Connection, Endpoint } from './endpoint.js';
import { Patience } from './patience.js';
import type { TokenCache } from './token-cache.js';
import type { HttpBody, HttpMethod, HttpResponse } from './http-messages.js';
import type { Transport } from './transport.js';

export interface RepositoryRequest {
  readonly method: HttpMethod;
  /** Behind `/v2/<repository>/`; or the whole address that the registry gave, as of an upload. */
  readonly path: string | URL;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpBody;
  readonly headersMs?: number;
  /** First byte wanted of a blob; 0 for the whole. */
  readonly from?: number;
  /** The byte behind the last one wanted; the end of the blob when absent. */
  readonly end?: number | undefined;
  /** The answer is likely to be large. */
  readonly large?: boolean | undefined;
  /** How often it is tried; less than usual where another host can be asked. */
  readonly tries?: number | undefined;
  /** How often a connection is tried; less than usual where somebody waits to hear that the name is wrong. */
  readonly connectTries?: number;
  /** A status of 500 and more is an answer, not a reason to try again. */
  readonly serverErrors?: 'answer';
  /** Names the thing in errors. */
  readonly what: string;
  readonly onWait?: ((wait: FetchWait) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Those that may be followed by something else than a question. */
const SAME_METHOD_REDIRECTS = new Set([307, 308]);
const READING = new Set<HttpMethod>(['GET', 'HEAD']);
const REDIRECTS_MAX = 5;
/** A first challenge, and a token that expired on the way. */
const CHALLENGES_MAX = 2;
/** A shorter wait for the host, which another request was asked for, is not worth a word. */
const SAID_WAIT_MS = 500;

/** What the requests are for. */
export interface RepositoryUse {
  /** Missing for the API as such. */
  readonly repository?: string;
  /** As the user gave it. */
  readonly name: string;
  readonly actions?: 'pull' | 'pull,push';
}

/** What all clients of the daemon share. */
export interface ClientParts {
  readonly transport: Transport;
  readonly tokens: TokenCache;
}

/** Requests to one repository of one registry: authenticated, redirected, and tried again where that is of use. */
export class RepositoryClient {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ transport, tokens }: ClientParts, endpoint: Endpoint, use: RepositoryUse, options: RemoteOptions) {
    const { repository, name, actions = 'pull' } = use;
    this.transport = transport;
    this.endpoint = endpoint;
    this.#base = repository === undefined ? `${endpoint.api}/` : `${endpoint.api}/${repository}/`;
    this.#headers = { ...lowerCase(endpoint.headers), ...lowerCase(options.headers ?? {}) };
    const scopes = repository === undefined ? [] : [`repository:${repository}:${actions}`];
    this.authorizer = new Authorizer(tokens, endpoint, { name, scopes, ask: options.credentials });
  }

  /** @returns The response, whatever its status, once no other try can change it. @throws unavailable; what the token server says. */
  async request(request: RepositoryRequest): Promise<HttpResponse> {
    const patience = new Patience(this.transport, request);
    for (;;) {
      let response: HttpResponse;
      try {
        response = await this.attempt(request);
      } catch (error) {
        await patience.afterError(error);
        continue;
      }
      const isAnswer = request.serverErrors === 'answer' && response.status >= 500;
      if (isAnswer || !Patience.retries(response.status)) return response;
      await patience.afterResponse(response);
    }
  }

  /** One try, authenticated and redirected. @throws ConnectionError; unauthenticated: the user's credentials are refused. */
  async attempt(request: RepositoryRequest): Promise<HttpResponse> {
    for (let challenges = 0; ; challenges += 1) {
      const authorization = await this.authorizer.current(request.signal);
      const response = await this.#redirected(request, authorization);
      const ours = response.url.origin === this.endpoint.origin;
      if (response.status !== 401 || !ours || challenges >= CHALLENGES_MAX) return response;
      const answered = await this.authorizer.answer(
        response.headers('www-authenticate'),
        authorization,
        request.signal,
      );
      if (!answered && this.authorizer.known) throw await this.#refused(response, request.what);
      if (!answered) return response;
      await response.discard();
    }
  }

  async #refused(response: HttpResponse, what: string): Promise<DaemonError> {
    await response.discard();
    const { host } = this.endpoint;
    return new DaemonError(
      'unauthenticated',
      `${what}: ${host} does not accept the user and password it was given; log in again`,
    );
  }

  async #redirected(request: RepositoryRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { method, body, headersMs, large, signal } = request;
    let url = this.#addressOf(request.path);
    for (let redirects = 0; ; redirects += 1) {
      await this.#passGate(url.host, request);
      const headers = this.#headersFor(url, request, authorization);
      const connection = this.#connectionFor(url);
      const response = await this.transport.send({ method, url, headers, body, connection, headersMs, large, signal });
      const followed = READING.has(method) ? REDIRECTS : SAME_METHOD_REDIRECTS;
      const location = followed.has(response.status) ? response.header('location') : undefined;
      if (location === undefined) return response;
      await response.discard();
      if (redirects >= REDIRECTS_MAX) {
        throw new DaemonError('unavailable', `${request.what}: ${url.host} redirects more than ${REDIRECTS_MAX} times`);
      }
      url = this.resolveLocation(location, url, request.what);
    }
  }

  async #passGate(host: string, { onWait, signal }: RepositoryRequest): Promise<void> {
    const { gate } = this.transport;
    const ms = gate.remainingMs(host);
    if (ms >= SAID_WAIT_MS) {
      onWait?.({ reason: `${host} has asked to wait; next try in ${(ms / 1000).toFixed(1)} s`, delayMs: ms });
    }
    await gate.pass(host, signal);
  }

  #addressOf(path: string | URL): URL {
    if (path instanceof URL) return path;
    const url = new URL(this.#base + path);
    if (this.endpoint.namespace !== undefined) url.searchParams.set('ns', this.endpoint.namespace);
    return url;
  }

  /** Who we are by certificate is told to nobody else either. */
  #connectionFor(url: URL): Connection | undefined {
    const { connection, origin } = this.endpoint;
    return connection === undefined || url.origin === origin ? connection : { ...connection, client: [] };
  }

  /** What identifies us goes to the registry itself and to nobody else. */
  #headersFor(url: URL, request: RepositoryRequest, authorization: string | undefined): Record<string, string> {
    const own = url.origin === this.endpoint.origin;
    return {
      ...(own && this.#headers),
      'user-agent': 'wharfd',
      ...(request.accept !== undefined && { accept: request.accept }),
      ...request.headers,
      ...rangeOf(request),
      ...(own && authorization !== undefined && { authorization }),
    };
  }

  /** Where a Location header leads to. @throws unavailable: nowhere that it is good to go. */
  resolveLocation(location: string, from: URL, what: string): URL {
    const refuse = (why: string): DaemonError =>
      new DaemonError('unavailable', `${what}: ${from.host} redirects to ${why}, which is not followed`);
    if (!URL.canParse(location, from.href)) throw refuse('something that is no URL');
    const url = new URL(location, from.href);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse(`a ${url.protocol} address`);
    if (from.protocol === 'https:' && url.protocol === 'http:') throw refuse(`plain http at ${url.host}`);
    url.username = '';
    url.password = '';
    return url;
  }
}

function rangeOf({ from = 0, end }: RepositoryRequest): { readonly range?: string } {
  if (end !== undefined) return { range: `bytes=${from}-${end - 1}` };
  return from > 0 ? { range: `bytes=${from}-` } : {};
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
