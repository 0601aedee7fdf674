import type { Readable, Writable } from 'node:stream';
import type { Fd } from './directory-files.js';

/** Where a stream of a child goes: nowhere, to us, or a descriptor of ours (which stays ours to close). */
export type ChildStream = 'ignore' | 'pipe' | Fd;

export interface ProgramOptions {
  /** Working directory; `/` by default. */
  readonly cwd?: string;
  /** The whole environment of the child; a fixed PATH and nothing else by default. Ours is never inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the child by SIGKILL when it fires. */
  readonly signal?: AbortSignal;
}

export interface RunOptions extends ProgramOptions {
  /** Bytes for its standard input; at once at its end by default. */
  readonly stdin?: Uint8Array | Fd;
  /** Where its output goes instead of the result: for programs whose descendants keep the descriptor. */
  readonly stdout?: Fd;
  readonly stderr?: Fd;
  /** Descriptors of ours that it gets as 3, 4, …; it gets no others. */
  readonly extraFds?: readonly Fd[];
  /** Ends the child by SIGKILL after this time; default 60,000. */
  readonly timeoutMs?: number;
  /** Bytes kept of each of stdout and stderr; more ends the child. Default 1 MiB. */
  readonly maxOutputBytes?: number;
}

/** What a program that ended left. A code other than 0 is a result, not an error. */
export interface RunResult {
  /** Exit code; 128 + n when signal n ended it. */
  readonly code: number;
  /** Such as `SIGKILL`; undefined when it exited by itself. */
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface StartOptions extends ProgramOptions {
  readonly stdin?: ChildStream;
  readonly stdout?: ChildStream;
  readonly stderr?: ChildStream;
  /** Descriptors of ours that it gets as 3, 4, …; it gets no others. */
  readonly extraFds?: readonly Fd[];
  /** A session of its own, and it neither keeps our event loop alive nor dies at disposal. */
  readonly detached?: boolean;
}

/** A running child. Disposal kills it (unless detached) and waits for its end. */
export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  /** Undefined unless asked for as `pipe`. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** Settles when the child has ended and its pipes are closed; never rejects. */
  readonly ended: Promise<{ readonly code: number; readonly signal: NodeJS.Signals | undefined }>;
  kill(signal: NodeJS.Signals): void;
}

/** Starting programs. Descriptors but those named are closed in the child. */
export interface Programs {
  /**
   * Runs a program to its end.
   *
   * @param file Absolute path, or a name looked up in the fixed PATH.
   * @throws not-found: no such program. permission-denied: not executable. deadline-exceeded: over `timeoutMs`.
   *   resource-exhausted: over `maxOutputBytes`. The signal's reason on abort. In all cases the child has ended.
   */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program and returns when it runs. Throws as `run` does. */
  start(file: string, args: readonly string[], options?: StartOptions): Promise<RunningProgram>;
  /** Absolute path of a program of the fixed PATH; undefined if there is none. */
  find(name: string): Promise<string | undefined>;
}
