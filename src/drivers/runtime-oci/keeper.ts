import type { LogLimits } from '../../core/execution/logs.js';
import type { ProcessKey, RuntimeProcess } from '../../core/execution/runtime.js';
import type { RecordedRuntime } from './bundle.js';
import type { StdioTargets } from './stdio-target.js';

/** Where output goes that no client's file takes. */
export interface ProcessLog extends LogLimits {
  readonly file: string;
  /** Also what those take who are attached. */
  readonly all: boolean;
}

/** Bounds of what is kept of an exec's output that nobody reads; it goes with the exec. */
export const EXEC_LOG_LIMITS: LogLimits = { maxBytes: 1 << 20, maxFiles: 2 };

/** A process to be made by one call of the OCI runtime. */
export interface LaunchOrder {
  readonly key: ProcessKey;
  /** Existing folder for the files of this process, 0700. */
  readonly dir: string;
  /** The runtime's command line, program first; `console` is the path for `--console-socket`, where a terminal is wanted. */
  commandLine(console: string | undefined): readonly string[];
  /** Where the runtime writes the pid. */
  readonly pidFile: string;
  /** The runtime's JSON log of this call. */
  readonly runtimeLog: string;
  /** First words of the error when the runtime fails. */
  readonly what: string;
  readonly targets: StdioTargets;
  readonly terminal: boolean;
  readonly options: RecordedRuntime['options'];
  readonly log: ProcessLog;
  /** Watch the memory cgroup. */
  readonly oom: boolean;
}

/** A process whose end somebody waits for. */
export interface KeptProcess extends RuntimeProcess {
  /** @throws not-found "process already finished". */
  signal(signal: number): void;
  /** Resolves when `release` has; may be called again, for nothing. */
  readonly released: Promise<void>;
}

/** Who is the parent of container processes: a monitor each, or the daemon. */
export interface ProcessKeeper {
  /**
   * Runs the OCI runtime and keeps the process that it makes.
   *
   * @throws unknown: what the runtime said. deadline-exceeded: it took too long. The signal's reason on abort. It is killed then.
   */
  launch(order: LaunchOrder, signal?: AbortSignal): Promise<KeptProcess>;
  /** Finds a process by its files after a restart of the daemon; undefined when it was never made. */
  recover(key: ProcessKey, dir: string): Promise<KeptProcess | undefined>;
}
