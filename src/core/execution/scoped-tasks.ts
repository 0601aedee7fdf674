import { abortable } from '../../base/abort.js';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import { fieldOfMap, parseFilters } from '../../spec/filter.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { Scope } from '../namespaces/scope.js';
import { attachTo } from './attaching.js';
import { detailsOf, withDetails } from './details.js';
import type { Exits } from './exits.js';
import { DRAIN_MS, settlesWithin, type ExecutionPorts } from './parts.js';
import { argsOf, createError, sharesPids, taskRuntime } from './requests.js';
import type { CreateRequest } from './runtime.js';
import { execAudit, taskEvents } from './task-events.js';
import type { ProcessRecord, TaskStore } from './task-store.js';
import { exitOf, Task, TaskProcess, viewOf, type TaskTable } from './task-table.js';
import type {
  AttachedProcess,
  AttachOptions,
  ExecDraft,
  ProcessExit,
  ProcessView,
  TaskDraft,
  Tasks,
  TaskStats,
  WindowSize,
} from './tasks.js';

const SIGKILL = 9;

/** The tasks of one namespace; cheap to make, all state is in the table. */
export class ScopedTasks implements Tasks {
  readonly #scope: Scope;
  readonly #ports: ExecutionPorts;
  readonly #table: TaskTable;
  readonly #exits: Exits;
  readonly #store: TaskStore;

  constructor(scope: Scope, ports: ExecutionPorts, table: TaskTable, exits: Exits) {
    this.#scope = scope;
    this.#ports = ports;
    this.#table = table;
    this.#exits = exits;
    this.#store = ports.tasks(scope);
  }

  async create(containerId: string, draft: TaskDraft): Promise<ProcessView> {
    const { runtime, cgroups, bundleRoot, bootId, log } = this.#ports;
    cgroups.expectMove();
    const container = await this.#ports.containers(this.#scope).get(containerId);
    const chosen = await taskRuntime(container, draft, this.#ports);
    if (!container.spec) throw new DaemonError('failed-precondition', `container ${containerId} has no spec`);
    using _ = this.#table.reserve(this.#scope, containerId);
    await this.#table.vacate(this.#scope, containerId);
    const { namespace } = this.#scope;
    const request: CreateRequest = {
      ...{
        namespace,
        containerId,
        execId: '',
        spec: container.spec.value,
        rootfs: draft.rootfs,
        stdio: draft.stdio,
        ...chosen,
      },
      ...(draft.socketStdio && { log: true, waitForReader: draft.startOnAttach ?? false }),
      ...(draft.logLimits && { logLimits: draft.logLimits }),
    };
    const handle = await runtime.create(request).catch((cause: unknown) => {
      throw createError(cause);
    });
    const record: ProcessRecord = {
      ...{ containerId, execId: '', state: 'created', pid: handle.pid, ...draft.stdio },
      details: { bootId, sharedPids: sharesPids(container.spec.value), ...wishesOf(draft) },
    };
    const created = { bundle: `${bundleRoot}/${namespace}/${containerId}`, rootfs: draft.rootfs, stdio: draft.stdio };
    try {
      await this.#store[draft.reserved ? 'put' : 'create'](record, [taskEvents.create(record, created)]);
      if (draft.noStdin) await handle.closeStdin();
    } catch (cause) {
      await runtime.delete(handle.key).catch((error: unknown) => {
        log.error({ ...handle.key, error: messageOf(error) }, 'a container without a record could not be removed');
      });
      throw cause;
    }
    const task = new Task(this.#scope, new TaskProcess(record, handle));
    this.#table.add(task);
    this.#exits.watch(task, task.init);
    return viewOf(task.init);
  }

  async start(containerId: string, execId: string): Promise<ProcessView> {
    return await this.#inTurn(containerId, async (task) => {
      const process = task.process(execId);
      if (process.record.state !== 'created')
        throw new DaemonError('unknown', `cannot start a ${process.status} process`);
      await (execId === '' ? this.#startInit(task) : this.#startExec(task, process));
      return viewOf(process);
    });
  }

  async exec(containerId: string, draft: ExecDraft): Promise<void> {
    const { execId, stdio } = draft;
    checkIdentifier(execId, 'exec id');
    const args = argsOf(draft.process);
    // Clients start it right after this.
    this.#ports.cgroups.expectMove();
    await this.#inTurn(containerId, async (task) => {
      const state = task.initEnded ? 'stopped' : task.init.status;
      if (state === 'stopped' || state === 'paused')
        throw new DaemonError('unknown', `cannot exec in a ${state} state`);
      if (task.execs.has(execId)) throw new DaemonError('already-exists', `id ${execId}: already exists`);
      const process = Buffer.from(draft.process).toString();
      const record: ProcessRecord = {
        ...{ containerId, execId, state: 'created', pid: 0, ...stdio },
        details: { bootId: this.#ports.bootId, process, ...wishesOf(draft) },
      };
      await this.#store.create(record, [taskEvents.execAdded(record), execAudit(record, args, draft.peerUid)]);
      task.execs.set(execId, new TaskProcess(record));
    });
  }

