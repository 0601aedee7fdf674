import { deferred, type Deferred } from '../../base/abort.js';
import { DaemonError } from '../../base/errors.js';
import { Semaphore } from '../../base/semaphore.js';
import type { Event } from '../events/journal.js';
import type { Scope } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import type { ProcessKey, RuntimeProcess } from './runtime.js';
import type { ProcessRecord } from './task-store.js';
import type { ProcessExit, ProcessStatus, ProcessView } from './tasks.js';

/** One process of a task in memory: its record as stored, its handle once the runtime made it, and its end. */
export class TaskProcess {
  record: ProcessRecord;
  handle: RuntimeProcess | undefined;
  /** Settles when the end is journalled, or when it is clear that the process will never run. */
  readonly ended: Deferred<ProcessExit> = deferred();
  /** Settles when the record is deleted, and for a run also its container and snapshot. */
  readonly removed: Deferred<void> = deferred();
  /** Events that could not be stored when they happened. */
  owed: readonly Event[] = [];
  /** Clients at its streams. */
  readonly #attached = new Set<object>();
  #idle: Deferred<void> | undefined;

  constructor(record: ProcessRecord, handle?: RuntimeProcess) {
    this.record = record;
    this.handle = handle;
    if (record.state === 'stopped') this.ended.resolve(exitOf(record));
  }

  get execId(): string {
    return this.record.execId;
  }

  get status(): ProcessStatus {
    const { state } = this.record;
    if (state === 'running') return detailsOf(this.record).paused ? 'paused' : 'running';
    return state === 'stopped' ? 'stopped' : 'created';
  }

  /** Replaces the record by one that is stored, and tells those who wait for the end. */
  stored(record: ProcessRecord): void {
    this.record = record;
    if (record.state === 'stopped') this.ended.resolve(exitOf(record));
  }

  /** Notes a client at the streams until disposed. */
  occupy(): Disposable {
    const client = {};
    this.#attached.add(client);
    return {
      [Symbol.dispose]: () => {
        this.#attached.delete(client);
        if (this.#attached.size === 0) this.#idle?.resolve();
      },
    };
  }

  get occupied(): boolean {
    return this.#attached.size > 0;
  }

  /** Resolves when no client is at the streams. */
  async unoccupied(): Promise<void> {
    while (this.#attached.size > 0) {
      this.#idle = deferred();
      await this.#idle.promise;
    }
  }
}

/** One container's task in memory. */
export class Task {
  readonly scope: Scope;
  readonly containerId: string;
  readonly init: TaskProcess;
  readonly execs = new Map<string, TaskProcess>();
  /** Only one thing at a time is done to a container. */
  readonly turn = new Semaphore(1);
  /** Init has ended, whether that is journalled yet or not: no exec starts any more. */
  initEnded = false;
  gone = false;

  constructor(scope: Scope, init: TaskProcess) {
    this.scope = scope;
    this.containerId = init.record.containerId;
    this.init = init;
    this.initEnded = init.record.state === 'stopped';
  }

  /** @param execId Empty for init. @throws not-found. */
  process(execId: string): TaskProcess {
    const found = execId === '' ? this.init : this.execs.get(execId);
    if (found) return found;
    throw new DaemonError('not-found', `process does not exist ${execId}: not found`);
  }

  key(execId: string): ProcessKey {
    return { namespace: this.scope.namespace, containerId: this.containerId, execId };
  }
}

/** Somebody who uses a root file system. */
interface Holder {
  readonly stop: AbortController;
  readonly released: Deferred<void>;
}

/** The tasks of all namespaces. */
export class TaskTable {
  readonly #tasks = new Map<string, Task | 'creating'>();
  readonly #holders = new Map<string, Set<Holder>>();

  find(scope: Scope, containerId: string): Task | undefined {
    const task = this.#tasks.get(keyOf(scope, containerId));
    return task === 'creating' ? undefined : task;
  }

  /**
   * Takes the id for a task in the making; disposing gives it back unless `add` was called.
   *
   * @throws already-exists.
   */
  reserve(scope: Scope, containerId: string): Disposable {
    const key = keyOf(scope, containerId);
    if (this.#tasks.has(key)) throw new DaemonError('already-exists', `task ${containerId}: already exists`);
    this.#tasks.set(key, 'creating');
    return {
      [Symbol.dispose]: () => {
        if (this.#tasks.get(key) === 'creating') this.#tasks.delete(key);
      },
    };
  }

  /**
   * Notes that the root file system of a container that does not run is in use until disposed. The signal fires when it is to run.
   *
   * @throws failed-precondition: it runs, or is about to.
   */
  hold(scope: Scope, containerId: string): Disposable & { readonly signal: AbortSignal } {
    const key = keyOf(scope, containerId);
    const task = this.#tasks.get(key);
    if (task === 'creating' || (task && task.init.status !== 'stopped'))
      throw new DaemonError('failed-precondition', `container ${containerId} is starting: try again`);
    const holder: Holder = { stop: new AbortController(), released: deferred() };
    const holders = this.#holders.get(key) ?? new Set<Holder>();
    this.#holders.set(key, holders.add(holder));
    return {
      signal: holder.stop.signal,
      [Symbol.dispose]: () => {
        holders.delete(holder);
        if (holders.size === 0) this.#holders.delete(key);
        holder.released.resolve();
      },
    };
  }

  /** Takes the root file system from all who hold it; resolves when they have let go. */
  async vacate(scope: Scope, containerId: string): Promise<void> {
    const holders = [...(this.#holders.get(keyOf(scope, containerId)) ?? [])];
    for (const { stop } of holders)
      stop.abort(new DaemonError('failed-precondition', `container ${containerId} was started meanwhile: try again`));
    await Promise.all(holders.map(({ released }) => released.promise));
  }

  add(task: Task): void {
    this.#tasks.set(keyOf(task.scope, task.containerId), task);
  }

  remove(task: Task): void {
    task.gone = true;
    this.#tasks.delete(keyOf(task.scope, task.containerId));
  }

  /** Tasks of a namespace, ordered by container. */
  list(scope: Scope): Task[] {
    return this.all()
      .filter((task) => task.scope.namespace === scope.namespace)
      .sort((a, b) => (a.containerId < b.containerId ? -1 : 1));
  }

  all(): Task[] {
    return [...this.#tasks.values()].filter((task) => task !== 'creating');
  }
}

/** The exit that a stopped process's record tells. */
export function exitOf(record: ProcessRecord): ProcessExit {
  const { exitUnknownReason: unknownReason } = detailsOf(record);
  return {
    pid: record.pid,
    status: record.exitStatus ?? 0,
    unknown: record.exitUnknown ?? false,
    ...(unknownReason !== undefined && { unknownReason }),
    ...(record.exitedAtNs !== undefined && { exitedAtNs: record.exitedAtNs }),
  };
}

/** A process as clients see it. */
export function viewOf(process: TaskProcess): ProcessView {
  const { record } = process;
  return {
    containerId: record.containerId,
    execId: record.execId,
    status: process.status,
    pid: record.pid,
    stdio: { stdin: record.stdin, stdout: record.stdout, stderr: record.stderr, terminal: record.terminal },
    ...(record.state === 'stopped' && { exit: exitOf(record) }),
  };
}

function keyOf(scope: Scope, containerId: string): string {
  return `${scope.namespace}/${containerId}`;
}
