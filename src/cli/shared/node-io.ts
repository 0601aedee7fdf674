import type { spawn as spawnProgram } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { DaemonError, messageOf } from '../../base/errors.js';
import type { Io, Terminal } from './io.js';

const SPAWN_OUTPUT_MAX = 1024 * 1024;

/** The real surroundings; only the entry files call it, with their own `process`. */
export function ioOf(process: NodeJS.Process, spawn: typeof spawnProgram): Io {
  const { stdin, stdout, stderr } = process;
  const typed = stdin.isTTY;
  const interactive = stdin.isTTY && stdout.isTTY;
  const env = givenEnvironment(process.env);
  return {
    env,
    cwd: process.cwd(),
    stdin,
    stdout,
    stderr,
    terminal: interactive ? terminalOf(stdin, stdout) : undefined,
    hungUp: () => typed && !isatty(stdin.fd),
    progressTerminal: stdout.isTTY ? terminalOf(stdin, stdout) : undefined,
    arch: process.arch,
    onSignal(signal, listener) {
      process.on(signal, listener);
      return { [Symbol.dispose]: () => process.off(signal, listener) };
    },
    spawn: spawner(spawn, env),
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

/** The environment as the user gave it: the launcher (scripts/launchers.sh) keeps from Node what costs time and serves nothing here. */
function givenEnvironment({ WHARFD_EXTRA_CA_CERTS: kept, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (kept === undefined) return env;
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = env;
  return kept === '' ? rest : { ...rest, NODE_EXTRA_CA_CERTS: kept };
}

function spawner(spawn: typeof spawnProgram, env: NodeJS.ProcessEnv): Io['spawn'] {
  return (file, args, input) =>
    new Promise((resolve, reject) => {
      const piped = input !== undefined;
      const child = spawn(file, args, { env, stdio: piped ? ['pipe', 'pipe', 'inherit'] : 'inherit' });
      let output = '';
      child.once('error', (cause) => {
        reject(spawnError(file, cause));
      });
      child.once('close', (code, signal) => {
        const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
        resolve({ code: status, ...(piped && { output }) });
      });
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < SPAWN_OUTPUT_MAX) output += text;
      });
      // A program that does not read its input is no error of ours; its exit code tells.
      child.stdin?.on('error', () => undefined).end(input);
    });
}

function spawnError(file: string, cause: unknown): DaemonError {
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

/** A reader that has seen enough (`dist ls | head -1`) is no error; nor is a terminal that was closed. */
function ignoreBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
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
