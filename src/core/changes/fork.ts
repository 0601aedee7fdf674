import { randomBytes } from 'node:crypto';
import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { Container, ContainerStore } from '../containers/container-store.js';
import { runExtension, runRecordOf } from '../execution/run-record.js';
import { specForId } from '../execution/spec-for-id.js';
import type { Tasks } from '../execution/tasks.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { isLayered, type Snapshotter } from '../snapshots/snapshotter.js';

export interface ForkPorts {
  readonly containers: Scoped<ContainerStore>;
  readonly tasks: Scoped<Tasks>;
  readonly leases: Scoped<LeaseStore>;
  /** @param name Empty for the default. @throws not-found: no such snapshotter. */
  readonly snapshots: (scope: Scope, name: string) => Snapshotter;
}

/** As ContainerChanges.fork. */
export async function forkContainer(ports: ForkPorts, scope: Scope, id: string, newId: string): Promise<void> {
  checkIdentifier(newId, 'container id');
  const container = await ports.containers(scope).get(id);
  await refuseRunning(ports, scope, id);
  if (await ports.containers(scope).get(newId).catch(undefinedIfMissing)) {
    throw new DaemonError('already-exists', `container ${newId} already exists: choose another id`);
  }
  const leases = ports.leases(scope);
  const { id: lease } = await leases.create({ id: `wharfd-fork-${randomBytes(8).toString('hex')}`, labels: {} }, true);
  try {
    const snapshots = ports.snapshots({ ...scope, lease }, container.snapshotter);
    if (!isLayered(snapshots)) {
      throw new DaemonError(
        'unimplemented',
        `container ${id}: snapshotter ${container.snapshotter} can't fork; commit it`,
      );
    }
    await snapshots.fork(container.snapshotKey, newId);
    try {
      await ports.containers(scope).create(forkOf(container, scope, newId));
    } catch (cause) {
      await snapshots.remove(newId);
      throw cause;
    }
  } finally {
    await leases.delete(lease);
  }
}

/** Its file system can't be taken from under a process. */
async function refuseRunning({ tasks }: ForkPorts, scope: Scope, id: string): Promise<void> {
  const task = await tasks(scope).get(id, '').catch(undefinedIfMissing);
  if (task === undefined || task.status === 'stopped') return;
  throw new DaemonError(
    'failed-precondition',
    `container ${id} is ${task.status}: end its process first ("ctr kill ${id}"), or make an image of it ("ctr commit")`,
  );
}

function forkOf(container: Container, { namespace }: Scope, id: string): Parameters<ContainerStore['create']>[0] {
  const { labels, image, runtime, spec, snapshotter, extensions, sandbox } = container;
  const made = runRecordOf(container) ? runExtension({ removeOnExit: false }) : {};
  return {
    ...{ id, labels, image, runtime, snapshotter, snapshotKey: id, sandbox },
    extensions: { ...extensions, ...made },
    ...(spec && { spec: specForId(spec, namespace, container.id, id) }),
  };
}
