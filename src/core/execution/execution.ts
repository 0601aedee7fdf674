import { randomBytes } from 'node:crypto';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import { execProcess } from '../../spec/runtime-spec-builder.js';
import type { SpecProcess } from '../../spec/runtime-spec.js';
import type { Container } from '../containers/container-store.js';
import type { NamespaceStore } from '../namespaces/namespace-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import { Exits } from './exits.js';
import type { ExecutionPorts } from './parts.js';
import { recoverTasks } from './recovery.js';
import { Removal } from './removal.js';
import { parseJson } from './requests.js';
import { runContainer, type RunPorts, type RunRequest } from './run.js';
import { ScopedTasks } from './scoped-tasks.js';
import type { TaskIndex } from './task-store.js';
import { TaskTable, type TaskProcess } from './task-table.js';
import type { AttachedProcess, ProcessExit, ProcessView, Tasks, WindowSize } from './tasks.js';

/** Milliseconds that a process which waits for its first client is kept. */
const FIRST_CLIENT_MS = 10_000;

/** What the execution needs of the rest of the daemon. */
export interface AllExecutionPorts extends ExecutionPorts, RunPorts {
  readonly index: TaskIndex;
  readonly namespaces: NamespaceStore;
}

/** A process to add to a running container. */
export interface ExecRequest {
  readonly containerId: string;
  /** Empty: one is made up. */
  readonly execId: string;
  readonly process: ProcessOptions;
  /** It starts when the first client attaches. */
  readonly attach: boolean;
  readonly stdin: boolean;
  readonly peerUid?: number;
}

/** A container with the state of its task, where it has one. */
export interface ContainerState {
  readonly container: Container;
  readonly task?: ProcessView;
}

/** Containers as one thing, and the tasks that they are made of. */
export interface Execution extends AsyncDisposable {
  readonly tasks: Scoped<Tasks>;
  /** Makes snapshot, container and task, and starts it or waits for its first client. @throws As runContainer. */
  run(scope: Scope, request: RunRequest): Promise<ProcessView>;
  /** Adds a process like the container's own; its record goes when it ends. @throws failed-precondition: the container does not run. */
  exec(scope: Scope, request: ExecRequest): Promise<ProcessView>;
  /** As Tasks.attach; what waited for this client and could not be started is undone. */
  attach(
    scope: Scope,
    containerId: string,
    execId: string,
    options?: { readonly size?: WindowSize; readonly signal?: AbortSignal },
  ): Promise<AttachedProcess>;
  /** Ordered by id. @param filters Over containers. */
  list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerState[]>;
  /** Removes task, container, and the snapshot that a run made. @throws not-found. failed-precondition: it runs, without `force`. */
  remove(scope: Scope, id: string, force: boolean): Promise<ProcessExit | undefined>;
  /** Finds everything again after a restart of the daemon; before the first client is let in. */
  recover(): Promise<void>;
}

/** Puts the execution together. Disposing leaves all processes running. */
export function createExecution(ports: AllExecutionPorts): Execution {
  return new ExecutionOverPorts(ports);
}

class ExecutionOverPorts implements Execution {
  readonly tasks: Scoped<Tasks>;
  readonly #ports: AllExecutionPorts;
  readonly #table = new TaskTable();
  readonly #exits: Exits;
  readonly #removal: Removal;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(ports: AllExecutionPorts) {
    this.#ports = ports;
    this.#exits = new Exits(ports);
    this.tasks = (scope) => new ScopedTasks(scope, ports, this.#table, this.#exits);
    this.#removal = new Removal(ports, this.tasks);
    this.#exits.onStopped(this.#removal.stopped);
  }

