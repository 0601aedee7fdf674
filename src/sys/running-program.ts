import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { deferred, onAbort } from '../base/abort.js';
import { DaemonError, isErrno } from '../base/errors.js';
import type { RunningProgram, StartOptions } from '../core/kernel/programs.js';
import { addon } from './addon.js';
import { check } from './outcome.js';
import { resolveProgram, SYSTEM_PATH } from './program-path.js';

/** How a child ended. */
export type Ending = Awaited<RunningProgram['ended']>;

/** A child with the moment of its end, which may come before its pipes close: a descendant can keep them. */
export interface StartedProgram extends RunningProgram {
  readonly exited: Promise<Ending>;
  /** Gives up what is left in its pipes. */
  dropPipes(): void;
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal === null) return { code: code ?? 0, signal: undefined };
  return { code: 128 + constants.signals[signal], signal };
}

function startError(file: string, cwd: string, cause: Error): DaemonError {
  if (isErrno(cause, 'ENOENT')) {
    return new DaemonError('not-found', `program ${file}: it, its interpreter or the directory ${cwd} does not exist`, {
      cause,
    });
  }
  if (isErrno(cause, 'EACCES')) {
    return new DaemonError('permission-denied', `program ${file} is not executable`, { cause });
  }
  const full = isErrno(cause, 'EAGAIN') || isErrno(cause, 'ENOMEM') || isErrno(cause, 'EMFILE');
  return new DaemonError(full ? 'resource-exhausted' : 'unknown', `program ${file}: ${cause.message}`, { cause });
}

/** Resolves once the program runs, or rejects if it cannot be started. */
async function started(child: ChildProcess, file: string, cwd: string): Promise<number> {
  const { promise, resolve, reject } = deferred<undefined>();
  child.once('spawn', () => {
    resolve(undefined);
  });
  child.once('error', (cause) => {
    reject(startError(file, cwd, cause));
  });
  await promise;
  return child.pid ?? 0;
}

class Child implements StartedProgram {
  readonly pid: number;
  readonly exited: Promise<Ending>;
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #detached: boolean;

  constructor(child: ChildProcess, pid: number, detached: boolean, exited: Promise<Ending>, ended: Promise<Ending>) {
    this.#child = child;
    this.pid = pid;
    this.#detached = detached;
    this.exited = exited;
    this.ended = ended;
  }

  get stdin(): Writable | undefined {
    return this.#child.stdin ?? undefined;
  }

  get stdout(): Readable | undefined {
    return this.#child.stdout ?? undefined;
  }

  get stderr(): Readable | undefined {
    return this.#child.stderr ?? undefined;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  dropPipes(): void {
    this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#detached) {
      this.dropPipes();
      return;
    }
    this.kill('SIGKILL');
    await this.exited;
    this.dropPipes();
    await this.ended;
  }
}

/** Starts a program; see the port. */
export async function startProgram(
  file: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<StartedProgram> {
  const { cwd = '/', env = { PATH: SYSTEM_PATH }, detached = false, signal, extraFds = [] } = options;
  const { stdin = 'ignore', stdout = 'ignore', stderr = 'ignore' } = options;
  const path = await resolveProgram(file);
  signal?.throwIfAborted();
  const stdio: StdioOptions = [stdin, stdout, stderr, ...extraFds];
  // Node inherits what its parent left open above 2, and would hand it on.
  check('close_range', path, addon().sealDescriptors());
  const child = spawn(path, args, { cwd, env, detached, stdio });
  const exited = deferred<Ending>();
  const ended = deferred<Ending>();
  child.once('exit', (code, by) => {
    exited.resolve(endingOf(code, by));
  });
  child.once('close', (code, by) => {
    ended.resolve(endingOf(code, by));
  });
  /* A child that closed its input early is no error of ours; what it says by its exit code counts. */
  child.stdin?.on('error', () => undefined);
  const pid = await started(child, path, cwd);
  if (detached) child.unref();
  const aborting = onAbort(signal, () => child.kill('SIGKILL'));
  void exited.promise.then(() => {
    aborting[Symbol.dispose]();
  });
  return new Child(child, pid, detached, exited.promise, ended.promise);
}
