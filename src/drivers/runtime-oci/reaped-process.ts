import { rmSync } from 'node:fs';
import { deferred } from '../../base/abort.js';
import { DaemonError, isErrno } from '../../base/errors.js';
import type { Attachment, AttachWishes, ExitRecord, ProcessKey } from '../../core/execution/runtime.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { ExitStatus, ProcessHandle, Processes } from '../../core/kernel/processes.js';
import type { KeptProcess } from './keeper.js';
import { signalProcess } from './lost-process.js';
import type { OomWatch } from './oom-watch.js';
import type { ProcessInput } from './process-input.js';
import type { ReapedOutput } from './reaped-output.js';
import { writeExitFile } from './records.js';

export interface ReapedProcessParts {
  readonly key: ProcessKey;
  readonly dir: string;
  readonly handle: ProcessHandle;
  readonly processes: Processes;
  readonly descriptors: Descriptors;
  readonly input: ProcessInput | undefined;
  readonly output: ReapedOutput;
  /** The master, ours to resize and close; undefined without a terminal. */
  readonly terminal: Fd | undefined;
}

/** A child of the daemon, which reaps it and holds its streams. */
export class ReapedProcess implements KeptProcess {
  readonly key: ProcessKey;
  readonly pid: number;
  readonly exited: Promise<ExitRecord>;
  readonly drained: Promise<void>;
  readonly released: Promise<void>;
  readonly #parts: ReapedProcessParts;
  readonly #released = deferred<undefined>();
  readonly #oomListeners = new Set<() => void>();
  #oom: OomWatch | undefined;
  #terminal: Fd | undefined;

  constructor(parts: ReapedProcessParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.pid = parts.handle.pid;
    this.#terminal = parts.terminal;
    this.exited = this.#reap();
    this.drained = parts.output.drained();
    this.released = this.#released.promise;
  }

  /** Out-of-memory kills, noticed by `watch`, go to the listeners. */
  async watchOom(open: (happened: () => void) => Promise<OomWatch | undefined>): Promise<void> {
    this.#oom = await open(() => {
      for (const listener of [...this.#oomListeners]) listener();
    });
  }

  signal(signal: number): void {
    signalProcess(this.#parts.handle, signal);
  }

  onOom(listener: () => void): Disposable {
    this.#oomListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#oomListeners.delete(listener) };
  }

  resize(columns: number, rows: number): Promise<void> {
    if (this.#terminal === undefined) {
      return Promise.reject(new DaemonError('failed-precondition', 'the process has no terminal'));
    }
    this.#parts.descriptors.setTerminalSize(this.#terminal, { columns, rows });
    return Promise.resolve();
  }

  closeStdin(): Promise<void> {
    this.#parts.input?.close();
    return Promise.resolve();
  }

  attach(options: AttachWishes): Promise<Attachment> {
    return Promise.resolve().then(() => {
      const { input, output } = this.#parts;
      return output.attach(async (bytes) => await input?.write(bytes), options);
    });
  }

  async release(): Promise<void> {
    await this.exited;
    const { dir, handle, input, output, descriptors } = this.#parts;
    input?.[Symbol.dispose]();
    await output[Symbol.asyncDispose]();
    handle[Symbol.dispose]();
    if (this.#terminal !== undefined) descriptors.close(this.#terminal);
    this.#terminal = undefined;
    rmSync(dir, { recursive: true, force: true });
    this.#released.resolve(undefined);
  }

  async #reap(): Promise<ExitRecord> {
    const { handle, processes, dir } = this.#parts;
    await handle.exited();
    const exitedAtNs = BigInt(Date.now()) * 1_000_000n;
    const oomKilled = (await this.#oom?.check()) ?? false;
    await this.#oom?.[Symbol.asyncDispose]();
    const status = (await reapIfOurs(processes, this.pid)) ?? handle.exitStatus();
    const record: ExitRecord = status
      ? { status: status.code, unknown: false, exitedAtNs, oomKilled }
      : { status: 255, unknown: true, unknownReason: 'somebody else reaped it', exitedAtNs, oomKilled };
    await writeExitFile(dir, this.pid, status?.signal ?? 0, record);
    return record;
  }
}

async function reapIfOurs(processes: Processes, pid: number): Promise<ExitStatus | undefined> {
  try {
    return await processes.reapEnded(pid);
  } catch (cause) {
    if (isErrno(cause, 'ECHILD')) return undefined;
    throw cause;
  }
}
