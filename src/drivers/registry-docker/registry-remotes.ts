import { DaemonError } from '../../base/errors.js';
import type {
  Fetcher,
  FetchOptions,
  RemoteOptions,
  Remotes,
  Resolved,
  ResolveOptions,
  Resolver,
} from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { isRepositoryPath, isTag } from '../../spec/familiar-name.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { hostOf, parseReference, pathOf, pinnedDigestOf, tagOf, type Reference } from '../../spec/reference.js';
import { objectBytes } from './blob-stream.js';
import type { ResolvedObject } from './document-response.js';
import { RepositoryClient } from './repository-client.js';
import { resolveObject } from './resolve-object.js';
import { DEFAULT_TIMING, type Timing } from './timing.js';
import { Transport } from './transport.js';

/** Registries that speak the OCI distribution API, which Docker's registry made. */
export class RegistryRemotes implements Remotes, AsyncDisposable {
  readonly #transport: Transport;

  constructor(timing: Partial<Timing> = {}) {
    this.#transport = new Transport({ ...DEFAULT_TIMING, ...timing });
  }

  resolver(options: RemoteOptions = {}): Resolver {
    return { resolve: (name, how = {}) => this.#resolve(name, options, how) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]();
  }

  async #resolve(name: string, remote: RemoteOptions, options: ResolveOptions): Promise<Resolved> {
    const reference = parseReference(name);
    const pinned = pinnedDigestOf(reference);
    const repository = repositoryOf(reference, name);
    const client = new RepositoryClient(this.#transport, hostOf(reference), repository, name, remote);
    const object = await resolveObject(client, tagOf(reference), pinned, name, options);
    return { name, target: object.target, fetcher: new RepositoryFetcher(client, name, object) };
  }
}

class RepositoryFetcher implements Fetcher {
  readonly #client: RepositoryClient;
  readonly #name: string;
  readonly #root: ResolvedObject;

  constructor(client: RepositoryClient, name: string, root: ResolvedObject) {
    this.#client = client;
    this.#name = name;
    this.#root = root;
  }

  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncIterable<Uint8Array> {
    if (target.digest === this.#root.target.digest && this.#root.bytes) {
      yield this.#root.bytes.subarray(options.from ?? 0);
      return;
    }
    const kind = kindOfMedia(target.mediaType);
    const document = kind === 'manifest' || kind === 'index';
    const places = document ? ['manifests', 'blobs'] : ['blobs', 'manifests'];
    const paths = places.map((place) => `${place}/${target.digest}`);
    yield* objectBytes(this.#client, target, paths, `${this.#name}: ${target.digest}`, options);
  }
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
