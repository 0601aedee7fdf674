import { DaemonError, messageOf } from '../../base/errors.js';
import type { Io, Terminal } from './io.js';

/** How the entry files let `io.spawn` start programs. */
export type Spawner = Io['spawn'];

/** The real surroundings; only the entry files call it, with their own `process`. */
export function ioOf(process: NodeJS.Process, spawn: Spawner): Io {
  const { stdin, stdout, stderr } = process;
  const interactive = stdin.isTTY && stdout.isTTY;
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin,
    stdout,
    stderr,
    terminal: interactive ? terminalOf(stdin, stdout) : undefined,
    progressTerminal: stdout.isTTY ? terminalOf(stdin, stdout) : undefined,
    arch: process.arch,
    onSignal(signal, listener) {
      process.on(signal, listener);
      return { [Symbol.dispose]: () => process.off(signal, listener) };
    },
    spawn,
  };
}

/** Runs one program to its end, and leaves its exit code in `process`. */
export async function runMain(
  process: NodeJS.Process,
  main: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  ignoreBrokenPipe(process.stdout);
  ignoreBrokenPipe(process.stderr);
  process.exitCode = await main(process.argv.slice(2));
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  // What is left open now (a stdin that nobody closes) must not keep the program alive.
  process.exit();
}

/** Turns what `spawn` of node:child_process reports into an exit code or an error. */
export function spawnError(file: string, cause: unknown): DaemonError {
  return new DaemonError('not-found', `${file} can't be started (${messageOf(cause)}): is it installed and in PATH?`, {
    cause,
  });
}

function terminalOf(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream): Terminal {
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize(listener) {
      stdout.on('resize', listener);
      return { [Symbol.dispose]: () => stdout.off('resize', listener) };
    },
    raw() {
      stdin.setRawMode(true);
      return { [Symbol.dispose]: () => stdin.setRawMode(false) };
    },
  };
}

/** A reader that has seen enough (`dist ls | head -1`) is no error. */
function ignoreBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
