import type { Readable } from 'node:stream';
import { abortable, deferred, type Deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { Programs, RunOptions, RunResult } from '../core/kernel/programs.js';
import { findProgram } from './program-path.js';
import { startProgram, type StartedProgram } from './running-program.js';

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1 << 20;
/** How long pipes may stay open after the exit, when a descendant has kept them. */
const DRAIN_MS = 1000;

/** Keeps what a stream brings, up to a limit that ends the run. */
function collect(stream: Readable | undefined, maxBytes: number, over: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) over();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

async function drain(program: StartedProgram): Promise<void> {
  const timer = setTimeout(() => {
    program.dropPipes();
  }, DRAIN_MS);
  try {
    await program.ended;
  } finally {
    clearTimeout(timer);
  }
}

function limitTime(file: string, timeoutMs: number, cut: Deferred<never>): NodeJS.Timeout {
  return setTimeout(() => {
    cut.reject(
      new DaemonError('deadline-exceeded', `program ${file} did not end within ${timeoutMs} ms; it was killed`),
    );
  }, timeoutMs);
}

async function waitFor(file: string, program: StartedProgram, options: RunOptions): Promise<RunResult> {
  const { timeoutMs = TIMEOUT_MS, maxOutputBytes = MAX_OUTPUT_BYTES, signal } = options;
  const cut = deferred<never>();
  const over = () => {
    cut.reject(
      new DaemonError('resource-exhausted', `program ${file} wrote over ${maxOutputBytes} bytes; it was killed`),
    );
  };
  const stdout = collect(program.stdout, maxOutputBytes, over);
  const stderr = collect(program.stderr, maxOutputBytes, over);
  const timer = limitTime(file, timeoutMs, cut);
  try {
    const ending = await abortable(Promise.race([program.exited, cut.promise]), signal);
    signal?.throwIfAborted();
    await Promise.race([drain(program), cut.promise]);
    return { ...ending, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
  }
}

async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { stdin, stdout = 'pipe', stderr = 'pipe', timeoutMs: _, maxOutputBytes: __, ...shared } = options;
  const given = stdin instanceof Uint8Array ? stdin : undefined;
  const input = stdin instanceof Uint8Array ? 'pipe' : (stdin ?? 'ignore');
  await using program = startProgram(file, args, { ...shared, stdin: input, stdout, stderr });
  program.stdin?.end(given);
  return await waitFor(file, program, options);
}

export function createPrograms(): Programs {
  return {
    run,
    start: (...started) => new Promise((resolve) => resolve(startProgram(...started))),
    find: (name) => new Promise((resolve) => resolve(findProgram(name))),
  };
}
