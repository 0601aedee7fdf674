import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Event } from '../events/journal.js';
import type { Scoped } from '../namespaces/scope.js';
import { detailsOf, withDetails } from './details.js';
import { DRAIN_MS, settlesWithin, type ExecutionPorts } from './parts.js';
import type { ExitRecord, Runtime } from './runtime.js';
import { taskEvents } from './task-events.js';
import type { ProcessRecord, TaskStore } from './task-store.js';
import type { Task, TaskProcess } from './task-table.js';

const SIGKILL = 9;

/** Told of every container whose own process has been started. */
export type StartedListener = (task: Task) => void;

/** Told once of every process that has ended, after that is journalled. */
export type StoppedListener = (task: Task, process: TaskProcess) => void;

/**
 * Journals the ends of processes: an exec's as soon as nothing else is done to its container, init's after those of its execs, each
 * in the transaction that makes the record stopped. An out-of-memory kill comes before the exit.
 */
export class Exits {
  readonly #runtime: Runtime;
  readonly #store: Scoped<TaskStore>;
  readonly #log: Logger;
  readonly #listeners: StoppedListener[] = [];
  readonly #startListeners: StartedListener[] = [];
  readonly #pending = new Set<Promise<void>>();
  #closed = false;

  constructor({ runtime, tasks, log }: Pick<ExecutionPorts, 'runtime' | 'tasks' | 'log'>) {
    this.#runtime = runtime;
    this.#store = tasks;
    this.#log = log;
  }

  onStopped(listener: StoppedListener): void {
    this.#listeners.push(listener);
  }

  onStarted(listener: StartedListener): void {
    this.#startListeners.push(listener);
  }

  /** Its process runs from now on. */
  started(task: Task): void {
    for (const listener of this.#startListeners) listener(task);
  }

  /** Waits for the end of a process that has a handle. */
  watch(task: Task, process: TaskProcess): void {
    const { handle } = process;
    if (!handle) return;
    if (process.execId === '') {
      handle.onOom(() => {
        this.#track(task, () => task.turn.run(() => this.#journalOom(task)));
      });
    }
    void handle.exited.then((exit) => {
      if (process.execId === '') task.initEnded = true;
      this.#track(task, () => this.#ended(task, process, exit));
    });
  }

  /** Resolves when everything that has happened so far is journalled. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** What ends from now on is left to the next daemon, which finds it on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
  }

  /** Runs in the background. An end that could not be stored still shows; its events go with the next change of the record. */
  #track(task: Task, work: () => Promise<void>): void {
    if (this.#closed) return;
    const done = work()
      .catch((error: unknown) => {
        const { scope, containerId } = task;
        this.#log.error(
          { ...scope, containerId, error: messageOf(error) },
          'the end of a process could not be journalled',
        );
      })
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  async #ended(task: Task, process: TaskProcess, exit: ExitRecord): Promise<void> {
    if (process.execId === '') await this.#execsFirst(task);
    await task.turn.run(() => this.#journalExit(task, process, exit));
    for (const listener of this.#listeners) listener(task, process);
  }

  /** A shared pid namespace does not die with init, so its execs are killed; in one of its own the kernel has done that. */
  async #execsFirst(task: Task): Promise<void> {
    await task.turn.run(async () => {
      if (!detailsOf(task.init.record).sharedPids) return;
      await this.#runtime.kill(task.key(''), SIGKILL, true).catch((error: unknown) => {
        this.#log.debug({ containerId: task.containerId, error: messageOf(error) }, 'nothing left to kill');
      });
    });
    const running = [...task.execs.values()].filter((exec) => exec.record.state === 'running');
    const all = Promise.all(running.map((exec) => exec.ended.promise));
    if (await settlesWithin(all, DRAIN_MS)) return;
    this.#log.warn(
      { containerId: task.containerId },
      'execs outlive their container; its exit is journalled before theirs',
    );
  }

  async #journalOom(task: Task): Promise<void> {
    const { init } = task;
    if (init.record.state === 'stopped' || task.gone) return;
    const record = withDetails(init.record, { oom: true });
    await this.#store(task.scope).put(record, [taskEvents.oom(record)]);
    init.stored(record);
  }

  async #journalExit(task: Task, process: TaskProcess, exit: ExitRecord): Promise<void> {
    if (process.record.state === 'stopped' || task.gone) return;
    const events: Event[] = [];
    const isInit = process.execId === '';
    if (isInit && exit.oomKilled && !detailsOf(process.record).oom) events.push(taskEvents.oom(process.record));
    events.push(taskEvents.exit(process.record, exit));
    const record = stoppedRecord(process.record, exit);
    try {
      await this.#store(task.scope).put(record, events);
    } catch (cause) {
      process.owed = events;
      throw cause;
    } finally {
      process.stored(record);
    }
  }
}

/** The record of a process that ended so. */
export function stoppedRecord(record: ProcessRecord, exit: ExitRecord): ProcessRecord {
  const stopped: ProcessRecord = {
    ...record,
    state: 'stopped',
    exitStatus: exit.status,
    exitUnknown: exit.unknown,
    exitedAtNs: exit.exitedAtNs,
  };
  const { unknownReason } = exit;
  return withDetails(stopped, {
    paused: false,
    ...(exit.oomKilled && { oom: true }),
    ...(unknownReason !== undefined && { exitUnknownReason: unknownReason }),
  });
}
