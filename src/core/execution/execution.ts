import { randomBytes } from 'node:crypto';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import { Leftovers } from '../../base/leftovers.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import { firstRestartLabels } from '../../spec/restart-policy.js';
import { execProcess } from '../../spec/runtime-spec-builder.js';
import type { ResourceOptions } from '../../spec/spec-options.js';
import type { SpecProcess } from '../../spec/runtime-spec.js';
import type { Container } from '../containers/container-store.js';
import { networkedRuntime } from '../network/networked-runtime.js';
import type { NamespaceStore } from '../namespaces/namespace-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import { Exits } from './exits.js';
import { HealthChecks, type HealthState } from './health.js';
import { runProbe } from './health-probe.js';
import { startAgain, startContainer, stopContainer, type StopRequest } from './lifecycle.js';
import { DRAIN_MS, settlesWithin, type ExecutionPorts } from './parts.js';
import type { LogGap, LogQuery, LogRecord } from './logs.js';
import { recoverTasks } from './recovery.js';
import { Removal } from './removal.js';
import { parseJson } from './requests.js';
import { renameContainer } from './rename.js';
import { Restarts } from './restarts.js';
import { withRoot, type OpenRoot, type RootUse } from './rootfs-access.js';
import { runContainer, specOfRun, type RunOutcome, type RunPorts, type RunRequest } from './run.js';
import { ScopedTasks } from './scoped-tasks.js';
import { updateLimits } from './update-limits.js';
import type { TaskIndex } from './task-store.js';
import { taskEvents } from './task-events.js';
import { IdClaims } from './taken-ids.js';
import { TaskTable, type TaskProcess } from './task-table.js';
import type { AttachedProcess, AttachOptions, ProcessExit, ProcessView, Tasks } from './tasks.js';

/** Milliseconds that a process which waits for its first client is kept. */
const FIRST_CLIENT_MS = 10_000;

/** What the execution needs of the rest of the daemon. */
export interface AllExecutionPorts extends ExecutionPorts, Omit<RunPorts, 'leftovers' | 'undoAgain'> {
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
  /** Of one that runs and has a health check. */
  readonly health?: HealthState;
}

/** Containers as one thing, and the tasks that they are made of. */
export interface Execution extends AsyncDisposable {
  readonly tasks: Scoped<Tasks>;
  /** Makes snapshot, container and task, and starts it or waits for its first client. @throws As runContainer. */
  run(scope: Scope, request: RunRequest): Promise<RunOutcome>;
  /** The spec that a run would give its container, as JSON. @throws As runContainer. */
  specOfRun(scope: Scope, request: RunRequest): Promise<Uint8Array>;
  /** Adds a process like the container's own; its record goes when it ends. @throws failed-precondition: the container does not run. */
  exec(scope: Scope, request: ExecRequest): Promise<ProcessView>;
  /** As Tasks.attach; what waited for this client and could not be started is undone. */
  attach(scope: Scope, containerId: string, execId: string, options?: AttachOptions): Promise<AttachedProcess>;
  /**
   * What a container has written, in order, as far as its log goes.
   *
   * @param follow Go on until its process has ended.
   * @throws not-found. failed-precondition: its output is its client's own.
   */
  logs(
    scope: Scope,
    id: string,
    query: Omit<LogQuery, 'followUntil'> & { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<readonly (LogRecord | LogGap)[]>;
  /** As startContainer. */
  start(scope: Scope, id: string): Promise<ProcessView>;
  /** As stopContainer; what was to go with its process is gone then. */
  stop(scope: Scope, id: string, request: StopRequest): Promise<ProcessExit | undefined>;
  /** As renameContainer. */
  rename(scope: Scope, id: string, newId: string): Promise<void>;
  /** Ordered by id. @param filters Over containers. */
  list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerState[]>;
  /** Removes task, container, and the snapshot that a run made. @throws not-found. failed-precondition: it runs, without `force`. */
  remove(scope: Scope, id: string, force: boolean): Promise<ProcessExit | undefined>;
  /** Deletes the description of a container, with its network and logs if it has no task. @throws not-found. */
  forget(scope: Scope, id: string): Promise<void>;
  /**
   * Changes limits, of the task and of the spec that it is started with again. What is absent stays.
   *
   * @throws not-found. invalid-argument, failed-precondition: a limit that can't be. unknown: what the runtime says.
   */
  update(scope: Scope, id: string, resources: ResourceOptions): Promise<void>;
  /** As `withRoot` of rootfs-access. */
  withRoot<T>(scope: Scope, id: string, use: RootUse, work: (open: OpenRoot) => Promise<T>): Promise<T>;
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
  readonly #runPorts: RunPorts;
  readonly #restarts: Restarts;
  readonly #health: HealthChecks;
  readonly #ids = new IdClaims();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(given: AllExecutionPorts) {
    const ports = { ...given, runtime: networkedRuntime(given.runtime, given.networks, given.log) };
    this.#ports = ports;
    this.#exits = new Exits(ports);
    this.tasks = (scope) => new ScopedTasks(scope, ports, this.#table, this.#exits);
    this.#removal = new Removal(ports, this.tasks);
    this.#exits.onStopped(this.#removal.stopped);
    const undoAgain: RunPorts['undoAgain'] = (scope, record) => this.#removal.undoAgain(scope, record);
    this.#runPorts = { ...ports, undoAgain, leftovers: new Leftovers(ports.log) };
    const start = (scope: Scope, id: string) => startAgain(scope, ports, this.tasks, id);
    this.#restarts = new Restarts({ containers: ports.containers, log: ports.log, start });
    this.#exits.onStopped(this.#restarts.stopped);
    this.#health = new HealthChecks({
      log: ports.log,
      container: (scope, id) => ports.containers(scope).get(id),
      probe: (scope, id, check, signal) => runProbe(this, scope, id, check, signal),
      changed: ({ scope, turn, init }, status) =>
        turn.run(() => ports.tasks(scope).put(init.record, [taskEvents.health(init.record, status)])),
    });
    this.#exits.onStarted(this.#health.started);
    this.#exits.onStopped(this.#health.stopped);
  }

