import { randomUUID } from 'node:crypto';
import { DaemonError } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';
import { LABELS, ROOT_LABEL_PATHS, rootLabels } from '../../spec/labels.js';
import type { ContainerStore } from '../containers/container-store.js';
import type { ContentStore } from '../content/content-store.js';
import type { StoredObject } from '../gc/graph.js';
import { OwnerGraph, ownerId } from '../gc/owners.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import type { Rootfs } from './rootfs.js';

export interface KeptRootfsParts {
  readonly rootfs: Rootfs;
  /** @param name Empty for the default. @throws not-found: no snapshotter of that name. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
  readonly defaultSnapshotter: string;
  readonly leases: Scoped<LeaseStore>;
  readonly containers: Scoped<ContainerStore>;
  readonly content: Scoped<ContentStore>;
  /** Everything that the collector knows. */
  readonly objects: () => Iterable<StoredObject>;
  readonly collection: { request(): void; run(): Promise<unknown> };
}

/**
 * Root file systems that somebody asks for by hand. What is made is kept, by the label `gc.root` with the time and one that names the
 * command, until `remove`; a lease in the scope keeps it instead.
 */
export interface KeptRootfs extends Pick<Rootfs, 'mounts' | 'prepare'> {
  /** As Rootfs has it. */
  readonly unpack: Rootfs['unpackManifest'];
  /**
   * Removes a snapshot of `prepare`; lets a chain of `unpack` go, with what ties it to content that no image, container or lease needs.
   *
   * @returns True when the name stays, as something else keeps it.
   * @throws not-found. failed-precondition: a container uses it, or other snapshots are built on it.
   */
  remove(
    scope: Scope,
    request: { readonly key: string; readonly snapshotter: string; readonly sync: boolean },
  ): Promise<boolean>;
}

export function createKeptRootfs(parts: KeptRootfsParts): KeptRootfs {
  const { rootfs, snapshots, collection } = parts;
  return {
    async unpack(scope, target, options) {
      if (scope.lease !== undefined) return rootfs.unpackManifest(scope, target, options);
      const leases = parts.leases(scope);
      const { id } = await leases.create({ id: `wharfd-unpack-${randomUUID()}`, labels: {} }, true);
      try {
        const unpacked = await rootfs.unpackManifest({ ...scope, lease: id }, target, options);
        if (unpacked.chainId !== undefined) {
          const labels = rootLabels(`dist rootfs unpack ${target}`);
          await snapshots(scope, unpacked.snapshotter).update(unpacked.chainId, labels, ROOT_LABEL_PATHS);
        }
        return unpacked;
      } finally {
        await leases.delete(id);
      }
    },
    prepare(scope, request) {
      if (scope.lease !== undefined) return rootfs.prepare(scope, request);
      const kept = rootLabels(`dist rootfs prepare ${request.chainId} ${request.key}`);
      return rootfs.prepare(scope, { ...request, labels: { ...request.labels, ...kept } });
    },
    mounts: (scope, key, snapshotter) => rootfs.mounts(scope, key, snapshotter),
    async remove(scope, { key, snapshotter, sync }) {
      const name = snapshotter === '' ? parts.defaultSnapshotter : snapshotter;
      const { kind } = await snapshots(scope, name).stat(key);
      if (kind === 'committed') await letChainGo(parts, scope, name, key);
      else await removePrepared(parts, scope, name, key);
      if (sync) await collection.run();
      else collection.request();
      return isKept(parts, scope, name, key);
    },
  };
}

async function removePrepared(parts: KeptRootfsParts, scope: Scope, snapshotter: string, key: string): Promise<void> {
  const users = (await parts.containers(scope).list()).filter(
    (container) => container.snapshotKey === key && container.snapshotter === snapshotter,
  );
  const [user] = users;
  if (user) {
    throw new DaemonError(
      'failed-precondition',
      `snapshot ${key} is what container ${user.id} stands on: delete that one ("ctr delete ${user.id}")`,
    );
  }
  await parts.snapshots(scope, snapshotter).remove(key);
}

async function letChainGo(parts: KeptRootfsParts, scope: Scope, snapshotter: string, chain: string): Promise<void> {
  await parts.snapshots(scope, snapshotter).update(chain, {}, ROOT_LABEL_PATHS);
  const label = `${LABELS.gcRefSnapshot}.${snapshotter}`;
  const graph = new OwnerGraph(parts.objects());
  const users = [...graph.roots(Date.now())].filter(({ object }) => USERS.has(object.kind));
  const used = graph.reach(users);
  const content = parts.content(scope);
  for (const object of graph.objects()) {
    if (object.kind !== 'content' || object.namespace !== scope.namespace || object.labels[label] !== chain) continue;
    if (!used.has(ownerId(object))) await content.update(object.key as Digest, {}, [`labels.${label}`]);
  }
}

/** Who needs what is below it for its own work; what only bears `gc.root` just lies there. */
const USERS: ReadonlySet<string> = new Set(['image', 'container', 'lease', 'ingest']);

function isKept(parts: KeptRootfsParts, { namespace }: Scope, snapshotter: string, key: string): boolean {
  const graph = new OwnerGraph(parts.objects());
  return graph
    .reach(graph.roots(Date.now()))
    .has(ownerId({ kind: 'snapshot', namespace, key: `${snapshotter}/${key}` }));
}
