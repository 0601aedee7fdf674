import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { onAbort } from '../base/abort.js';
import { DaemonError, isErrno } from '../base/errors.js';
import type { Fd } from '../core/kernel/directory-files.js';
import type { ExitStatus } from '../core/kernel/processes.js';
import { SyscallError } from '../core/kernel/syscall-error.js';
import type { ChildStream, RunningProgram, StartOptions } from '../core/kernel/programs.js';
import { addon } from './addon.js';
import { check } from './outcome.js';
import { resolveProgram, SYSTEM_PATH } from './program-path.js';
import { spawn, type Spawned } from './spawn.js';

/** How a child ended. */
export type Ending = Awaited<RunningProgram['ended']>;

/** A child with the moment of its end, which may come before its pipes close: a descendant can keep them. */
export interface StartedProgram extends RunningProgram {
  readonly exited: Promise<Ending>;
  /** Gives up what is left in its pipes. */
  dropPipes(): void;
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

function endingOf({ code, signal }: ExitStatus): Ending {
  return { code, signal: signal === 0 ? undefined : (SIGNAL_NAMES.get(signal) as NodeJS.Signals) };
}

function startError(file: string, cwd: string, cause: unknown): unknown {
  if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ENOTDIR')) {
    return new DaemonError('not-found', `program ${file}: it, its interpreter or the directory ${cwd} does not exist`, {
      cause,
    });
  }
  if (isErrno(cause, 'EACCES')) {
    return new DaemonError('permission-denied', `program ${file} is not executable`, { cause });
  }
  if (!(cause instanceof SyscallError)) return cause;
  const full = isErrno(cause, 'EAGAIN') || isErrno(cause, 'ENOMEM') || isErrno(cause, 'EMFILE');
  return new DaemonError(full ? 'resource-exhausted' : 'unknown', `program ${file}: ${cause.message}`, { cause });
}

/** The three streams of a child: what it gets, and our ends of those that are pipes. */
class Streams {
  readonly theirs: (Fd | undefined)[] = [];
  readonly ours: (Socket | undefined)[] = [];
  readonly #toClose: Fd[] = [];

  /** @param out The child writes into it. */
  add(stream: ChildStream, out: boolean): void {
    if (stream !== 'pipe') {
      this.theirs.push(stream === 'ignore' ? undefined : stream);
      this.ours.push(undefined);
      return;
    }
    const ends = new Int32Array(2);
    check('pipe2', 'pipe', addon().pipe(0, ends));
    const [read = -1, write = -1] = ends;
    this.theirs.push(out ? write : read);
    this.#toClose.push(out ? write : read);
    this.ours.push(new Socket({ fd: out ? read : write, readable: out, writable: !out }));
  }

  closeTheirs(): void {
    for (const fd of this.#toClose.splice(0)) addon().close(fd);
  }

  drop(): void {
    for (const stream of this.ours) stream?.destroy();
  }

  /** Settles when all of them are closed. */
  async closed(): Promise<void> {
    await Promise.all(
      this.ours.map(async (stream) => {
        if (stream && !stream.closed) await new Promise((resolve) => stream.once('close', resolve));
      }),
    );
  }
}

class Child implements StartedProgram {
  readonly pid: number;
  readonly exited: Promise<Ending>;
  readonly ended: Promise<Ending>;
  readonly #child: Spawned;
  readonly #streams: Streams;
  readonly #detached: boolean;

  constructor(child: Spawned, streams: Streams, detached: boolean) {
    this.#child = child;
    this.#streams = streams;
    this.pid = child.pid;
    this.#detached = detached;
    this.exited = child.exited.then(endingOf);
    this.ended = this.#end(streams.closed());
  }

  get stdin(): Writable | undefined {
    return this.#streams.ours[0];
  }

  get stdout(): Readable | undefined {
    return this.#streams.ours[1];
  }

  get stderr(): Readable | undefined {
    return this.#streams.ours[2];
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  dropPipes(): void {
    this.#streams.drop();
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

  async #end(closed: Promise<void>): Promise<Ending> {
    const ending = await this.exited;
    this.stdin?.destroy();
    // What nobody reads does not keep a pipe open.
    for (const stream of [this.stdout, this.stderr]) if (stream?.readableFlowing === null) stream.resume();
    await closed;
    return ending;
  }
}

/** Starts a program; see the port. */
export function startProgram(file: string, args: readonly string[], options: StartOptions = {}): StartedProgram {
  const { cwd = '/', env = { PATH: SYSTEM_PATH }, detached = false, signal, extraFds = [] } = options;
  const { stdin = 'ignore', stdout = 'ignore', stderr = 'ignore' } = options;
  const path = resolveProgram(file);
  signal?.throwIfAborted();
  const streams = new Streams();
  let child: Spawned;
  try {
    streams.add(stdin, false);
    streams.add(stdout, true);
    streams.add(stderr, true);
    child = spawn({ path, args, env, cwd, fds: [...streams.theirs, ...extraFds], detached });
  } catch (cause) {
    streams.drop();
    throw startError(path, cwd, cause);
  } finally {
    streams.closeTheirs();
  }
  const program = new Child(child, streams, detached);
  /* A child that closed its input early is no error of ours; what it says by its exit code counts. */
  program.stdin?.on('error', () => undefined);
  const aborting = onAbort(signal, () => {
    child.kill('SIGKILL');
  });
  void program.exited.then(() => {
    aborting[Symbol.dispose]();
  });
  return program;
}
