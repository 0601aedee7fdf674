import { isKind, messageOf } from '../../base/errors.js';
import type { Event } from '../events/journal.js';
import type { Scope } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import { stoppedRecord, type Exits } from './exits.js';
import type { ExecutionPorts } from './parts.js';
import type { ExitRecord, ProcessKey, RuntimeProcess } from './runtime.js';
import { taskEvents } from './task-events.js';
import type { ProcessRecord, TaskIndex } from './task-store.js';
import { Task, TaskProcess, type TaskTable } from './task-table.js';

/** What recovery works on. */
export interface RecoveryParts {
  readonly ports: ExecutionPorts;
  readonly index: TaskIndex;
  readonly table: TaskTable;
  readonly exits: Exits;
  /** Undoes a run that was not finished when the daemon died: bundle, container, snapshot, record. */
  readonly undo: (scope: Scope, record: ProcessRecord) => Promise<void>;
}

/**
 * Finds all processes again after a restart of the daemon, and puts right what the records do not know yet: ends that came meanwhile
 * are journalled (execs before their init), tasks of another boot are dropped, bundles that no record knows are removed. One broken
 * task does not keep the others from coming back.
 */
export async function recoverTasks(parts: RecoveryParts): Promise<void> {
  const { ports, index, exits } = parts;
  for (const namespace of await index.namespaces()) {
    const scope = { namespace };
    for (const [containerId, records] of byContainer(await ports.tasks(scope).list())) {
      await recoverTask(parts, scope, records).catch((error: unknown) => {
        ports.log.error({ namespace, containerId, error: messageOf(error) }, 'a task could not be recovered');
      });
    }
  }
  await nextTick();
  await exits.settled();
  await removeStrays(parts);
}

async function recoverTask(parts: RecoveryParts, scope: Scope, records: readonly ProcessRecord[]): Promise<void> {
  const { ports, table, exits } = parts;
  const init = records.find((record) => record.execId === '');
  if (!init) {
    for (const { containerId, execId } of records) await ports.tasks(scope).delete(containerId, execId);
    return;
  }
  if (init.state === 'creating') {
    await parts.undo(scope, init);
    return;
  }
  if (detailsOf(init).bootId !== ports.bootId) {
    await dropTask(ports, scope, init);
    return;
  }
  const execs: TaskProcess[] = [];
  for (const record of records) if (record !== init) execs.push(await recoverProcess(ports, scope, record));
  const task = new Task(scope, await recoverProcess(ports, scope, init));
  for (const exec of execs) task.execs.set(exec.execId, exec);
  table.add(task);
  for (const process of [...execs, task.init]) if (process.record.state !== 'stopped') exits.watch(task, process);
}

/** The process as it is now; one that should be there and is not has ended with a status that nobody can tell. */
async function recoverProcess(ports: ExecutionPorts, scope: Scope, record: ProcessRecord): Promise<TaskProcess> {
  const { containerId, execId } = record;
  const handle = await recoverHandle(ports, { namespace: scope.namespace, containerId, execId });
  const neverStarted = execId !== '' && record.state === 'created';
  if (handle || record.state === 'stopped' || neverStarted) return new TaskProcess(record, handle);
  const exit = lostExit('its files were gone, or damaged, when the daemon came back');
  const stopped = stoppedRecord(record, exit);
  await ports.tasks(scope).put(stopped, [taskEvents.exit(record, exit)]);
  return new TaskProcess(stopped);
}

async function recoverHandle(ports: ExecutionPorts, key: ProcessKey): Promise<RuntimeProcess | undefined> {
  return await ports.runtime.recover(key).catch((error: unknown) => {
    ports.log.error({ ...key, error: messageOf(error) }, 'a process could not be found again; its exit is unknown');
    return undefined;
  });
}

/** Forgets a task of another boot. Its container stays. */
async function dropTask(ports: ExecutionPorts, scope: Scope, init: ProcessRecord): Promise<void> {
  const { containerId } = init;
  await ports.runtime.delete({ namespace: scope.namespace, containerId, execId: '' });
  const events: Event[] = [];
  let last = init;
  if (init.state !== 'stopped') {
    const exit = lostExit('the machine was restarted while it ran');
    events.push(taskEvents.exit(init, exit));
    last = stoppedRecord(init, exit);
  }
  await ports.tasks(scope).delete(containerId, '', [...events, taskEvents.delete(last)]);
}

/** Removes what lies on disk for containers that have no task. */
async function removeStrays({ ports, table }: RecoveryParts): Promise<void> {
  for (const key of await ports.runtime.inventory()) {
    if (key.execId !== '' || table.find({ namespace: key.namespace }, key.containerId)) continue;
    await ports.runtime.delete(key).catch((error: unknown) => {
      if (!isKind(error, 'not-found'))
        ports.log.error({ ...key, error: messageOf(error) }, 'a stray bundle could not be removed');
    });
  }
}

function lostExit(unknownReason: string): ExitRecord {
  return { status: 255, unknown: true, unknownReason, exitedAtNs: BigInt(Date.now()) * 1_000_000n, oomKilled: false };
}

function byContainer(records: readonly ProcessRecord[]): Map<string, ProcessRecord[]> {
  const groups = new Map<string, ProcessRecord[]>();
  for (const record of records) {
    const group = groups.get(record.containerId);
    if (group) group.push(record);
    else groups.set(record.containerId, [record]);
  }
  return groups;
}

/** Lets the ends that are known already reach their watchers. */
async function nextTick(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
