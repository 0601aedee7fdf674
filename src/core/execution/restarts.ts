import { deferred } from '../../base/abort.js';
import { isKind, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Labels } from '../../spec/labels.js';
import { RESTART_LABELS, restartOf, type RestartQuestion } from '../../spec/restart-policy.js';
import type { Container, ContainerStore } from '../containers/container-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { detailsOf } from './details.js';
import { runRecordOf } from './run-record.js';
import type { Task, TaskProcess } from './task-table.js';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 60_000;
/** The clients of containerd's API may look at a task that has ended, and delete it; containerd's own restarts come that late. */
const CLIENT_PAUSE_MS = 10_000;
/** What has run for that long begins anew with the shortest pause. */
const STEADY_MS = 10_000;

export interface RestartPorts {
  readonly containers: Scoped<ContainerStore>;
  readonly log: Logger;
  /** @throws As startContainer. */
  readonly start: (scope: Scope, id: string) => Promise<unknown>;
}

interface Pause {
  ms: number;
  /** When it was last started, by the monotonic clock. */
  startedAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Starts containers again by their restart policies: those that Run has made, and those of other clients that are labelled for it. The
 * pause before it doubles with every process that does not last.
 */
export class Restarts {
  readonly #ports: RestartPorts;
  readonly #pauses = new Map<string, Pause>();
  /** Starts under way. */
  readonly #starts = new Map<string, Promise<undefined>>();
  readonly #pending = new Set<Promise<void>>();
  /** What users have done so far. */
  #acts = 0;
  #closed = false;

  constructor(ports: RestartPorts) {
    this.#ports = ports;
  }

  /** Told of every process that has ended. */
  readonly stopped = (task: Task, process: TaskProcess): void => {
    const { record } = process;
    if (process.execId !== '' || detailsOf(record).removeOnExit) return;
    const exitStatus = record.exitUnknown ? undefined : record.exitStatus;
    this.#track(task.scope, task.containerId, () =>
      this.#consider(task.scope, task.containerId, { exitStatus, moment: 'end' }),
    );
  };

  /** A daemon has started and finds a container that does not run. @param exitStatus Undefined where it is not known. */
  found(scope: Scope, container: Container, exitStatus: number | undefined): void {
    if (container.labels[RESTART_LABELS.policy] === undefined) return;
    this.#track(scope, container.id, () => this.#consider(scope, container.id, { exitStatus, moment: 'boot' }));
  }

  /** A user starts it: what was counted is over. */
  async startedByUser(scope: Scope, id: string): Promise<void> {
    await this.rest(scope, id);
    await this.#setLabels(scope, id, {
      [RESTART_LABELS.status]: 'running',
      [RESTART_LABELS.explicitlyStopped]: 'false',
      [RESTART_LABELS.count]: '0',
    });
  }

  /** A user stops or removes it: told before its process is asked to end. */
  async stoppedByUser(scope: Scope, id: string): Promise<void> {
    await this.rest(scope, id);
    await this.#setLabels(scope, id, { [RESTART_LABELS.explicitlyStopped]: 'true' });
  }

  /** From now on nothing is started; resolves when what was being done is. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#pauses.values()) clearTimeout(timer);
    await Promise.all(this.#pending);
  }

  /** Resolves when nothing is done to it here any more, and only a later end would. */
  async rest(scope: Scope, id: string): Promise<void> {
    this.#acts += 1;
    this.#forget(scope, id);
    await this.#starts.get(keyOf(scope, id));
  }

  #forget(scope: Scope, id: string): void {
    const key = keyOf(scope, id);
    clearTimeout(this.#pauses.get(key)?.timer);
    this.#pauses.delete(key);
  }

  async #consider(scope: Scope, id: string, question: RestartQuestion): Promise<void> {
    const acts = this.#acts;
    const container = await this.#ports.containers(scope).get(id);
    const isOwn = runRecordOf(container) !== undefined;
    if (this.#closed || (!isOwn && container.labels[RESTART_LABELS.status] !== 'running')) return;
    if (acts !== this.#acts) {
      // It may have been this container: what it was before does not count then.
      await this.#consider(scope, id, { ...question, moment: 'end' });
      return;
    }
    if (!restartOf(container.labels, question).wanted) return;
    const key = keyOf(scope, id);
    const pause = this.#pauses.get(key) ?? { ms: FIRST_PAUSE_MS, startedAtMs: performance.now(), timer: undefined };
    if (performance.now() - pause.startedAtMs > STEADY_MS) pause.ms = FIRST_PAUSE_MS;
    clearTimeout(pause.timer);
    const ms = isOwn || question.moment === 'boot' ? pause.ms : Math.max(pause.ms, CLIENT_PAUSE_MS);
    pause.timer = setTimeout(() => {
      this.#track(scope, id, () => this.#startOnce(scope, id, question, pause));
    }, ms).unref();
    this.#pauses.set(key, pause);
  }

  async #startOnce(scope: Scope, id: string, question: RestartQuestion, pause: Pause): Promise<void> {
    const key = keyOf(scope, id);
    const { promise, resolve } = deferred<undefined>();
    this.#starts.set(key, promise);
    try {
      await this.#start(scope, id, question, pause);
    } finally {
      this.#starts.delete(key);
      resolve(undefined);
    }
  }

  async #start(scope: Scope, id: string, question: RestartQuestion, pause: Pause): Promise<void> {
    const { labels } = await this.#ports.containers(scope).get(id);
    const { wanted, count } = restartOf(labels, question);
    // In the meantime a user may have stopped it, or changed its policy.
    if (!wanted || this.#pauses.get(keyOf(scope, id)) !== pause) return;
    pause.ms = Math.min(pause.ms * 2, LAST_PAUSE_MS);
    pause.startedAtMs = performance.now();
    await this.#setLabels(scope, id, {
      [RESTART_LABELS.count]: String(count + 1),
      [RESTART_LABELS.explicitlyStopped]: 'false',
    });
    try {
      await this.#ports.start(scope, id);
    } catch (error) {
      if (isKind(error, 'not-found') || isKind(error, 'failed-precondition')) throw error;
      this.#complain(scope, id, error);
      await this.#consider(scope, id, { exitStatus: undefined, moment: 'end' });
    }
  }

  /** Nothing is set on a container without a policy. */
  async #setLabels(scope: Scope, id: string, labels: Labels): Promise<void> {
    const containers = this.#ports.containers(scope);
    const container = await containers.get(id);
    const changed = Object.entries(labels).filter(([key, value]) => container.labels[key] !== value);
    if (container.labels[RESTART_LABELS.policy] === undefined || changed.length === 0) return;
    const paths = changed.map(([key]) => `labels.${key}`);
    await containers.update({ ...container, labels: { ...container.labels, ...labels } }, paths);
  }

  /** Runs in the background. A container that has gone, or that somebody else has started, is no error. */
  #track(scope: Scope, id: string, work: () => Promise<void>): void {
    if (this.#closed) return;
    const done = work()
      .catch((error: unknown) => {
        if (isKind(error, 'not-found') || isKind(error, 'failed-precondition')) this.#forget(scope, id);
        else this.#complain(scope, id, error);
      })
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  #complain(scope: Scope, id: string, error: unknown): void {
    this.#ports.log.error(
      { ...scope, containerId: id, error: messageOf(error) },
      'a container could not be started again by its restart policy',
    );
  }
}

function keyOf({ namespace }: Scope, id: string): string {
  return `${namespace}/${id}`;
}
