import { DaemonError, messageOf } from '../../base/errors.js';
import type {
  Pusher,
  Referrers,
  ReferrersOptions,
  RemoteOptions,
  Remotes,
  Resolved,
  ResolveOptions,
  Resolver,
} from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Digest } from '../../spec/digest.js';
import { isRepositoryPath, isTag } from '../../spec/familiar-name.js';
import { hostOf, parseReference, pathOf, pinnedDigestOf, tagOf, type Reference } from '../../spec/reference.js';
import { BlobStreams, DEFAULT_RANGES, type RangeLimits } from './blob-streams.js';
import type { ResolvedObject } from './document-response.js';
import type { Capability, Endpoint } from './endpoint.js';
import { failureOf } from './failure.js';
import { endpointsFor } from './hosts.js';
import type { Proxies } from './proxies.js';
import { listReferrers } from './referrers.js';
import { RepositoryClient, type RepositoryUse } from './repository-client.js';
import { RepositoryFetcher, TRIES_WITH_OTHERS } from './repository-fetcher.js';
import { RepositoryPusher } from './repository-pusher.js';
import { resolveObject } from './resolve-object.js';
import { DEFAULT_TIMING, type Timing } from './timing.js';
import { TokenCache } from './token-cache.js';
import { Transport } from './transport.js';

export interface RegistryOptions {
  readonly timing?: Partial<Timing>;
  /** Directories with `<host>/hosts.toml`; none by default. */
  readonly hostDirs?: readonly string[];
  readonly proxies?: Proxies;
  /** Of large blobs. */
  readonly ranges?: Partial<RangeLimits>;
}

/** Registries that speak the OCI distribution API, which Docker's registry made. */
export class RegistryRemotes implements Remotes, AsyncDisposable {
  readonly #transport: Transport;
  readonly #tokens: TokenCache;
  readonly #hostDirs: readonly string[];
  readonly #streams: BlobStreams;

  constructor({ timing = {}, hostDirs = [], proxies, ranges = {} }: RegistryOptions = {}) {
    this.#streams = new BlobStreams({ ...DEFAULT_RANGES, ...ranges });
    this.#transport = new Transport({ ...DEFAULT_TIMING, ...timing }, proxies);
    this.#tokens = new TokenCache(this.#transport);
    this.#hostDirs = hostDirs;
  }