  async get(containerId: string, execId: string): Promise<ProcessView> {
    return viewOf((await this.#task(containerId)).process(execId));
  }

  list(): Promise<readonly ProcessView[]> {
    return Promise.resolve(this.#table.list(this.#scope).map(({ init }) => viewOf(init)));
  }

  async kill(containerId: string, execId: string, signal: number, all: boolean): Promise<void> {
    if (!Number.isInteger(signal) || signal < 0 || signal > 64) {
      throw new DaemonError('invalid-argument', `signal ${signal} is none: 1 to 64`);
    }
    await this.#inTurn(containerId, async (task) => {
      const { record } = task.process(execId);
      if (record.state === 'stopped') throw new DaemonError('not-found', 'process already finished: not found');
      if (execId !== '' && record.state === 'created') {
        throw new DaemonError('failed-precondition', 'process not created: failed precondition');
      }
      await this.#ports.runtime.kill(task.key(execId), signal, all && execId === '');
    });
  }

  async wait(containerId: string, execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    const process = (await this.#task(containerId)).process(execId);
    return await abortable(process.ended.promise, signal);
  }

  async delete(containerId: string): Promise<ProcessExit> {
    const found = await this.#task(containerId);
    if (found.init.record.state === 'created') await this.#giveUp(found);
    if (found.init.record.state === 'stopped') await this.#drained(found.init);
    return await this.#inTurn(containerId, async (task) => {
      const { init } = task;
      if (init.record.state !== 'stopped') throw new DaemonError('unknown', `cannot delete a ${init.status} process`);
      await this.#ports.runtime.delete(task.key(''));
      await this.#store.delete(containerId, '', [...init.owed, taskEvents.delete(init.record)]);
      this.#table.remove(task);
      for (const process of [...task.execs.values(), init]) {
        process.ended.resolve({ pid: 0, status: 255, unknown: true, unknownReason: 'it never ran' });
        if (process !== init || !detailsOf(init.record).removeOnExit) process.removed.resolve();
        await this.#release(process);
      }
      return exitOf(init.record);
    });
  }

