import { PassThrough, Readable, Writable } from 'node:stream';
import { join } from 'node:path';
import type { Io, Terminal } from '../../src/cli/shared/io.js';
import { type Program, runProgram } from '../../src/cli/shared/program.js';
import { PACKAGE_ROOT } from './package-root.js';
import { type Ran, run, type RunOptions } from './run.js';

/** What the commands of a test have in common: a daemon's address and a namespace. */
export interface Target {
  readonly address: string;
  readonly namespace: string;
}

/** How a command ended and what it wrote, as text. */
export interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The same as bytes. */
  readonly bytes: { readonly stdout: Buffer; readonly stderr: Buffer };
}

export interface CommandOptions {
  readonly stdin?: string | Uint8Array | Readable;
  readonly env?: Readonly<Record<string, string>>;
  /** Aborting it is a Ctrl-C: SIGINT to the command. */
  readonly signal?: AbortSignal;
  readonly terminal?: Terminal;
  readonly spawn?: Io['spawn'];
  /** Sees everything that goes to stdout, as it goes. */
  readonly onStdout?: (bytes: Buffer) => void;
}

/** Runs a command in this process, as its entry file would in one of its own. */
export async function runCommand(
  program: Program,
  target: Target,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Told> {
  const stdout = collector(options.onStdout);
  const stderr = collector();
  const io: Io = {
    env: { WHARFD_ADDRESS: target.address, WHARFD_NAMESPACE: target.namespace, ...options.env },
    cwd: '/',
    stdin: stdinOf(options.stdin),
    stdout: stdout.stream,
    stderr: stderr.stream,
    terminal: options.terminal,
    hungUp: () => false,
    progressTerminal: options.terminal,
    arch: process.arch,
    onSignal: (name, listener) => onAbort(name === 'SIGINT' ? options.signal : undefined, listener),
    spawn: options.spawn ?? (() => Promise.reject(new Error('this test starts no program'))),
  };
  const code = await runProgram(program, args, io);
  const bytes = { stdout: stdout.bytes(), stderr: stderr.bytes() };
  return { code, stdout: bytes.stdout.toString(), stderr: bytes.stderr.toString(), bytes };
}

/** Runs `dist` or `ctr` as the build made it, in a process of its own. */
export function runBuilt(
  name: 'dist' | 'ctr',
  target: Target,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const env = { ...process.env, WHARFD_ADDRESS: target.address, WHARFD_NAMESPACE: target.namespace, ...options.env };
  return run(process.execPath, [join(PACKAGE_ROOT, `build/cli/${name}.cjs`), ...args], { ...options, env });
}

function stdinOf(given: CommandOptions['stdin']): Readable {
  if (given instanceof Readable) return given;
  const stdin = new PassThrough();
  stdin.end(given);
  return stdin;
}

function collector(onBytes?: (bytes: Buffer) => void): { stream: Writable; bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      onBytes?.(chunk);
      done();
    },
  });
  return { stream, bytes: () => Buffer.concat(chunks) };
}

function onAbort(signal: AbortSignal | undefined, listener: () => void): Disposable {
  signal?.addEventListener('abort', listener);
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', listener) };
}
