import { DaemonError } from '../base/errors.js';
import type { BlobStore } from '../core/content/blob-store.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Snapshotter } from '../core/snapshots/snapshotter.js';
import { RemoteBlobs } from '../remote/blobs.js';
import { remoteSnapshots } from '../remote/snapshots.js';
import type { Channel } from '../rpc/channel.js';
import { wholeSchema } from '../rpc/whole.js';
import type { Config } from './config.js';

/** A program that fetches what it shows may take its time; one that never answers holds nobody for ever. */
const TIMEOUT_MS = 10 * 60 * 1000;

/** A snapshotter behind a socket. */
export interface SnapshotProxy {
  readonly name: string;
  readonly address: string;
  readonly snapshots: Scoped<Snapshotter>;
}

/** A content store behind a socket. */
export interface ContentProxy {
  readonly name: string;
  readonly address: string;
  readonly blobs: BlobStore;
}

/** What other programs do for the daemon. */
export interface ProxyPlugins extends Disposable {
  readonly snapshotters: readonly SnapshotProxy[];
  /** Takes the place of the daemon's own. */
  readonly content: ContentProxy | undefined;
}

/**
 * Opens the configured plugins; the programs need not run yet, and are connected anew whenever they come back.
 *
 * @param taken Names of our own snapshotters.
 * @throws invalid-argument: a snapshotter by one of those names, or a second content store.
 */
export async function openProxyPlugins(
  { proxy_plugins: plugins }: Config,
  taken: readonly string[],
): Promise<ProxyPlugins> {
  const named = Object.entries(plugins).map(([name, plugin]) => ({ name, ...plugin }));
  const wrong = named.find(({ name, type }) => type === 'snapshot' && taken.includes(name));
  if (wrong) {
    throw new DaemonError(
      'invalid-argument',
      `proxy plugin ${wrong.name}: a snapshotter of wharfd has that name: choose another`,
    );
  }
  const [content, second] = named.filter(({ type }) => type === 'content');
  if (content && second) {
    const both = `${content.name} and ${second.name}`;
    throw new DaemonError('invalid-argument', `proxy plugins ${both}: only one content store can be used: remove one`);
  }
  if (named.length === 0) return { snapshotters: [], content: undefined, [Symbol.dispose]: () => undefined };
  // A daemon without plugins is no client of anybody's, and needs no gRPC for clients in memory.
  const { Channel } = await import('../rpc/channel.js');
  const channels: Channel[] = [];
  const open = (peer: string, address: string): Channel => {
    const channel = new Channel({ address, peer, schema: wholeSchema, timeoutMs: TIMEOUT_MS, reconnectMs: 1000 });
    channels.push(channel);
    return channel;
  };
  const snapshotters = named
    .filter(({ type }) => type === 'snapshot')
    .map(({ name, address }) => {
      return { name, address, snapshots: remoteSnapshots(open(`snapshotter ${name}`, address), name) };
    });
  return {
    snapshotters,
    content: content && {
      name: content.name,
      address: content.address,
      blobs: new RemoteBlobs(open(`content store ${content.name}`, content.address), content.name, TIMEOUT_MS),
    },
    [Symbol.dispose]: () => {
      for (const channel of channels) channel.close();
    },
  };
}
