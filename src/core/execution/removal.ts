import { DaemonError, isKind, messageOf, undefinedIfMissing } from '../../base/errors.js';
import type { Container } from '../containers/container-store.js';
import type { NetworkKey } from '../network/container-networks.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import { DRAIN_MS, settlesWithin, type ExecutionPorts } from './parts.js';
import type { RunPorts } from './run.js';
import { runRecordOf } from './run-record.js';
import type { ProcessRecord } from './task-store.js';
import type { Task, TaskProcess } from './task-table.js';
import type { ProcessExit, Tasks } from './tasks.js';

const SIGKILL = 9;

type RemovalPorts = Pick<ExecutionPorts, 'containers' | 'tasks' | 'runtime' | 'logs' | 'log'> &
  Pick<RunPorts, 'snapshots' | 'networks'>;

/** Takes containers away whole: task, container, and the snapshot if a run made it. */
export class Removal {
  readonly #ports: RemovalPorts;
  readonly #tasks: Scoped<Tasks>;
  readonly #pending = new Set<Promise<void>>();

  constructor(ports: RemovalPorts, tasks: Scoped<Tasks>) {
    this.#ports = ports;
    this.#tasks = tasks;
  }

  /** Told of every end: what was to go with its process goes, once the clients at its streams have read everything or left. */
  readonly stopped = (task: Task, process: TaskProcess): void => {
    if (!detailsOf(process.record).removeOnExit) return;
    const { scope, containerId } = task;
    const work = async () => {
      await process.unoccupied();
      if (process.execId === '') await this.remove(scope, containerId, false);
      else await this.#tasks(scope).deleteProcess(containerId, process.execId);
    };
    this.#track(
      work()
        .catch((error: unknown) => {
          if (isKind(error, 'not-found')) return;
          this.#ports.log.error(
            { ...scope, containerId, error: messageOf(error) },
            'a container could not be removed after its end',
          );
        })
        .then(() => process.removed.resolve()),
    );
  };

  /**
   * @param force Kills what runs.
   * @returns How its process ended; undefined when there was no task.
   * @throws not-found. failed-precondition: it runs.
   */
  async remove(scope: Scope, id: string, force: boolean): Promise<ProcessExit | undefined> {
    const container = await this.#ports.containers(scope).get(id);
    const tasks = this.#tasks(scope);
    const task = await tasks.get(id, '').catch(undefinedIfMissing);
    if (task && task.status !== 'stopped') {
      if (!force) throw stillRuns(id, task.status);
      await this.#end(tasks, id);
    }
    const exit = await tasks.delete(id).catch(undefinedIfMissing);
    await this.#removeRest(scope, container);
    return exit;
  }

  /**
   * Deletes the description of a container, and of all else only what nobody but us knows of, its network and logs: tasks and snapshots
   * are for who deletes a container by its parts. While it has a task, the start of the next daemon takes the rest.
   *
   * @throws not-found.
   */
  async forget(scope: Scope, id: string): Promise<void> {
    const containers = this.#ports.containers(scope);
    const exists = await containers.get(id).catch(undefinedIfMissing);
    const task = exists && (await this.#tasks(scope).get(id, '').catch(undefinedIfMissing));
    if (exists && !task) await this.#removeUnseen({ namespace: scope.namespace, containerId: id });
    await containers.delete(id);
  }

  /** Undoes a run whose undoing went wrong; may be called again. @param record As the run began with it. */
  async undoAgain(scope: Scope, record: ProcessRecord): Promise<void> {
    const tasks = this.#tasks(scope);
    const task = await tasks.get(record.containerId, '').catch(undefinedIfMissing);
    if (task) {
      if (task.status !== 'stopped') await this.#end(tasks, record.containerId);
      await tasks.delete(record.containerId);
    }
    await this.undo(scope, record);
  }

  /** Undoes a run that a daemon before this one did not finish. */
  async undo(scope: Scope, record: ProcessRecord): Promise<void> {
    const { containerId } = record;
    const { snapshotter } = detailsOf(record);
    await this.#ports.runtime.delete({ namespace: scope.namespace, containerId, execId: '' });
    const container = await this.#ports.containers(scope).get(containerId).catch(undefinedIfMissing);
    if (container && runRecordOf(container)) await this.#removeRest(scope, container);
    else if (!container && snapshotter !== undefined) await this.#removeSnapshot(scope, snapshotter, containerId);
    await this.#removeUnseen({ namespace: scope.namespace, containerId });
    await this.#ports.tasks(scope).delete(containerId).catch(undefinedIfMissing);
  }

  /** Disconnects containers that are no more. */
  async sweepNetworks(): Promise<void> {
    const { networks, containers } = this.#ports;
    for (const key of await networks.inventory()) {
      const { namespace, containerId } = key;
      if (await containers({ namespace }).get(containerId).catch(undefinedIfMissing)) continue;
      await this.#removeNetwork(key);
    }
  }

  /** What can't be disconnected keeps neither a container from being removed nor the daemon from starting; the next start tries again. */
  async #removeNetwork(key: NetworkKey): Promise<void> {
    await this.#ports.networks.remove(key).catch((error: unknown) => {
      this.#ports.log.error(
        { ...key, error: messageOf(error) },
        'a container could not be disconnected from its network',
      );
    });
  }

  /**
   * Finishes removals that a daemon before this one did not: containers that were to go and have no task any more, and those whose owner
   * is gone, running or not. One that can't be
   * removed does not keep the daemon from starting.
   */
  async sweep(scope: Scope): Promise<void> {
    for (const container of await this.#ports.containers(scope).list()) {
      await this.#sweepOne(scope, container).catch((error: unknown) => {
        const { log } = this.#ports;
        log.error({ ...scope, containerId: container.id, error: messageOf(error) }, 'a container that was to go stays');
      });
    }
  }

  /** Resolves when the removals under way are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #sweepOne(scope: Scope, container: Container): Promise<void> {
    const record = runRecordOf(container);
    if (record?.ephemeral) {
      await this.remove(scope, container.id, true);
      return;
    }
    if (!record?.removeOnExit) return;
    if (await this.#tasks(scope).get(container.id, '').catch(undefinedIfMissing)) return;
    await this.#removeRest(scope, container);
  }

  async #end(tasks: Tasks, id: string): Promise<void> {
    const { status } = await tasks.get(id, '');
    if (status === 'paused') await tasks.resume(id);
    await tasks.kill(id, '', SIGKILL, status !== 'created').catch(undefinedIfMissing);
    await settlesWithin(tasks.wait(id, ''), DRAIN_MS);
  }

  async #removeRest(scope: Scope, container: Container): Promise<void> {
    await this.#removeUnseen({ namespace: scope.namespace, containerId: container.id });
    await this.#ports.containers(scope).delete(container.id).catch(undefinedIfMissing);
    if (runRecordOf(container) && container.snapshotter !== '') {
      await this.#removeSnapshot(scope, container.snapshotter, container.snapshotKey);
    }
  }

  async #removeUnseen(key: NetworkKey): Promise<void> {
    await this.#removeNetwork(key);
    await this.#ports.logs.remove(key);
  }

  async #removeSnapshot(scope: Scope, snapshotter: string, key: string): Promise<void> {
    await this.#ports.snapshots(scope, snapshotter).remove(key).catch(undefinedIfMissing);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }
}

function stillRuns(id: string, status: string): DaemonError {
  return new DaemonError(
    'failed-precondition',
    `container ${id} is ${status}: end it with "ctr kill ${id}", or delete it by force`,
  );
}
