import { DaemonError, isKind, messageOf } from '../base/errors.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Snapshotter } from '../core/snapshots/snapshotter.js';
import { remoteSnapshots } from '../remote/snapshots.js';
import { Channel } from '../rpc/channel.js';
import { wholeSchema } from '../rpc/whole.js';
import type { Config } from './config.js';

/** A snapshotter that fetches what it mounts may take its time; one that never answers holds nobody for ever. */
const TIMEOUT_MS = 10 * 60 * 1000;

/** A snapshotter behind a socket. */
export interface ProxyPlugin extends Disposable {
  readonly name: string;
  readonly address: string;
  readonly snapshots: Scoped<Snapshotter>;
}

/** The configured snapshotters of other programs; they need not run yet, and are connected anew whenever they come back. */
export function openProxyPlugins({ proxy_plugins: plugins }: Config, taken: readonly string[]): readonly ProxyPlugin[] {
  return Object.entries(plugins).map(([name, { address }]) => {
    if (taken.includes(name)) {
      throw new DaemonError(
        'invalid-argument',
        `proxy plugin ${name}: a snapshotter of wharfd has that name: choose another`,
      );
    }
    const channel = new Channel({ address, schema: wholeSchema, timeoutMs: TIMEOUT_MS, reconnectMs: 1000 });
    const remote = remoteSnapshots(channel, name);
    return {
      name,
      address,
      snapshots: (scope) => explaining(remote(scope), name, address),
      [Symbol.dispose]: () => {
        channel.close();
      },
    };
  });
}

/** Says of which program it is that it can't be reached. */
function explaining(snapshots: Snapshotter, name: string, address: string): Snapshotter {
  const told = <T>(call: Promise<T>): Promise<T> =>
    call.catch((cause: unknown) => {
      if (!isKind(cause, 'unavailable')) throw cause;
      // The whole text would be taken for a connection error of the client's own.
      const why =
        /connect (E[A-Z]+)/.exec(messageOf(cause instanceof Error ? cause.cause : cause))?.[1] ?? 'no connection';
      throw new DaemonError(
        'unavailable',
        `snapshotter ${name} does not answer at ${address} (${why}): start the program that serves it, then try again`,
        { cause },
      );
    });
  return {
    stat: (key) => told(snapshots.stat(key)),
    update: (key, labels, paths) => told(snapshots.update(key, labels, paths)),
    usage: (key, signal) => told(snapshots.usage(key, signal)),
    mounts: (key) => told(snapshots.mounts(key)),
    prepare: (key, parent, labels) => told(snapshots.prepare(key, parent, labels)),
    view: (key, parent, labels) => told(snapshots.view(key, parent, labels)),
    commit: (target, key, labels, signal) => told(snapshots.commit(target, key, labels, signal)),
    remove: (key) => told(snapshots.remove(key)),
    list: (filters) => told(snapshots.list(filters)),
  };
}
