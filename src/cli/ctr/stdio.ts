import { Teardown } from '../../base/teardown.js';
import { attach } from '../../client/attach.js';
import type { Session } from '../../client/session.js';
import { bytesOf } from '../shared/arguments.js';
import type { Io } from '../shared/io.js';
import { untilDetached } from './detach-keys.js';
import { parseSignal } from '../../spec/signal-name.js';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
const HANG_UP = 129;

/** Which process this terminal or these pipes are tied to. */
export interface Stdio {
  readonly containerId: string;
  readonly execId?: string;
  readonly tty: boolean;
  /** Bytes of the keys that leave the process to itself; with `tty` only. */
  readonly detachKeys: Uint8Array;
  /** False: the process gets nothing from our stdin. */
  readonly stdin?: boolean;
  readonly noReplay?: boolean;
  readonly mayBeCut?: boolean;
  /** Sends a signal that reached us on to the process. */
  readonly kill: (signalNumber: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Ties stdin, stdout and stderr of `io` to a process until it ends. With `tty` the terminal is raw and follows changes of its size. A
 * terminal that is closed, and the detach keys, leave the process to itself: it goes on and can be attached to again.
 *
 * @returns The exit status of the process; 0 after the detach keys.
 */
export async function connectStdio(session: Session, io: Io, stdio: Stdio): Promise<number> {
  const left = new AbortController();
  let leftBy: 'keys' | 'hang-up' | undefined;
  const leave = (by: 'keys' | 'hang-up') => {
    leftBy = by;
    left.abort();
  };
  try {
    return await tie(session, io, stdio, left.signal, leave);
  } catch (error) {
    if (leftBy === undefined) throw error;
    if (leftBy === 'hang-up') return HANG_UP;
    const { containerId, execId } = stdio;
    const again = `ctr attach ${containerId}${execId === undefined ? '' : ` --exec-id ${execId}`}`;
    io.stderr.write(`\nctr: detached; come back with "${again}"\n`);
    return 0;
  }
}

async function tie(
  session: Session,
  io: Io,
  stdio: Stdio,
  left: AbortSignal,
  leave: (by: 'keys' | 'hang-up') => void,
): Promise<number> {
  await using down = new Teardown();
  const { containerId, execId, noReplay = false, mayBeCut = false } = stdio;
  const terminal = stdio.tty ? io.terminal : undefined;
  if (terminal) down.own(terminal.raw());
  const typed = typedInto(io, left, leave);
  const attached = attach(session, {
    ...{ containerId, noReplay, mayBeCut },
    ...(execId === undefined ? {} : { execId }),
    stdin:
      stdio.stdin === false
        ? undefined
        : terminal
          ? untilDetached(typed, stdio.detachKeys, () => leave('keys'))
          : typed,
    size: terminal?.size(),
    onOutput: (stream, bytes) => write(stream === 'stderr' ? io.stderr : io.stdout, bytes),
    signal: AbortSignal.any([stdio.signal, left]),
  });
  if (terminal)
    down.own(
      terminal.onResize(() => {
        attached.resize(terminal.size());
      }),
    );
  forwardSignals(io, stdio, down, leave);
  return await attached.exited;
}

/** What is typed or piped into us. When a terminal is closed, that is no end of input: the process may be attached to from another one. */
async function* typedInto(io: Io, left: AbortSignal, leave: (by: 'hang-up') => void): AsyncGenerator<Uint8Array, void> {
  try {
    yield* bytesOf(io.stdin);
  } catch (error) {
    if (!io.hungUp()) throw error;
  }
  if (!io.hungUp() || left.aborted) return;
  leave('hang-up');
}

function forwardSignals(io: Io, stdio: Stdio, down: Teardown, leave: (by: 'hang-up') => void): void {
  const pass = (name: NodeJS.Signals) => {
    // A process that has just ended can't be signalled, and its exit status is on its way.
    stdio.kill(parseSignal(name)).catch(() => undefined);
  };
  for (const name of FORWARDED) {
    down.own(
      io.onSignal(name, () => {
        pass(name);
      }),
    );
  }
  down.own(
    io.onSignal('SIGHUP', () => {
      // From a terminal it says that that is gone; a program without one means it for the process.
      if (io.terminal ?? io.progressTerminal) leave('hang-up');
      else pass('SIGHUP');
    }),
  );
}

function write(stream: NodeJS.WritableStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // A reader that is gone must not end the process; what it would have read is dropped.
    stream.write(bytes, () => {
      resolve();
    });
  });
}
