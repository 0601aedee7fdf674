import { DaemonError } from '../../base/errors.js';
import type { FetchWait, RemoteOptions } from '../../core/remotes/remotes.js';
import { Authorizer } from './authorizer.js';
import { endpointOf, type Endpoint } from './endpoint.js';
import { Patience } from './patience.js';
import type { HttpResponse, Transport } from './transport.js';

export interface RepositoryRequest {
  readonly method: 'GET' | 'HEAD';
  /** Behind `/v2/<repository>/`. */
  readonly path: string;
  readonly accept: string;
  /** First byte wanted of a blob; 0 for the whole. */
  readonly from?: number;
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
const REDIRECTS_MAX = 5;
/** A first challenge, and a token that expired on the way. */
const CHALLENGES_MAX = 2;

/** Requests to one repository of one registry: authenticated, redirected, and tried again where that is of use. */
export class RepositoryClient {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #authorizer: Authorizer;

  constructor(transport: Transport, host: string, repository: string, name: string, options: RemoteOptions) {
    this.transport = transport;
    this.endpoint = endpointOf(host, options.plainHttp ?? false);
    this.#base = `${this.endpoint.origin}/v2/${repository}/`;
    this.#headers = lowerCase(options.headers ?? {});
    const scope = `repository:${repository}:pull`;
    this.#authorizer = new Authorizer(transport, this.endpoint, name, scope, options.credentials);
  }

  /** @returns The response, whatever its status, once no other try can change it. @throws unavailable; what the token server says. */
  async request(request: RepositoryRequest): Promise<HttpResponse> {
    const patience = new Patience(this.transport, request);
    for (;;) {
      let response: HttpResponse;
      try {
        response = await this.#authenticated(request);
      } catch (error) {
        await patience.afterError(error);
        continue;
      }
      const isAnswer = request.serverErrors === 'answer' && response.status >= 500;
      if (isAnswer || !Patience.retries(response.status)) return response;
      await patience.afterResponse(response);
    }
  }

  async #authenticated(request: RepositoryRequest): Promise<HttpResponse> {
    for (let challenges = 0; ; challenges += 1) {
      const authorization = await this.#authorizer.current(request.signal);
      const response = await this.#redirected(request, authorization);
      const ours = response.url.origin === this.endpoint.origin;
      if (response.status !== 401 || !ours || challenges >= CHALLENGES_MAX) return response;
      const answered = await this.#authorizer.answer(
        response.headers('www-authenticate'),
        authorization,
        request.signal,
      );
      if (!answered) return response;
      await response.discard();
    }
  }

  async #redirected(request: RepositoryRequest, authorization: string | undefined): Promise<HttpResponse> {
    let url = new URL(this.#base + request.path);
    for (let redirects = 0; ; redirects += 1) {
      await this.transport.gate.pass(url.host, request.signal);
      const headers = this.#headersFor(url, request, authorization);
      const response = await this.transport.send({ method: request.method, url, headers, signal: request.signal });
      const location = REDIRECTS.has(response.status) ? response.header('location') : undefined;
      if (location === undefined) return response;
      await response.discard();
      if (redirects >= REDIRECTS_MAX) {
        throw new DaemonError('unavailable', `${request.what}: ${url.host} redirects more than ${REDIRECTS_MAX} times`);
      }
      url = this.#redirectTarget(location, url, request.what);
    }
  }

  /** What identifies us goes to the registry itself and to nobody else. */
  #headersFor(url: URL, request: RepositoryRequest, authorization: string | undefined): Record<string, string> {
    const own = url.origin === this.endpoint.origin;
    return {
      ...(own && this.#headers),
      'user-agent': 'wharfd',
      accept: request.accept,
      ...(request.from !== undefined && request.from > 0 && { range: `bytes=${request.from}-` }),
      ...(own && authorization !== undefined && { authorization }),
    };
  }

  #redirectTarget(location: string, from: URL, what: string): URL {
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

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
