import { DaemonError } from '../../base/errors.js';
import type { ProcessStreams } from '../../core/execution/process-streams.js';
import type { Attachment, AttachWishes, ExitRecord, ProcessKey, RuntimeProcess } from '../../core/execution/runtime.js';
import type { MessageName, Outgoing } from '../../rpc/handlers.js';

/** A call of the task API about a process; the answer is to be decoded. */
export type TaskCall = <N extends MessageName>(
  key: ProcessKey,
  method: string,
  type: N,
  request: Outgoing<N>,
  timeoutMs?: number,
) => Promise<Buffer>;

/** The streams of a process at our side, and what removes their files. */
export interface ShimStreams {
  readonly streams: ProcessStreams;
  remove(): Promise<void>;
}

/** A process that a shim holds. Its streams are the client's own, which the shim copies, or FIFOs of ours. */
export class ShimProcess implements RuntimeProcess {
  readonly key: ProcessKey;
  readonly pid: number;
  readonly exited: Promise<ExitRecord>;
  readonly drained: Promise<void>;
  readonly #call: TaskCall;
  readonly #files: ShimStreams | undefined;
  readonly #oom = new Set<() => void>();

  constructor(key: ProcessKey, pid: number, exited: Promise<ExitRecord>, call: TaskCall, files?: ShimStreams) {
    this.key = key;
    this.pid = pid;
    this.exited = exited;
    this.#call = call;
    this.#files = files;
    this.drained = files?.streams.drained ?? Promise.resolve();
  }

  onOom(listener: () => void): Disposable {
    this.#oom.add(listener);
    return { [Symbol.dispose]: () => void this.#oom.delete(listener) };
  }

  /** The shim has told of an out-of-memory kill. */
  oomHappened(): void {
    for (const listener of [...this.#oom]) listener();
  }

  async resize(columns: number, rows: number): Promise<void> {
    const request = { ...wireKey(this.key), width: columns, height: rows };
    await this.#call(this.key, 'ResizePty', 'containerd.task.v2.ResizePtyRequest', request);
  }

  async closeStdin(): Promise<void> {
    this.#files?.streams.closeStdin();
    const request = { ...wireKey(this.key), stdin: true };
    await this.#call(this.key, 'CloseIO', 'containerd.task.v2.CloseIORequest', request);
  }

  attach(wishes: AttachWishes): Promise<Attachment> {
    if (this.#files) return this.#files.streams.attach(wishes);
    return Promise.reject(
      new DaemonError('failed-precondition', "the output of the process goes to its client's own files"),
    );
  }

  /** The shim's side stays; a daemon that starts later opens ours again. */
  async closeStreams(): Promise<void> {
    await this.#files?.streams[Symbol.asyncDispose]();
  }

  /** An init goes with its container; an exec is forgotten by the shim, if that is still there. */
  async release(): Promise<void> {
    await this.closeStreams();
    if (this.key.execId === '') return;
    await this.#call(this.key, 'Delete', 'containerd.task.v2.ProcessRequest', wireKey(this.key)).catch(() => undefined);
    await this.#files?.remove();
  }
}

/** A process by the names of the wire. */
export function wireKey({ containerId, execId }: ProcessKey): { readonly id: string; readonly exec_id: string } {
  return { id: containerId, exec_id: execId };
}
