import type { OpaqueAny } from '../events/journal.js';
import type { Mount } from '../kernel/mounts.js';
import type { CgroupStats } from './cgroup-stats.js';
import type { LogLimits } from './logs.js';
import type { StdioPaths } from './runtime.js';

/** A process as clients see it. */
export type ProcessStatus = 'created' | 'running' | 'paused' | 'stopped';

/** How a process ended. */
export interface ProcessExit {
  readonly pid: number;
  /** 0 to 255: the code, or 128 + signal; 255 when it cannot be known. */
  readonly status: number;
  readonly unknown: boolean;
  /** Why nobody can know the status; only with `unknown`. */
  readonly unknownReason?: string;
  /** Nanoseconds since 1970; undefined when it never ran. */
  readonly exitedAtNs?: bigint;
}

/** State of one process; `execId` is empty for a container's init. */
export interface ProcessView {
  readonly containerId: string;
  readonly execId: string;
  readonly status: ProcessStatus;
  readonly pid: number;
  readonly stdio: StdioPaths;
  /** Only of a stopped one. */
  readonly exit?: ProcessExit;
}

export interface TaskDraft {
  readonly rootfs: readonly Mount[];
  readonly stdio: StdioPaths;
  /** Replace the container's own runtime options whole. */
  readonly options?: OpaqueAny;
  /** Another runtime than the container's; refused by its name unless it is ours. */
  readonly runtimePath?: string;
  /** The streams are for clients that attach over the socket; `stdio` has no paths then. */
  readonly socketStdio?: boolean;
  /** Of the log, with `socketStdio`. */
  readonly logLimits?: LogLimits;
  /** Starts with the first client that attaches. */
  readonly startOnAttach?: boolean;
  readonly noStdin?: boolean;
  /** Task, container and snapshot go when the process ends. */
  readonly removeOnExit?: boolean;
  /** The caller has put a `creating` record there, which this replaces. */
  readonly reserved?: boolean;
}

export interface ExecDraft {
  readonly execId: string;
  /** OCI process as JSON, byte for byte. */
  readonly process: Uint8Array;
  readonly stdio: StdioPaths;
  /** Of the client that asked, for the audit; undefined when the socket does not tell. */
  readonly peerUid?: number;
  readonly socketStdio?: boolean;
  readonly startOnAttach?: boolean;
  readonly noStdin?: boolean;
  /** Deleted when it has ended. */
  readonly removeOnExit?: boolean;
}

/** Size of a terminal in characters. */
export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** How a client connects to the streams of a process. */
export interface AttachOptions {
  /** Of the client's terminal, set before an init starts. */
  readonly size?: WindowSize;
  /** Nothing of what was written before. */
  readonly noReplay?: boolean;
  /** Cut off (`resource-exhausted`) when the process has to wait for it. */
  readonly mayBeCut?: boolean;
  readonly signal?: AbortSignal;
}

/** A client at a process's streams. Disposing lets go of them; the process goes on. */
export interface AttachedProcess extends AsyncDisposable {
  readonly terminal: boolean;
  /** Ends with the process's output; the consumer sets the pace. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  write(bytes: Uint8Array): Promise<void>;
  closeStdin(): Promise<void>;
  resize(size: WindowSize): Promise<void>;
  /** The exit, once the output was read to its end and, where that was asked for, everything is removed. */
  finish(signal?: AbortSignal): Promise<ProcessExit>;
}

/** Counters of one task at one moment. */
export interface TaskStats {
  readonly containerId: string;
  readonly at: Date;
  readonly stats: CgroupStats;
}

/**
 * Tasks of one namespace: running instances of containers. The lifecycle of a container is serialised; events are journalled in the
 * order of what happened, in the transaction that changes the record. Codes and texts are containerd's.
 *
 * All methods throw not-found for a container or task that is not there.
 */
export interface Tasks {
  /** Makes the process, stopped before the first instruction. @throws already-exists. unknown: what the OCI runtime said. */
  create(containerId: string, draft: TaskDraft): Promise<ProcessView>;
  /** @throws failed-precondition: an exec when init has ended. unknown: what the OCI runtime said, or it was started before. */
  start(containerId: string, execId: string): Promise<ProcessView>;
  /** Adds a process, not started yet. @throws already-exists. unknown: the container is stopped or paused. */
  exec(containerId: string, draft: ExecDraft): Promise<void>;
  get(containerId: string, execId: string): Promise<ProcessView>;
  /** Init processes, ordered by container. */
  list(): Promise<readonly ProcessView[]>;
  /** @throws not-found "process already finished". failed-precondition: an exec that was not started. */
  kill(containerId: string, execId: string, signal: number, all: boolean): Promise<void>;
  /** Waits for the end, also of what is not started yet. Aborting ends the waiting only. */
  wait(containerId: string, execId: string, signal?: AbortSignal): Promise<ProcessExit>;
  /** Removes a task that has ended or was never started, and its execs. @throws unknown: it runs. */
  delete(containerId: string): Promise<ProcessExit>;
  /** Removes an exec that has ended or was never started. @throws unknown: it runs. */
  deleteProcess(containerId: string, execId: string): Promise<ProcessExit>;
  pause(containerId: string): Promise<void>;
  resume(containerId: string): Promise<void>;
  /** Host pids of all processes; with its exec id where one is known. */
  pids(containerId: string): Promise<readonly { readonly pid: number; readonly execId?: string }[]>;
  resize(containerId: string, execId: string, size: WindowSize): Promise<void>;
  closeStdin(containerId: string, execId: string): Promise<void>;
  /** @param resources OCI LinuxResources as JSON. */
  update(containerId: string, resources: Uint8Array): Promise<void>;
  /** Counters of the tasks that run. @param filters Over `id` and `namespace`. */
  stats(filters: readonly string[]): Promise<readonly TaskStats[]>;
  /**
   * Connects to the streams of a process, and starts it if it waited for its first client.
   *
   * @throws failed-precondition: its streams are a client's own FIFOs.
   */
  attach(containerId: string, execId: string, options?: AttachOptions): Promise<AttachedProcess>;
}
