import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { deferred } from '../../base/abort.js';
import { isKind } from '../../base/errors.js';
import type { Attachment, AttachWishes, ExitRecord, ProcessKey } from '../../core/execution/runtime.js';
import type { ProcessHandle, Processes } from '../../core/kernel/processes.js';
import { type MonitorState, REQUEST, words } from './frames.js';
import type { KeptProcess } from './keeper.js';
import { exitOfOrphan, MONITOR_LOST, openRecorded, signalProcess } from './lost-process.js';
import { attachToMonitor } from './monitor-attachment.js';
import { connectMonitor, MonitorConnection, type MonitorEvents, monitorGone } from './monitor-connection.js';
import { MonitorInput } from './monitor-input.js';
import { readExitFile } from './records.js';

/** A process behind a monitor. */
export class MonitorProcess implements KeptProcess {
  readonly key: ProcessKey;
  readonly exited: Promise<ExitRecord>;
  readonly drained: Promise<void>;
  readonly released: Promise<void>;
  readonly #released = deferred<undefined>();
  readonly #processes: Processes;
  readonly #dir: string;
  readonly #exited = deferred<ExitRecord>();
  readonly #drained = deferred<undefined>();
  /** The runtime has ended, well or not. */
  readonly #settled = deferred<MonitorState>();
  readonly #oomListeners = new Set<() => void>();
  #connection: MonitorConnection | undefined;
  #handle: ProcessHandle | undefined;
  #input: MonitorInput | undefined;
  #pid = 0;
  #sentAway = false;
  #hasEnded = false;
  #recovering = false;

  constructor(processes: Processes, key: ProcessKey, dir: string) {
    this.#processes = processes;
    this.key = key;
    this.#dir = dir;
    this.exited = this.#exited.promise;
    this.drained = this.#drained.promise;
    this.released = this.#released.promise;
  }

  get pid(): number {
    return this.#pid;
  }

  /** Speaks with the monitor over a connected socket. @throws unavailable: it does not answer. */
  async adopt(socket: Socket): Promise<void> {
    const { connection, state } = await MonitorConnection.greet(socket, this.#events());
    this.#connection = connection;
    this.#took(state);
  }

  /** Listens to a monitor that has just been started. */
  begin(socket: Socket): void {
    this.#connection = MonitorConnection.begin(socket, this.#events());
  }

  #events(): MonitorEvents {
    return {
      created: (created) => this.#took(created),
      failed: (failed) => this.#took(failed),
      exited: (exited) => this.#took(exited),
      oom: () => this.#tellOom(),
      drained: () => this.#drained.resolve(undefined),
      closed: () => {
        this.#closed();
      },
    };
  }

  /** @returns The monitor's state once the runtime has ended. @throws unavailable: the monitor is lost before. */
  settled(): Promise<MonitorState> {
    return this.#settled.promise;
  }

  /** Ends a monitor whose process was not made: kills the runtime if it still runs. */
  async giveUp(): Promise<void> {
    await this.#go();
  }

  signal(signal: number): void {
    signalProcess(this.#handle, signal);
  }

  onOom(listener: () => void): Disposable {
    this.#oomListeners.add(listener);
    return { [Symbol.dispose]: () => void this.#oomListeners.delete(listener) };
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#request(REQUEST.resize, words(columns, rows));
  }

  async closeStdin(): Promise<void> {
    if (this.#input) await this.#input.close();
    else await this.#request(REQUEST.closeStdin);
  }

  attach(options: AttachWishes): Promise<Attachment> {
    this.#input ??= new MonitorInput(this.#dir);
    return attachToMonitor(this.#dir, this.#input, options);
  }

  async release(): Promise<void> {
    await this.#exited.promise;
    await this.#go();
    this.#handle?.[Symbol.dispose]();
    this.#handle = undefined;
    rmSync(this.#dir, { recursive: true, force: true });
    this.#released.resolve(undefined);
  }

  async #go(): Promise<void> {
    this.#sentAway = true;
    try {
      await this.#request(REQUEST.go);
    } catch (cause) {
      // Gone by itself, or lost: nothing is left to send away.
      if (!isKind(cause, 'unavailable')) throw cause;
    } finally {
      this.#connection?.close();
      this.#input?.dispose();
    }
  }

  async #request(type: number, payload?: Uint8Array): Promise<void> {
    if (!this.#connection) throw monitorGone();
    await this.#connection.request(type, payload);
  }

  #took(state: MonitorState): void {
    if (state.phase === 'creating') return;
    if (state.pid !== 0 && this.#pid === 0) {
      this.#pid = state.pid;
      this.#handle = openRecorded(this.#processes, { pid: state.pid, startTime: BigInt(state.startTime) });
    }
    this.#settled.resolve(state);
    if (state.phase === 'exited') this.#ended(recordOf(state));
    if (state.drained) this.#drained.resolve(undefined);
  }

  #tellOom(): void {
    for (const listener of [...this.#oomListeners]) listener();
  }

  #closed(): void {
    this.#settled.reject(monitorGone());
    if (this.#sentAway || this.#pid === 0) {
      this.#drained.resolve(undefined);
      return;
    }
    if (this.#recovering) return;
    this.#recovering = true;
    this.#recover()
      .catch(() => this.#unknownExit())
      .finally(() => (this.#recovering = false));
  }

  /** The connection went away unasked: the monitor has gone after the end of all, or dropped us, or is lost. */
  async #recover(): Promise<void> {
    const record = await readExitFile(this.#dir);
    if (record) this.#ended(record);
    const socket = await connectMonitor(this.#dir);
    if (socket) {
      await this.adopt(socket);
      return;
    }
    this.#connection = undefined;
    this.#drained.resolve(undefined);
    if (!this.#hasEnded) this.#ended(await exitOfOrphan(this.#processes, this.#dir, this.#handle, MONITOR_LOST));
  }

  #ended(record: ExitRecord): void {
    this.#hasEnded = true;
    this.#exited.resolve(record);
  }

  /** Neither monitor nor disk are of use: only the end itself can be seen. */
  async #unknownExit(): Promise<void> {
    await this.#handle?.exited().catch(() => undefined);
    const exitedAtNs = BigInt(Date.now()) * 1_000_000n;
    this.#drained.resolve(undefined);
    this.#ended({ status: 255, unknown: true, unknownReason: MONITOR_LOST, exitedAtNs, oomKilled: false });
  }
}

function recordOf({ status, exitedAtNs, oomKilled }: MonitorState): ExitRecord {
  return { status, unknown: false, exitedAtNs: BigInt(exitedAtNs), oomKilled };
}
