import { DaemonError } from '../base/errors.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { SnapshotInfo, SnapshotKind, Snapshotter } from '../core/snapshots/snapshotter.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';
import { toWireMount } from './descriptors.js';
import { inPages } from './paging.js';

const KINDS = { view: 'VIEW', active: 'ACTIVE', committed: 'COMMITTED' } as const satisfies Record<
  SnapshotKind,
  string
>;

/**
 * containerd.services.snapshots.v1.Snapshots.
 *
 * @param snapshotters By their names.
 * @param collect Resolves when the directories that no snapshot has are gone.
 */
export function createSnapshotsService(
  snapshotters: ReadonlyMap<string, Scoped<Snapshotter>>,
  collect: () => Promise<unknown>,
): ServiceImplementation<'containerd.services.snapshots.v1.Snapshots'> {
  const chosen = (scope: Scope, name: string): Snapshotter => {
    if (name === '') throw new DaemonError('invalid-argument', 'snapshotter argument missing: invalid argument');
    const snapshotter = snapshotters.get(name);
    if (snapshotter) return snapshotter(scope);
    throw new DaemonError('invalid-argument', `snapshotter not loaded: ${name}: invalid argument`);
  };
  return {
    async prepare({ snapshotter, key, parent, labels }, { scope }) {
      return { mounts: (await chosen(scope, snapshotter).prepare(key, parent, labels)).map(toWireMount) };
    },
    async view({ snapshotter, key, parent, labels }, { scope }) {
      return { mounts: (await chosen(scope, snapshotter).view(key, parent, labels)).map(toWireMount) };
    },
    async mounts({ snapshotter, key }, { scope }) {
      return { mounts: (await chosen(scope, snapshotter).mounts(key)).map(toWireMount) };
    },
    async commit({ snapshotter, name, key, labels, parent }, { scope, signal }) {
      const snapshots = chosen(scope, snapshotter);
      if (parent !== '') checkParent(key, parent, (await snapshots.stat(key)).parent);
      await snapshots.commit(name, key, labels, signal);
    },
    async remove({ snapshotter, key }, { scope }) {
      await chosen(scope, snapshotter).remove(key);
    },
    async stat({ snapshotter, key }, { scope }) {
      return { info: toWireInfo(await chosen(scope, snapshotter).stat(key)) };
    },
    async update({ snapshotter, info, update_mask }, { scope }) {
      if (!info) throw new DaemonError('invalid-argument', 'info is missing: invalid argument');
      const updated = await chosen(scope, snapshotter).update(info.name, info.labels, update_mask?.paths);
      return { info: toWireInfo(updated) };
    },
    async *list({ snapshotter, filters }, { scope }) {
      const infos = await chosen(scope, snapshotter).list(filters);
      for await (const page of inPages(infos)) yield { info: page.map(toWireInfo) };
    },
    async cleanup({ snapshotter }, { scope }) {
      chosen(scope, snapshotter);
      await collect();
    },
    async usage({ snapshotter, key }, { scope, signal }) {
      const { size, inodes } = await chosen(scope, snapshotter).usage(key, signal);
      return { size: fromInteger(size), inodes: fromInteger(inodes) };
    },
  };
}

/** A commit may name the parent that there is; giving one only then is the capability `rebase`, which we don't advertise. */
function checkParent(key: string, wanted: string, parent: string): void {
  if (wanted === parent) return;
  if (parent === '') {
    throw new DaemonError(
      'unimplemented',
      `snapshot ${key} has no parent, and giving it one on commit is not supported`,
    );
  }
  throw new DaemonError(
    'invalid-argument',
    `cannot change parent of active snapshot ${JSON.stringify(key)} on commit: invalid argument`,
  );
}

function toWireInfo(info: SnapshotInfo): Outgoing<'containerd.services.snapshots.v1.Info'> {
  return {
    name: info.name,
    parent: info.parent,
    kind: KINDS[info.kind],
    created_at: timestampOfDate(info.createdAt),
    updated_at: timestampOfDate(info.updatedAt),
    labels: info.labels,
  };
}