  resolver(options: RemoteOptions = {}): Resolver {
    return {
      resolve: (name, how = {}) => this.#resolve(name, options, how),
      referrers: (name, how = {}) => this.#referrers(name, options, how),
      pusher: (name) => this.#pusher(name, options),
      authenticate: (host, signal) => this.#authenticate(host, options, signal),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]();
  }

  async #resolve(name: string, remote: RemoteOptions, options: ResolveOptions): Promise<Resolved> {
    const reference = parseReference(name);
    const pinned = pinnedDigestOf(reference);
    const use = { repository: repositoryOf(reference, name), name };
    const endpoints = await this.#endpoints(hostOf(reference), remote);
    const clients = new Map(endpoints.map((endpoint) => [endpoint, this.#client(endpoint, use, remote)]));
    const clientsWith = (capability: Capability): RepositoryClient[] =>
      [...clients].flatMap(([endpoint, client]) => (endpoint.capabilities.has(capability) ? [client] : []));
    const asked = clientsWith(pinned === undefined ? 'resolve' : 'pull');
    const object = await resolveAtFirst(asked, tagOf(reference), pinned, name, options);
    const { target } = object;
    return {
      ...{ name, target, fetcher: new RepositoryFetcher(clientsWith('pull'), name, object, this.#streams) },
      referrers: (how = {}) => referrersAtFirst(clientsWith('resolve'), target.digest, name, how),
    };
  }

  async #referrers(name: string, remote: RemoteOptions, options: ReferrersOptions): Promise<Referrers> {
    const resolved = await this.#resolve(name, remote, options.signal ? { signal: options.signal } : {});
    return { name, target: resolved.target, referrers: await resolved.referrers(options) };
  }

  async #pusher(name: string, remote: RemoteOptions): Promise<Pusher> {
    const reference = parseReference(name);
    const use: RepositoryUse = { repository: repositoryOf(reference, name), name, actions: 'pull,push' };
    const endpoints = await this.#endpoints(hostOf(reference), remote);
    const endpoint = endpoints.find(({ capabilities }) => capabilities.has('push'));
    if (!endpoint) throw nobody(name, 'push');
    return new RepositoryPusher(this.#client(endpoint, use, remote), reference);
  }

  async #authenticate(host: string, remote: RemoteOptions, signal?: AbortSignal): Promise<void> {
    const endpoints = await this.#endpoints(host, remote);
    const endpoint = endpoints.find(({ namespace }) => namespace === undefined) ?? endpoints.at(-1);
    if (!endpoint) throw nobody(host, 'pull');
    const client = this.#client(endpoint, { name: host }, remote);
    const request = { method: 'GET', path: '', connectTries: 1, what: host, signal } as const;
    const response = await client.request(request);
    if (response.status !== 200) throw await failureOf(response, host);
    await response.discard();
    if (client.authorizer.known || !remote.credentials) return;
    throw new DaemonError('failed-precondition', `${host} asks for no user and password; there is no need to log in`);
  }

  #endpoints(host: string, { hostDir, plainHttp = false }: RemoteOptions): Promise<Endpoint[]> {
    return endpointsFor(host, hostDir === undefined ? this.#hostDirs : [hostDir], plainHttp);
  }

  #client(endpoint: Endpoint, use: RepositoryUse, remote: RemoteOptions): RepositoryClient {
    return new RepositoryClient({ transport: this.#transport, tokens: this.#tokens }, endpoint, use, remote);
  }
}

/** Asks one after another; what the last one says counts when nobody has it. */
async function resolveAtFirst(
  clients: readonly RepositoryClient[],
  tag: string,
  pinned: Digest | undefined,
  name: string,
  options: ResolveOptions,
): Promise<ResolvedObject> {
  for (const [index, client] of clients.entries()) {
    const next = clients[index + 1];
    try {
      return await resolveObject(client, tag, pinned, name, { ...options, tries: next && TRIES_WITH_OTHERS });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!next) throw error;
      options.onWait?.({ reason: `${messageOf(error)}; trying ${next.endpoint.host}`, delayMs: 0 });
    }
  }
  throw nobody(name, pinned === undefined ? 'resolve' : 'pull');
}

/** The first list with something in it: a mirror seldom has what refers to an image. */
async function referrersAtFirst(
  clients: readonly RepositoryClient[],
  subject: Digest,
  name: string,
  { artifactType, signal }: ReferrersOptions,
): Promise<readonly Descriptor[]> {
  let failure: Error | undefined = clients.length === 0 ? nobody(name, 'resolve') : undefined;
  for (const client of clients) {
    try {
      const found = await listReferrers(client, subject, artifactType, { what: name, signal });
      if (found.length > 0) return found;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Error)) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return [];
}

function nobody(name: string, capability: Capability): DaemonError {
  return new DaemonError(
    'failed-precondition',
    `${name}: no host in its hosts.toml has the capability "${capability}"; add it to one of them`,
  );
}

/** Only what fits the grammar gets into a URL. */
function repositoryOf(reference: Reference, name: string): string {
  const path = pathOf(reference);
  const quoted = JSON.stringify(name.slice(0, 256));
  if (!isRepositoryPath(path)) {
    throw new DaemonError(
      'invalid-argument',
      `image name ${quoted} has no proper repository after the host, such as library/redis`,
    );
  }
  const tag = tagOf(reference);
  if (tag !== '' && !isTag(tag)) throw new DaemonError('invalid-argument', `image name ${quoted} has no proper tag`);
  return path;
}
