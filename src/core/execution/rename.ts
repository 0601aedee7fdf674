import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { Scope } from '../namespaces/scope.js';
import type { ExecutionPorts } from './parts.js';
import type { RunPorts } from './run.js';
import { runRecordOf } from './run-record.js';
import { specForId } from './spec-for-id.js';
import type { Tasks } from './tasks.js';

type RenamePorts = Pick<ExecutionPorts, 'containers' | 'logs'> & Pick<RunPorts, 'networks'>;

/**
 * Gives a container another id. Its file system keeps the name it has; the log goes along. The record of a process that has ended goes,
 * as with a start.
 *
 * @throws not-found. already-exists: `newId`. failed-precondition: its process runs, it is another client's, or has a network, whose
 * addresses and files go by the id.
 */
export async function renameContainer(
  scope: Scope,
  ports: RenamePorts,
  tasks: Tasks,
  id: string,
  newId: string,
): Promise<void> {
  checkIdentifier(newId, 'container id');
  const containers = ports.containers(scope);
  const container = await containers.get(id);
  if (await containers.get(newId).catch(undefinedIfMissing)) {
    throw new DaemonError('already-exists', `container ${newId} already exists: choose another id`);
  }
  if (!runRecordOf(container)) refuse(`container ${id} is another client's, which knows it by its id`);
  const [key, newKey] = [keyOf(scope, id), keyOf(scope, newId)];
  if (Object.keys(await ports.networks.filesOf(key)).length > 0) {
    refuse(`container ${id} has a network, which goes by its id: make a new one of it with "ctr fork ${id} ${newId}"`);
  }
  const task = await tasks.get(id, '').catch(undefinedIfMissing);
  if (task && task.status !== 'stopped')
    refuse(`container ${id} is ${task.status}: end it first with "ctr stop ${id}"`);
  // Both have the log until the ids are changed; what is then left over goes, here or at the next start.
  await ports.logs.share(key, newKey);
  const { createdAt: _, updatedAt: __, spec, ...rest } = container;
  try {
    if (task) await tasks.delete(id);
    const changed = spec && { spec: specForId(spec, scope.namespace, id, newId) };
    await containers.rename(id, { ...rest, ...changed, id: newId });
  } catch (cause) {
    await ports.logs.remove(newKey);
    throw cause;
  }
  await ports.logs.remove(key);
}

function keyOf(
  { namespace }: Scope,
  containerId: string,
): { readonly namespace: string; readonly containerId: string } {
  return { namespace, containerId };
}

function refuse(why: string): never {
  throw new DaemonError('failed-precondition', why);
}