  async run(scope: Scope, request: RunRequest): Promise<ProcessView> {
    const view = await runContainer(scope, this.#ports, this.tasks, request);
    if (request.attach) this.#expectClient(scope, view.containerId, '');
    return view;
  }

  async exec(scope: Scope, request: ExecRequest): Promise<ProcessView> {
    const { containerId, attach, stdin, peerUid } = request;
    const tasks = this.tasks(scope);
    const execId = request.execId === '' ? `exec-${randomBytes(6).toString('hex')}` : request.execId;
    const { pid, status } = await tasks.get(containerId, '');
    if (status !== 'running') {
      throw new DaemonError(
        'failed-precondition',
        `container ${containerId} is ${status}: a process can be added to a running one only`,
      );
    }
    const container = await this.#ports.containers(scope).get(containerId);
    const spec = parseJson(container.spec?.value ?? Buffer.from('{}'), `spec of ${containerId}`) as {
      process?: SpecProcess;
    };
    const user = request.process.user === '' ? undefined : this.#ports.view.ofProcess(pid, request.process.user);
    const process = execProcess(spec.process ?? {}, request.process, user);
    const { terminal } = request.process;
    await tasks.exec(containerId, {
      ...{
        execId,
        process: Buffer.from(JSON.stringify(process)),
        stdio: { stdin: '', stdout: '', stderr: '', terminal },
      },
      ...{ socketStdio: true, startOnAttach: attach, noStdin: !stdin && !terminal, removeOnExit: true },
      ...(peerUid !== undefined && { peerUid }),
    });
    if (attach) {
      this.#expectClient(scope, containerId, execId);
      return await tasks.get(containerId, execId);
    }
    return await tasks.start(containerId, execId).catch(async (cause: unknown) => {
      await tasks.deleteProcess(containerId, execId);
      throw cause;
    });
  }

  async attach(
    scope: Scope,
    containerId: string,
    execId: string,
    options: { readonly size?: WindowSize; readonly signal?: AbortSignal } = {},
  ): Promise<AttachedProcess> {
    return await this.tasks(scope)
      .attach(containerId, execId, options)
      .catch(async (cause: unknown) => {
        await this.#undoUnstarted(scope, containerId, execId);
        throw cause;
      });
  }

  async list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerState[]> {
    const containers = await this.#ports.containers(scope).list(filters);
    const tasks = new Map((await this.tasks(scope).list()).map((view) => [view.containerId, view]));
    return containers.map((container) => {
      const task = tasks.get(container.id);
      return { container, ...(task && { task }) };
    });
  }

  async remove(scope: Scope, id: string, force: boolean): Promise<ProcessExit | undefined> {
    return await this.#removal.remove(scope, id, force);
  }

  async recover(): Promise<void> {
    const { index, namespaces, view } = this.#ports;
    await view.clean();
    const undo = (scope: Scope, record: Parameters<Removal['undo']>[1]) => this.#removal.undo(scope, record);
    await recoverTasks({ ports: this.#ports, index, table: this.#table, exits: this.#exits, undo });
    for (const task of this.#table.all()) {
      for (const process of [...task.execs.values(), task.init]) {
        if (process.record.state === 'stopped') this.#removal.stopped(task, process);
        else if (this.#waits(process.record)) await this.#undoUnstarted(task.scope, task.containerId, process.execId);
      }
    }
    await this.#removal.settled();
    for (const { name } of await namespaces.list()) await this.#removal.sweep({ namespace: name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#exits.close();
    await this.#removal.settled();
  }

  #waits(record: Parameters<typeof detailsOf>[0]): boolean {
    return record.state === 'created' && detailsOf(record).startOnAttach === true;
  }

  /** A client that asked for a process and never came for it leaves nothing behind. */
  #expectClient(scope: Scope, containerId: string, execId: string): void {
    const expected = this.#find(scope, containerId, execId);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // By now another process may have the id.
      if (this.#find(scope, containerId, execId) === expected) void this.#undoUnstarted(scope, containerId, execId);
    }, FIRST_CLIENT_MS);
    timer.unref();
    this.#timers.add(timer);
  }

  #find(scope: Scope, containerId: string, execId: string): TaskProcess | undefined {
    const task = this.#table.find(scope, containerId);
    return execId === '' ? task?.init : task?.execs.get(execId);
  }

  /** Removes what a client has asked for if it still waits for one, or if it could not be started for one. */
  async #undoUnstarted(scope: Scope, containerId: string, execId: string): Promise<void> {
    const process = this.#find(scope, containerId, execId);
    if (!process || process.occupied || !detailsOf(process.record).startOnAttach) return;
    const { state, exitedAtNs } = process.record;
    if (state === 'running' || exitedAtNs !== undefined) return;
    try {
      if (execId === '') await this.#removal.remove(scope, containerId, true);
      else await this.tasks(scope).deleteProcess(containerId, execId);
    } catch (error) {
      if (isKind(error, 'not-found')) return;
      this.#ports.log.error(
        { ...scope, containerId, execId, error: messageOf(error) },
        'a process that nobody came for stays',
      );
    }
  }
}
