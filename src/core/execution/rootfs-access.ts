import { DaemonError, undefinedIfMissing } from '../../base/errors.js';
import type { Container } from '../containers/container-store.js';
import type { Fd } from '../kernel/directory-files.js';
import type { Mount } from '../kernel/mounts.js';
import { readonlyMounts } from '../kernel/readonly-mounts.js';
import type { Scope } from '../namespaces/scope.js';
import { rootfsOf } from './lifecycle.js';
import type { ExecutionPorts } from './parts.js';
import { parseJson } from './requests.js';
import type { RunPorts } from './run.js';
import { runRecordOf } from './run-record.js';
import type { TaskTable } from './task-table.js';
import type { Tasks } from './tasks.js';

export interface RootUse {
  readonly writes: boolean;
  readonly signal: AbortSignal;
}

/** A container's root directory, open. Paths in it are resolved with it as their root; its content is hostile. */
export interface OpenRoot {
  readonly root: Fd;
  /** Of the container's process, where it runs. */
  readonly pid?: number;
  /** That of the use, and for one that does not run the moment when it is to run. */
  readonly signal: AbortSignal;
}

type AccessPorts = Pick<ExecutionPorts, 'containers'> & Pick<RunPorts, 'snapshots' | 'view'>;

/** Of a spec that may be another client's. */
interface AnyMount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

interface Rootfs {
  readonly root?: { readonly readonly?: boolean };
  readonly mounts?: readonly AnyMount[];
}

/**
 * Runs `work` on a container's files: as its processes see them where it runs, else on its root file system with its bind mounts,
 * mounted for the time. A container that is started then takes them away.
 *
 * @throws not-found. failed-precondition: there is no root file system that is known of.
 */
export async function withRoot<T>(
  scope: Scope,
  ports: AccessPorts,
  { tasks, table }: { readonly tasks: Tasks; readonly table: TaskTable },
  id: string,
  use: RootUse,
  work: (open: OpenRoot) => Promise<T>,
): Promise<T> {
  const container = await ports.containers(scope).get(id);
  const task = await tasks.get(id, '').catch(undefinedIfMissing);
  if (!task || task.status === 'stopped') return await whileStopped(scope, ports, table, container, use, work);
  const root = ports.view.openRootOf(task.pid);
  try {
    // Its number may have been another's when it was opened.
    if ((await tasks.get(id, '')).status === 'stopped')
      throw new DaemonError('failed-precondition', `container ${id} has just ended: try again`);
    return await work({ root, pid: task.pid, signal: use.signal });
  } finally {
    ports.view.closeRoot(root);
  }
}

async function whileStopped<T>(
  scope: Scope,
  ports: AccessPorts,
  table: TaskTable,
  container: Container,
  { writes, signal }: RootUse,
  work: (open: OpenRoot) => Promise<T>,
): Promise<T> {
  using held = table.hold(scope, container.id);
  const mounts = await rootfsOf(scope, ports, container, runRecordOf(container) ?? {});
  if (mounts.length === 0)
    throw new DaemonError(
      'failed-precondition',
      `container ${container.id} has no root file system while it does not run`,
    );
  const spec = parseJson(container.spec?.value ?? Buffer.from('{}'), `spec of ${container.id}`) as Rootfs;
  const readonly = !writes || spec.root?.readonly === true;
  const until = AbortSignal.any([signal, held.signal]);
  return await ports.view.mounted(readonly ? readonlyMounts(mounts) : mounts, bindsOf(spec), (root) =>
    work({ root, signal: until }),
  );
}

function bindsOf({ mounts = [] }: Rootfs): Mount[] {
  return mounts
    .filter(({ type, options = [] }) => type === 'bind' || options.includes('bind') || options.includes('rbind'))
    .map(({ source = '', destination, options = [] }) => ({
      ...{ type: 'bind', source, target: destination },
      options: options.includes('ro') ? ['rbind', 'ro'] : ['rbind', 'rw'],
    }));
}