  async run(scope: Scope, request: RunRequest): Promise<RunOutcome> {
    const { removeOnExit, createOnly = false } = request;
    const labels = firstRestartLabels(request.labels, { removeOnExit, starts: !createOnly });
    using _ = this.#ids.claim(scope, request.id);
    const view = await runContainer(scope, this.#runPorts, this.tasks, { ...request, labels });
    if (request.attach && !request.createOnly) this.#expectClient(scope, view.containerId, '');
    return view;
  }

  async specOfRun(scope: Scope, request: RunRequest): Promise<Uint8Array> {
    return (await specOfRun(scope, this.#runPorts, this.tasks, request)).value;
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
    options: AttachOptions = {},
  ): Promise<AttachedProcess> {
    return await this.tasks(scope)
      .attach(containerId, execId, options)
      .catch(async (cause: unknown) => {
        await this.#undoUnstarted(scope, containerId, execId);
        throw cause;
      });
  }

  async *logs(
    scope: Scope,
    id: string,
    { follow, ...query }: Omit<LogQuery, 'followUntil'> & { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<readonly (LogRecord | LogGap)[], void> {
    await this.#ports.containers(scope).get(id);
    const init = this.#table.find(scope, id)?.init;
    if (init && !detailsOf(init.record).socketStdio) {
      throw new DaemonError(
        'failed-precondition',
        `output of container ${id} goes to the files of the client that made it`,
      );
    }
    const written = init && Promise.race([init.ended.promise.then(() => init.handle?.drained), init.removed.promise]);
    yield* this.#ports.logs.read(
      { namespace: scope.namespace, containerId: id },
      { ...query, ...(follow && { followUntil: written ?? Promise.resolve() }) },
      signal,
    );
  }

  async start(scope: Scope, id: string): Promise<ProcessView> {
    await this.#restarts.startedByUser(scope, id);
    return await startContainer(scope, this.#ports, this.tasks, id);
  }

  async stop(scope: Scope, id: string, request: StopRequest): Promise<ProcessExit | undefined> {
    await this.#restarts.stoppedByUser(scope, id);
    const init = this.#table.find(scope, id)?.init;
    const exit = await stopContainer(scope, this.#ports, this.tasks, id, request);
    if (init && detailsOf(init.record).removeOnExit) await settlesWithin(init.removed.promise, DRAIN_MS);
    return exit;
  }

  async rename(scope: Scope, id: string, newId: string): Promise<void> {
    await this.#restarts.rest(scope, id);
    using _ = this.#ids.claim(scope, id, newId);
    await renameContainer(scope, this.#ports, this.tasks(scope), id, newId);
  }

  async list(scope: Scope, filters: readonly string[]): Promise<readonly ContainerState[]> {
    const containers = await this.#ports.containers(scope).list(filters);
    const tasks = new Map((await this.tasks(scope).list()).map((view) => [view.containerId, view]));
    return containers.map((container) => {
      const task = tasks.get(container.id);
      const health = this.#health.of(this.#table.find(scope, container.id)?.init);
      return { container, ...(task && { task }), ...(health && { health }) };
    });
  }

  async remove(scope: Scope, id: string, force: boolean): Promise<ProcessExit | undefined> {
    const init = this.#table.find(scope, id)?.init;
    // Lest it be started again while it goes.
    if (force || init === undefined || init.record.state === 'stopped') await this.#restarts.stoppedByUser(scope, id);
    return await this.#removal.remove(scope, id, force);
  }

  async forget(scope: Scope, id: string): Promise<void> {
    await this.#removal.forget(scope, id);
  }

  async update(scope: Scope, id: string, resources: ResourceOptions): Promise<void> {
    await updateLimits(scope, this.#ports, this.tasks(scope), { id, resources });
  }

  async withRoot<T>(scope: Scope, id: string, use: RootUse, work: (open: OpenRoot) => Promise<T>): Promise<T> {
    const parts = { tasks: this.tasks(scope), table: this.#table };
    return await withRoot(scope, this.#ports, parts, id, use, work);
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
    for (const task of this.#table.all()) if (task.init.record.state === 'running') this.#health.started(task);
    await this.#removal.settled();
    await this.#removeStrayLogs();
    for (const { name } of await namespaces.list()) await this.#removal.sweep({ namespace: name });
    await this.#removal.sweepNetworks();
    for (const { name } of await namespaces.list()) await this.#restartIn({ namespace: name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#restarts.close();
    await this.#health.close();
    await this.#exits.close();
    await this.#removal.settled();
  }

  /** What does not run, though its restart policy says that it should, is started in the background. */
  async #restartIn(scope: Scope): Promise<void> {
    for (const { container, task } of await this.list(scope, [])) {
      if (task && task.status !== 'stopped') continue;
      this.#restarts.found(scope, container, task?.exit?.unknown ? undefined : task?.exit?.status);
    }
  }

  /** Logs whose container was removed while nobody saw it. */
  async #removeStrayLogs(): Promise<void> {
    for (const key of await this.#ports.logs.list()) {
      const missing = await this.#ports
        .containers(key)
        .get(key.containerId)
        .then(
          () => false,
          (error: unknown) => isKind(error, 'not-found'),
        );
      if (missing) await this.#ports.logs.remove(key);
    }
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
