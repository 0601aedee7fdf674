import type {
  BlobReader,
  Chunk,
  ContentInfo,
  ContentStore,
  Expected,
  IngestStatus,
} from '../core/content/content-store.js';
import type { Scope } from '../core/namespaces/scope.js';
import type { Channel } from '../rpc/channel.js';
import type { CallOptions, Incoming, ServiceClient } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import { DaemonError } from '../base/errors.js';
import { parseDigest, type Digest } from '../spec/digest.js';
import type { Labels } from '../spec/labels.js';
import { answered } from './conversions.js';
import { RemoteWriter } from './content-writer.js';

type Client = ServiceClient<'containerd.services.content.v1.Content'>;

/** Bytes take the time that they take. */
const ENDLESS = { timeoutMs: 0 } as const;

/** The content store of a daemon, over its socket. */
export function remoteContent(channel: Channel): (scope: Scope) => RemoteContent {
  const client = channel.service('containerd.services.content.v1.Content');
  return (scope) => new RemoteContent(client, scope);
}

export class RemoteContent implements ContentStore {
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(client: Client, scope: Scope) {
    this.#client = client;
    this.#scope = scope;
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return fromWireInfo((await this.#client.info({ digest }, this.#scope)).info);
  }

  async update(digest: Digest, labels: Labels, fieldPaths: readonly string[] = []): Promise<ContentInfo> {
    const request = { info: { digest, labels }, update_mask: { paths: [...fieldPaths] } };
    return fromWireInfo((await this.#client.update(request, this.#scope)).info);
  }

  async *list(filters: readonly string[] = [], signal?: AbortSignal): AsyncGenerator<ContentInfo> {
    for await (const { info } of this.#client.list({ filters: [...filters] }, this.#options(signal))) {
      yield* info.map(fromWireInfo);
    }
  }

  async delete(digest: Digest): Promise<void> {
    await this.#client.delete({ digest }, this.#scope);
  }

  async open(digest: Digest, signal?: AbortSignal): Promise<BlobReader> {
    const { info } = await this.#client.info({ digest }, this.#options(signal));
    return new RemoteBlob(this.#client, this.#scope, fromWireInfo(info));
  }

  writer(ref: string, expected: Expected = {}, signal?: AbortSignal): Promise<RemoteWriter> {
    const committed = (digest: Digest) => this.info(digest);
    return RemoteWriter.open(
      (requests) => this.#client.write(requests, { ...this.#options(signal), ...ENDLESS }),
      committed,
      ref,
      expected,
    );
  }

  async status(ref: string): Promise<IngestStatus> {
    return fromWireStatus((await this.#client.status({ ref }, this.#scope)).status);
  }

  async statuses(filters: readonly string[] = []): Promise<readonly IngestStatus[]> {
    return (await this.#client.listStatuses({ filters: [...filters] }, this.#scope)).statuses.map(fromWireStatus);
  }

  async abort(ref: string): Promise<void> {
    await this.#client.abort({ ref }, this.#scope);
  }

  #options(signal: AbortSignal | undefined): CallOptions {
    return signal ? { ...this.#scope, signal } : this.#scope;
  }
}

/** A blob read by calls of their own: a range that was begun is read to its end, also when the name is deleted meanwhile. */
class RemoteBlob implements BlobReader {
  readonly digest: Digest;
  readonly size: number;
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(client: Client, scope: Scope, { digest, size }: ContentInfo) {
    this.#client = client;
    this.#scope = scope;
    this.digest = digest;
    this.size = size;
  }

  async *chunks(
    range: { readonly from?: number; readonly to?: number } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<Chunk> {
    const { from = 0, to = this.size } = range;
    if (from < 0 || from > to || to > this.size) {
      throw new DaemonError(
        'out-of-range',
        `content ${this.digest}: bytes ${from} to ${to} are outside its ${this.size}`,
      );
    }
    if (from === to) return;
    const request = { digest: this.digest, offset: fromInteger(from), size: fromInteger(to - from) };
    const options = signal ? { ...this.#scope, ...ENDLESS, signal } : { ...this.#scope, ...ENDLESS };
    let at = from;
    for await (const { data } of this.#client.read(request, options)) {
      yield { offset: at, bytes: data };
      at += data.length;
    }
    if (at !== to)
      throw new DaemonError('data-loss', `content ${this.digest}: the stream ended at byte ${at} of ${to}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function fromWireInfo(wire: Incoming<'containerd.services.content.v1.Info'> | null): ContentInfo {
  const { digest, size, created_at, updated_at, labels } = answered(wire, 'info');
  return {
    digest: parseDigest(digest),
    size: toSafeNumber(size),
    createdAt: answered(dateOfTimestamp(created_at), 'time'),
    updatedAt: answered(dateOfTimestamp(updated_at), 'time'),
    labels,
  };
}

function fromWireStatus(wire: Incoming<'containerd.services.content.v1.Status'> | null): IngestStatus {
  const { ref, offset, total, expected, started_at, updated_at } = answered(wire, 'status');
  return {
    ref,
    offset: toSafeNumber(offset),
    total: toSafeNumber(total),
    ...(expected !== '' && { expected: parseDigest(expected) }),
    startedAt: answered(dateOfTimestamp(started_at), 'time'),
    updatedAt: answered(dateOfTimestamp(updated_at), 'time'),
  };
}