  async deleteProcess(containerId: string, execId: string): Promise<ProcessExit> {
    const found = (await this.#task(containerId)).process(execId);
    if (execId === '') throw new DaemonError('invalid-argument', 'exec id must not be empty');
    if (found.record.state === 'stopped') await this.#drained(found);
    return await this.#inTurn(containerId, async (task) => {
      const process = task.process(execId);
      if (process.record.state === 'running') throw new DaemonError('unknown', 'cannot delete a running process');
      await this.#store.delete(containerId, execId, process.owed);
      task.execs.delete(execId);
      process.ended.resolve({ pid: 0, status: 255, unknown: true, unknownReason: 'it never ran' });
      process.removed.resolve();
      await this.#release(process);
      return exitOf(process.record);
    });
  }

  async pause(containerId: string): Promise<void> {
    await this.#inTurn(containerId, async (task) => {
      const { status } = task.init;
      if (status === 'created') throw new DaemonError('unknown', 'cannot pause task in created state');
      if (status !== 'running') throw new DaemonError('unknown', `cannot pause a ${status} container`);
      await this.#ports.runtime.pause(task.key(''));
      await this.#put(task.init, withDetails(task.init.record, { paused: true }), 'paused');
    });
  }

  async resume(containerId: string): Promise<void> {
    await this.#inTurn(containerId, async (task) => {
      const { status } = task.init;
      if (status === 'created') throw new DaemonError('unknown', 'cannot resume task in created state');
      if (status === 'running') throw new DaemonError('unknown', 'cannot resume a running process');
      if (status === 'stopped') throw new DaemonError('unknown', 'cannot resume a stopped container');
      await this.#ports.runtime.resume(task.key(''));
      await this.#put(task.init, withDetails(task.init.record, { paused: false }), 'resumed');
    });
  }

  async pids(containerId: string): Promise<readonly { readonly pid: number; readonly execId?: string }[]> {
    return await this.#inTurn(containerId, async (task) => {
      if (task.initEnded) return [];
      const execs = new Map([...task.execs.values()].map((exec) => [exec.record.pid, exec.execId]));
      const pids = await this.#ports.runtime.pids(task.key(''));
      return pids.map((pid) => {
        const execId = execs.get(pid);
        return execId === undefined ? { pid } : { pid, execId };
      });
    });
  }

  async resize(containerId: string, execId: string, size: WindowSize): Promise<void> {
    const process = (await this.#task(containerId)).process(execId);
    if (process.record.state === 'stopped') throw new DaemonError('unknown', 'cannot resize a stopped container');
    await process.handle?.resize(size.columns, size.rows);
  }

  async closeStdin(containerId: string, execId: string): Promise<void> {
    const process = (await this.#task(containerId)).process(execId);
    if (process.record.state !== 'stopped') await process.handle?.closeStdin();
  }

  async update(containerId: string, resources: Uint8Array): Promise<void> {
    await this.#inTurn(containerId, async (task) => {
      if (task.initEnded) throw new DaemonError('unknown', 'cannot update a stopped container');
      await this.#ports.runtime.update(task.key(''), resources);
    });
  }

  async stats(filters: readonly string[]): Promise<readonly TaskStats[]> {
    const fits = parseFilters(filters);
    const { namespace } = this.#scope;
    const wanted = this.#table.list(this.#scope).filter(({ init, containerId: id }) => {
      return init.record.state !== 'stopped' && fits((path) => fieldOfMap({ id, namespace }, path));
    });
    const read = wanted.map(async ({ containerId, init }) => {
      const at = new Date();
      const stats = await this.#ports.cgroups.read(init.record.pid);
      return stats ? [{ containerId, at, stats }] : [];
    });
    return (await Promise.all(read)).flat();
  }

  async attach(containerId: string, execId: string, options: AttachOptions = {}): Promise<AttachedProcess> {
    const process = (await this.#task(containerId)).process(execId);
    return await attachTo(process, () => this.start(containerId, execId), options);
  }

  async #startInit(task: Task): Promise<void> {
    const { init } = task;
    await this.#ports.runtime.start(task.key(''));
    try {
      await this.#put(init, { ...init.record, state: 'running' }, 'start');
    } catch (cause) {
      await this.#ports.runtime.kill(task.key(''), SIGKILL, false);
      throw cause;
    }
    this.#exits.started(task);
  }

  async #startExec(task: Task, process: TaskProcess): Promise<void> {
    const { record } = process;
    const { stdin, stdout, stderr, terminal } = record;
    const { process: spec = '', socketStdio, startOnAttach, noStdin } = detailsOf(record);
    if (task.initEnded) {
      throw new DaemonError('failed-precondition', `container ${task.containerId} init process is not running`);
    }
    try {
      const stdio = { stdin, stdout, stderr, terminal };
      process.handle = await this.#ports.runtime.exec({
        ...{ ...task.key(process.execId), process: Buffer.from(spec), stdio },
        ...(socketStdio && { log: true, waitForReader: startOnAttach ?? false }),
      });
      await this.#put(process, { ...record, state: 'running', pid: process.handle.pid }, 'start');
    } catch (cause) {
      if (process.handle) await this.#ports.runtime.kill(process.handle.key, SIGKILL, false);
      await this.#neverRan(process);
      throw cause;
    }
    this.#exits.watch(task, process);
    if (noStdin) await process.handle.closeStdin();
  }

  /** An exec that the runtime could not start: its waiters go on, and no exit is journalled. */
  async #neverRan(process: TaskProcess): Promise<void> {
    const stopped: ProcessRecord = { ...process.record, state: 'stopped', exitStatus: 255, exitUnknown: true };
    const record = withDetails(stopped, { exitUnknownReason: 'it never ran' });
    await this.#store.put(record);
    process.stored(record);
  }

  /** Ends a task that was created and never started. */
  async #giveUp(task: Task): Promise<void> {
    await task.turn.run(async () => {
      if (task.init.record.state !== 'created') return;
      await this.#ports.runtime.kill(task.key(''), SIGKILL, false).catch((error: unknown) => {
        if (!isKind(error, 'not-found')) throw error;
      });
    });
    await settlesWithin(task.init.ended.promise, DRAIN_MS);
  }

  async #drained(process: TaskProcess): Promise<void> {
    if (process.handle) await settlesWithin(process.handle.drained, DRAIN_MS);
  }

  async #release(process: TaskProcess): Promise<void> {
    await process.handle?.release().catch((error: unknown) => {
      const { containerId, execId } = process.record;
      this.#ports.log.warn(
        { containerId, execId, error: messageOf(error) },
        'the files of a process could not be removed',
      );
    });
  }

  async #put(process: TaskProcess, record: ProcessRecord, event: 'start' | 'paused' | 'resumed'): Promise<void> {
    await this.#store.put(record, [taskEvents[event](record)]);
    process.stored(record);
  }

  /** Runs `work` when nothing else is done to the container. */
  async #inTurn<T>(containerId: string, work: (task: Task) => Promise<T>): Promise<T> {
    const task = await this.#task(containerId);
    return await task.turn.run(async () => {
      if (task.gone) throw notFound(containerId);
      return await work(task);
    });
  }

  async #task(containerId: string): Promise<Task> {
    const task = this.#table.find(this.#scope, containerId);
    if (task) return task;
    await this.#ports.containers(this.#scope).get(containerId);
    throw notFound(containerId);
  }
}

function notFound(containerId: string): DaemonError {
  return new DaemonError('not-found', `task ${containerId} not found: not found`);
}

function wishesOf(draft: Pick<TaskDraft, 'socketStdio' | 'startOnAttach' | 'noStdin' | 'removeOnExit'>) {
  const { socketStdio = false, startOnAttach = false, noStdin = false, removeOnExit = false } = draft;
  return { socketStdio, startOnAttach, noStdin, removeOnExit };
}
