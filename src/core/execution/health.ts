import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { Semaphore } from '../../base/semaphore.js';
import type { HealthCheck } from '../../spec/health-check.js';
import type { Container } from '../containers/container-store.js';
import type { Scope } from '../namespaces/scope.js';
import { runRecordOf } from './run-record.js';
import type { Task, TaskProcess } from './task-table.js';

/** What is told of a container's health. */
export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** One run of the check. */
export interface HealthProbe {
  readonly start: Date;
  readonly end: Date;
  /** Undefined where it did not end in time, or could not be run. */
  readonly exitStatus: number | undefined;
  /** What it wrote, or why it could not be run; cut short. */
  readonly output: string;
}

export interface HealthState {
  readonly status: HealthStatus;
  /** Failures in a row. */
  readonly failingStreak: number;
  /** The newest few, oldest first. */
  readonly probes: readonly HealthProbe[];
}

export interface HealthPorts {
  readonly log: Logger;
  readonly container: (scope: Scope, id: string) => Promise<Container>;
  /** Runs a command in the container; never rejects. */
  readonly probe: (scope: Scope, id: string, check: HealthCheck, signal: AbortSignal) => Promise<HealthProbe>;
  /** Journals a change. */
  readonly changed: (task: Task, status: HealthStatus) => Promise<void>;
}

const PROBES_KEPT = 5;
/** Of all containers together. */
const PROBES_AT_ONCE = 8;

interface Watched {
  readonly check: HealthCheck;
  readonly startedAtMs: number;
  readonly end: AbortController;
  state: HealthState;
  timer: NodeJS.Timeout | undefined;
}

/** Runs the health checks of running containers. After a restart of the daemon they begin anew. */
export class HealthChecks {
  readonly #ports: HealthPorts;
  readonly #watched = new Map<TaskProcess, Watched>();
  readonly #slots = new Semaphore(PROBES_AT_ONCE);
  readonly #pending = new Set<Promise<void>>();
  #closed = false;

  constructor(ports: HealthPorts) {
    this.#ports = ports;
  }

  /** The process of a container runs from now on. */
  readonly started = (task: Task): void => {
    this.#track(task, async () => {
      const check = runRecordOf(await this.#ports.container(task.scope, task.containerId))?.health;
      if (!check || this.#closed || task.init.record.state === 'stopped') return;
      const state: HealthState = { status: 'starting', failingStreak: 0, probes: [] };
      const watched = { check, startedAtMs: performance.now(), end: new AbortController(), state, timer: undefined };
      this.#watched.set(task.init, watched);
      this.#later(task, watched);
    });
  };

  /** Told of every process that has ended. */
  readonly stopped = (_task: Task, process: TaskProcess): void => {
    const watched = this.#watched.get(process);
    if (!watched) return;
    this.#watched.delete(process);
    clearTimeout(watched.timer);
    watched.end.abort();
  };

  /** Undefined for one without a check. */
  of(process: TaskProcess | undefined): HealthState | undefined {
    return process && this.#watched.get(process)?.state;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer, end } of this.#watched.values()) {
      clearTimeout(timer);
      end.abort();
    }
    await Promise.all(this.#pending);
  }

  #later(task: Task, watched: Watched): void {
    if (watched.end.signal.aborted || this.#closed) return;
    const { intervalMs, startIntervalMs } = watched.check;
    const early = watched.state.status === 'starting' && isStarting(watched);
    watched.timer = setTimeout(
      () => {
        this.#track(task, () => this.#probe(task, watched));
      },
      early ? Math.min(intervalMs, startIntervalMs) : intervalMs,
    ).unref();
  }

  async #probe(task: Task, watched: Watched): Promise<void> {
    const { check, end } = watched;
    // Frozen, it can't answer; that is no illness.
    if (task.init.status === 'running') {
      const probe = await this.#slots.run(
        () => this.#ports.probe(task.scope, task.containerId, check, end.signal),
        end.signal,
      );
      if (end.signal.aborted) return;
      const before = watched.state;
      watched.state = stateAfter(watched, probe);
      if (watched.state.status !== before.status) await this.#ports.changed(task, watched.state.status);
    }
    this.#later(task, watched);
  }

  #track({ scope, containerId }: Task, work: () => Promise<void>): void {
    if (this.#closed) return;
    const done = work()
      .catch((error: unknown) => {
        // Its end, or ours.
        if (error instanceof Error && error.name === 'AbortError') return;
        this.#ports.log.warn({ ...scope, containerId, error: messageOf(error) }, 'a health check was given up');
      })
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }
}

function isStarting({ check, startedAtMs }: Watched): boolean {
  return performance.now() - startedAtMs < check.startPeriodMs;
}

function stateAfter(watched: Watched, probe: HealthProbe): HealthState {
  const { state, check } = watched;
  const probes = [...state.probes, probe].slice(-PROBES_KEPT);
  if (probe.exitStatus === 0) return { status: 'healthy', failingStreak: 0, probes };
  if (state.status === 'starting' && isStarting(watched)) return { ...state, probes };
  const failingStreak = state.failingStreak + 1;
  return { status: failingStreak >= check.retries ? 'unhealthy' : state.status, failingStreak, probes };
}
