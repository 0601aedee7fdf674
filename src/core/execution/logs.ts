/** A container, for what is kept of its output. */
export interface LogKey {
  readonly namespace: string;
  readonly containerId: string;
}

/** How much is kept of a container's output. */
export interface LogLimits {
  /** Bytes of one file. */
  readonly maxBytes: number;
  /** Files at most, the one that is written included. */
  readonly maxFiles: number;
}

/** As most engines have it. */
export const DEFAULT_LOG_LIMITS: LogLimits = { maxBytes: 10 * 1024 ** 2, maxFiles: 5 };

/** A piece of output: one line, or a part of one. */
export interface LogRecord {
  /** RFC 3339, UTC, nine decimals. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** With the newline where the line ends here. */
  readonly bytes: Uint8Array;
}

/** Bytes of output that the log does not have: older than its bounds allow, or written while the disk was full. */
export interface LogGap {
  readonly missingBytes: number;
}

export interface LogQuery {
  /** Only records of that time (as LogRecord.time) or later. */
  readonly since?: string;
  /** Only records before that time. */
  readonly until?: string;
  /** Only so many lines from the end of what there is; no gaps are told then. */
  readonly tail?: number;
  /** Goes on until this has settled and everything is read; absent: ends with what there is. */
  readonly followUntil?: Promise<unknown>;
}

/** The logs of containers, on disk; they live as long as their container. */
export interface ContainerLogs {
  /** In order, in small batches; the consumer sets the pace. A container that never wrote anything has none. */
  read(key: LogKey, query: LogQuery, signal: AbortSignal): AsyncIterable<readonly (LogRecord | LogGap)[]>;
  /** Gives what a container that does not run has written to another one as well, byte for byte. None is no error. */
  share(from: LogKey, to: LogKey): Promise<void>;
  /** Missing is no error. */
  remove(key: LogKey): Promise<void>;
  /** Everything that has a log. */
  list(): Promise<readonly LogKey[]>;
}
