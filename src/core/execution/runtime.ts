import type { Mount } from '../kernel/mounts.js';
import type { OpaqueAny } from '../events/journal.js';
import type { LogLimits } from './logs.js';

/** Stdio as the client gives it: paths of FIFOs or files, or empty. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** What of `containerd.runc.v1.Options` matters (WIRE.md 6). */
export interface RuntimeOptions {
  /** Name in the daemon's PATH or absolute; empty for the configured one. */
  readonly binary?: string;
  /** State root of the OCI runtime; the namespace is appended. */
  readonly root?: string;
  readonly systemdCgroup?: boolean;
  readonly ioUid?: number;
  readonly ioGid?: number;
  readonly noPivotRoot?: boolean;
  readonly noNewKeyring?: boolean;
}

/** Where a process is kept: of which container, and `execId` empty for its init. */
export interface ProcessKey {
  readonly namespace: string;
  readonly containerId: string;
  readonly execId: string;
}

export interface CreateRequest extends ProcessKey {
  /** config.json, byte for byte. */
  readonly spec: Uint8Array;
  readonly rootfs: readonly Mount[];
  readonly stdio: StdioPaths;
  readonly options: RuntimeOptions;
  /** Absolute path of the shim that makes it, with options of its own; absent for our monitor. */
  readonly shim?: { readonly program: string; readonly options?: OpaqueAny };
  /** True: all output goes to the container's log, and to whoever attaches. */
  readonly log?: boolean;
  /** With `log`. */
  readonly logLimits?: LogLimits;
  /** With `log`: output waits for the first who attaches (some seconds at most), so that he misses nothing. */
  readonly waitForReader?: boolean;
}

export interface ExecRequest extends ProcessKey {
  /** OCI process as JSON. */
  readonly process: Uint8Array;
  readonly stdio: StdioPaths;
  /** As in CreateRequest; but what is attached takes is not logged, and the log goes with the process. */
  readonly log?: boolean;
  readonly waitForReader?: boolean;
}

export interface ExitRecord {
  /** 0 to 255: the code, or 128 + signal. */
  readonly status: number;
  /** True when the monitor was lost and the kernel does not tell: `status` is 255 then. */
  readonly unknown: boolean;
  /** Why nobody can know it; only with `unknown`. */
  readonly unknownReason?: string;
  /** Nanoseconds since 1970. */
  readonly exitedAtNs: bigint;
  readonly oomKilled: boolean;
}

/** One end of an attached session; output that nobody reads holds up the monitor's bounded buffer only. */
export interface Attachment extends AsyncDisposable {
  /** Ends when the process's output has ended. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  write(bytes: Uint8Array): Promise<void>;
}

export interface AttachWishes {
  /** Begins with what is kept of the output so far. */
  readonly replay: boolean;
  /** A reader that keeps the process waiting is cut off: its output then ends in `resource-exhausted`. */
  readonly mayBeCut?: boolean;
  readonly signal?: AbortSignal;
}

/** A process made by the OCI runtime and held by its monitor (or by the daemon). */
export interface RuntimeProcess {
  readonly key: ProcessKey;
  readonly pid: number;
  /** Resolves once, when the exit record is durable (not when the output is drained); never rejects. */
  readonly exited: Promise<ExitRecord>;
  /** Resolves when both output copiers are at their end. */
  readonly drained: Promise<void>;
  /** Resolves at each out-of-memory kill noticed while it runs (init only). */
  onOom(listener: () => void): Disposable;
  resize(columns: number, rows: number): Promise<void>;
  closeStdin(): Promise<void>;
  /** @throws failed-precondition: its stdio are the client's own FIFOs. */
  attach(options: AttachWishes): Promise<Attachment>;
  /** Ends monitor and files of an exited process. */
  release(): Promise<void>;
}

/**
 * Drives an OCI runtime (runc or crun). The caller serialises the calls of one container.
 * Errors of the runtime are `unknown` with its last message, verbatim, in the forms of WIRE.md 9.
 */
export interface Runtime {
  /** Bundle, mounts, monitor, `create`; undone whole when it goes wrong, again and again if the undoing does, too. @throws already-exists: the bundle. failed-precondition: no such binary. */
  create(request: CreateRequest, signal?: AbortSignal): Promise<RuntimeProcess>;
  start(key: ProcessKey, signal?: AbortSignal): Promise<void>;
  /** Makes and starts an added process. */
  exec(request: ExecRequest, signal?: AbortSignal): Promise<RuntimeProcess>;
  /** @param all Every process of the container (init's key only). @throws not-found "process already finished". */
  kill(key: ProcessKey, signal: number, all: boolean): Promise<void>;
  pause(key: ProcessKey): Promise<void>;
  resume(key: ProcessKey): Promise<void>;
  /** Host pids of all processes in the container. */
  pids(key: ProcessKey): Promise<readonly number[]>;
  /** @param resources OCI LinuxResources as JSON. */
  update(key: ProcessKey, resources: Uint8Array): Promise<void>;
  /**
   * Removes the container from the OCI runtime, unmounts, deletes the bundle. Already gone is no error. What could not be removed is
   * tried again, also when its id is used anew.
   */
  delete(key: ProcessKey): Promise<void>;
  /** After a restart of the daemon: the process of that key as found on disk; undefined when nothing is left of it. */
  recover(key: ProcessKey): Promise<RuntimeProcess | undefined>;
  /** Keys of everything with a bundle, for removing what no record knows. */
  inventory(): Promise<readonly ProcessKey[]>;
  /** The runtime's `features` document as JSON, where it has one. */
  features(): Promise<string | undefined>;
}
