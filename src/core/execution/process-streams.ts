import type { LogLimits } from './logs.js';
import type { Attachment, AttachWishes, ProcessKey, StdioPaths } from './runtime.js';

/** The streams of a process that another program makes: that one gets FIFOs, behind which are log and attached clients as ever. */
export interface ProcessStreams extends AsyncDisposable {
  /** What that program is given. */
  readonly stdio: StdioPaths;
  /** Resolves when all output has come. */
  readonly drained: Promise<void>;
  attach(wishes: AttachWishes): Promise<Attachment>;
  /** Nobody will write any more. */
  closeStdin(): void;
}

export interface StreamsRequest extends ProcessKey {
  /** Folder of the FIFOs. */
  readonly dir: string;
  readonly terminal: boolean;
  /** Output waits for the first who attaches. */
  readonly waitForReader: boolean;
  /** Of the container's log; an exec has its own bounds. */
  readonly logLimits?: LogLimits;
}

/** Holds the daemon's side of such streams. While no daemon runs, a process that writes much waits for the next one. */
export interface StreamKeeper {
  /** Makes the folder and its FIFOs. */
  open(request: StreamsRequest): Promise<ProcessStreams>;
  /** Those that a daemon before this one has made; undefined when there are none in `dir`. */
  reopen(key: ProcessKey, dir: string): Promise<ProcessStreams | undefined>;
}
