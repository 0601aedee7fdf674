import { DaemonError, messageOf } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';
import { LABELS } from '../../spec/labels.js';
import type { BlobStore } from '../content/blob-store.js';
import type { ContentStore } from '../content/content-store.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scoped } from '../namespaces/scope.js';
import type { RemoteOptions, Remotes, Resolver } from '../remotes/remotes.js';
import { BlobFetching } from '../transfer/blob-fetching.js';
import { OperationLease } from '../transfer/operation-lease.js';

export interface BlobRepair {
  /**
   * Fetches a broken blob again from one of the repositories that its labels tell. Its broken bytes go first.
   *
   * @param options.resolver Of all repairs of one check, so that a registry is logged in to once.
   * @throws not-found: no label tells where it came from. Else what the last repository answered.
   */
  repair(
    digest: Digest,
    namespaces: readonly string[],
    options: { readonly resolver: Resolver; readonly signal: AbortSignal },
  ): Promise<void>;
  /** @param how The registries are to be reached. */
  resolver(how: RemoteOptions): Resolver;
}

export function createBlobRepair(parts: {
  readonly content: Scoped<ContentStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly blobs: Pick<BlobStore, 'remove'>;
  readonly remotes: Remotes;
}): BlobRepair {
  const fetching = new BlobFetching(parts.content);
  return {
    resolver: (how) => parts.remotes.resolver(how),
    async repair(digest, namespaces, { resolver, signal }) {
      const sources = await sourcesOf(parts.content, digest, namespaces);
      if (sources.length === 0) {
        throw new DaemonError('not-found', 'no label tells from where it came: pull its image again');
      }
      const failures: string[] = [];
      for (const { namespace, name } of sources) {
        try {
          const { target, fetcher } = await resolver.resolve(name, { signal });
          const lease = await OperationLease.open(parts.leases, { namespace }, `fsck ${digest}`);
          try {
            await parts.blobs.remove(digest);
            await fetching.fetch({ target, fetcher, lease, watcher: SILENT_WATCHER, signal });
            await lease.end('done');
            return;
          } catch (error) {
            await lease.end('failed');
            throw error;
          }
        } catch (error) {
          signal.throwIfAborted();
          failures.push(messageOf(error));
        }
      }
      throw new DaemonError('unavailable', failures.join('; '));
    },
  };
}

const SILENT_WATCHER = { downloading: () => undefined, waiting: () => undefined };

async function sourcesOf(
  content: Scoped<ContentStore>,
  digest: Digest,
  namespaces: readonly string[],
): Promise<readonly { readonly namespace: string; readonly name: string }[]> {
  const found: { namespace: string; name: string }[] = [];
  const prefix = `${LABELS.distributionSource}.`;
  for (const namespace of namespaces) {
    const { labels } = await content({ namespace }).info(digest);
    for (const [key, value] of Object.entries(labels)) {
      if (!key.startsWith(prefix)) continue;
      const host = key.slice(prefix.length);
      for (const path of value.split(',')) found.push({ namespace, name: `${host}/${path}@${digest}` });
    }
  }
  return found;
}
