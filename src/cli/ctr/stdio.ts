import { attach } from '../../client/attach.js';
import type { Session } from '../../client/session.js';
import { Teardown } from '../../base/teardown.js';
import { bytesOf } from '../shared/arguments.js';
import type { Io } from '../shared/io.js';
import { parseSignal } from './signal-name.js';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Which process this terminal or these pipes are tied to. */
export interface Stdio {
  readonly containerId: string;
  readonly execId?: string;
  readonly tty: boolean;
  /** Sends a signal that reached us on to the process. */
  readonly kill: (signalNumber: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Ties stdin, stdout and stderr of `io` to a process until it ends. With `tty` the terminal is raw and follows changes of its size.
 *
 * @returns The exit status of the process.
 */
export async function connectStdio(session: Session, io: Io, stdio: Stdio): Promise<number> {
  await using down = new Teardown();
  const terminal = stdio.tty ? io.terminal : undefined;
  if (terminal) down.own(terminal.raw());
  const attached = attach(session, {
    containerId: stdio.containerId,
    ...(stdio.execId === undefined ? {} : { execId: stdio.execId }),
    stdin: bytesOf(io.stdin),
    size: terminal?.size(),
    onOutput: (stream, bytes) => write(stream === 'stderr' ? io.stderr : io.stdout, bytes),
    signal: stdio.signal,
  });
  if (terminal)
    down.own(
      terminal.onResize(() => {
        attached.resize(terminal.size());
      }),
    );
  forwardSignals(io, stdio, down);
  return await attached.exited;
}

function forwardSignals(io: Io, stdio: Stdio, down: Teardown): void {
  for (const name of FORWARDED) {
    down.own(
      io.onSignal(name, () => {
        // A process that has just ended can't be signalled, and its exit status is on its way.
        stdio.kill(parseSignal(name)).catch(() => undefined);
      }),
    );
  }
}

function write(stream: NodeJS.WritableStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // A reader that is gone must not end the process; what it would have read is dropped.
    stream.write(bytes, () => {
      resolve();
    });
  });
}
