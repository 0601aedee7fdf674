import { isKind, messageOf } from '../../base/errors.js';
import type { Fetcher, FetchOptions } from '../../core/remotes/remotes.js';
import type { Descriptor } from '../../spec/descriptor.js';
import { kindOfMedia } from '../../spec/media-types.js';
import { blobBytes } from './blob-bytes.js';
import type { BlobStreams } from './blob-streams.js';
import type { ResolvedObject } from './document-response.js';
import type { RepositoryClient } from './repository-client.js';

/** How often a host is tried while another one can be asked. */
export const TRIES_WITH_OTHERS = 2;

/** Fetches from the first host that has it, and goes on at the next one where that fails. */
export class RepositoryFetcher implements Fetcher {
  readonly #clients: readonly RepositoryClient[];
  readonly #name: string;
  readonly #streams: BlobStreams;
  readonly #root: ResolvedObject;
  /** Failed already; asked only when nobody else is left. */
  readonly #failing = new Set<RepositoryClient>();

  constructor(clients: readonly RepositoryClient[], name: string, root: ResolvedObject, streams: BlobStreams) {
    this.#streams = streams;
    this.#clients = clients;
    this.#name = name;
    this.#root = root;
  }

  async *fetch(target: Descriptor, options: FetchOptions = {}): AsyncIterable<Uint8Array> {
    let at = options.from ?? 0;
    const { target: root, bytes: known } = this.#root;
    if (target.digest === root.digest && known) {
      yield known.subarray(at);
      return;
    }
    const clients = this.#inOrder();
    for (const [index, client] of clients.entries()) {
      const next = clients[index + 1];
      const tries = next && { tries: TRIES_WITH_OTHERS };
      try {
        for await (const bytes of this.#from(client, target, { ...options, from: at, ...tries })) {
          at += bytes.length;
          yield bytes;
        }
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!next) throw error;
        this.#giveUp(client, error);
        options.onWait?.({ reason: `${messageOf(error)}; trying ${next.endpoint.host}`, delayMs: 0 });
      }
    }
  }

  #giveUp(client: RepositoryClient, error: unknown): void {
    if (!isKind(error, 'not-found')) this.#failing.add(client);
  }

  #from(
    client: RepositoryClient,
    target: Descriptor,
    options: FetchOptions & { readonly tries?: number },
  ): AsyncIterable<Uint8Array> {
    const kind = kindOfMedia(target.mediaType);
    const places = kind === 'manifest' || kind === 'index' ? ['manifests', 'blobs'] : ['blobs', 'manifests'];
    const paths = places.map((place) => `${place}/${target.digest}`);
    const { from = 0, ...how } = options;
    const source = { ...how, client, target, paths, what: `${this.#name}: ${target.digest}` };
    return blobBytes(source, from, this.#streams);
  }

  #inOrder(): RepositoryClient[] {
    return [...this.#clients].sort((a, b) => Number(this.#failing.has(a)) - Number(this.#failing.has(b)));
  }
}
