import { join } from 'node:path';
import { Socket } from 'node:net';
import { DaemonError, isKind, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Journal } from '../../core/events/journal.js';
import type {
  CreateRequest,
  ExecRequest,
  ExitRecord,
  ProcessKey,
  RuntimeProcess,
} from '../../core/execution/runtime.js';
import type { ProcessStreams, StreamKeeper } from '../../core/execution/process-streams.js';
import type { ShimsRuntime } from '../../core/execution/shims.js';
import type { Kernel } from '../../core/kernel/kernel.js';
import { TtrpcClient } from '../../rpc/ttrpc/client.js';
import { openTtrpcServer } from '../../rpc/ttrpc/server.js';
import { messages } from '../../rpc/whole.js';
import { removeSocket, ShimBundle, type ShimRecord } from './shim-bundle.js';
import { deleteByShim, startShim, type ShimCommand } from './shim-program.js';
import { ShimProcess, wireKey, type TaskCall } from './shim-process.js';

const SIGKILL = 9;
const CALL_MS = 120_000;
/** For a shim that must answer before the daemon goes on, and to end once it was told to. */
const SHORT_MS = 10_000;
const SPEC_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/';

export interface ShimRuntimeParts extends Pick<Kernel, 'programs' | 'mounts' | 'descriptors'> {
  readonly log: Logger;
  readonly journal: Pick<Journal, 'append'>;
  /** Folder of all bundles. */
  readonly bundles: string;
  /** Shims run the programs (`binary://`) that clients name for their output. */
  readonly allowLoggingPrograms: boolean;
  /** For containers of clients without FIFOs. */
  readonly streams: StreamKeeper;
  /** The daemon's socket; shims tell their events at the same path with `.ttrpc` behind it. */
  readonly address: string;
}

/** One shim as one container sees it. */
interface Shim {
  readonly client: TtrpcClient;
  readonly record: ShimRecord;
  readonly log: Disposable;
}

/** Containers of containerd's shims: programs of others, started by us, called over ttrpc, found again by their sockets. */
export class ShimRuntime implements ShimsRuntime, AsyncDisposable {
  readonly #parts: ShimRuntimeParts;
  readonly #shims = new Map<string, Shim>();
  readonly #processes = new Map<string, ShimProcess>();
  readonly #lost = new Map<string, Promise<void>>();
  #events: Promise<AsyncDisposable> | undefined;
  #closing = false;

  constructor(parts: ShimRuntimeParts) {
    this.#parts = parts;
  }

  owns(key: ProcessKey): boolean {
    return this.#shims.has(nameOf(key)) || this.#bundle(key).read() !== undefined;
  }

  async create(request: CreateRequest): Promise<RuntimeProcess> {
    const { shim, spec, stdio, rootfs, namespace, containerId } = request;
    const key: ProcessKey = { namespace, containerId, execId: '' };
    if (!shim) throw new DaemonError('internal', `container ${containerId} has no shim`);
    const bundle = this.#bundle(key);
    await bundle.create(spec, { program: shim.program });
    let streams: ProcessStreams | undefined;
    try {
      streams = await this.#openStreams(request, bundle);
      await this.#listen();
      const log = this.#readLog(bundle.path, key);
      const started = await startShim(this.#parts.programs, this.#command(key, shim.program), shim.options).catch(
        (cause: unknown) => {
          log[Symbol.dispose]();
          throw cause;
        },
      );
      await this.#connect(key, { program: shim.program, ...started }, log);
      await bundle.write({ program: shim.program, ...started });
      const { options } = shim;
      const reply = await this.#call(key, 'Create', 'containerd.task.v2.CreateTaskRequest', {
        ...{ id: containerId, bundle: bundle.path, ...(streams?.stdio ?? stdio) },
        rootfs: rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
        ...(options && { options: { type_url: options.typeUrl, value: Buffer.from(options.value) } }),
      });
      return this.#follow(key, messages.decode('containerd.task.v2.CreateTaskResponse', reply).pid, streams);
    } catch (cause) {
      await streams?.[Symbol.asyncDispose]();
      await this.delete(key).catch((error: unknown) => {
        this.#parts.log.error({ ...key, error: messageOf(error) }, 'what a shim has begun could not be removed');
      });
      throw cause;
    }
  }

  async start(key: ProcessKey): Promise<void> {
    await this.#call(key, 'Start', 'containerd.task.v2.ProcessRequest', wireKey(key));
  }

  async exec(request: ExecRequest): Promise<RuntimeProcess> {
    const { namespace, containerId, execId, process, stdio } = request;
    const key: ProcessKey = { namespace, containerId, execId };
    const streams = await this.#openStreams(request, this.#bundle(key));
    try {
      const spec = { type_url: `${SPEC_TYPE}Process`, value: Buffer.from(process) };
      const wish = { ...wireKey(key), ...(streams?.stdio ?? stdio), spec };
      await this.#call(key, 'Exec', 'containerd.task.v2.ExecProcessRequest', wish);
      try {
        const reply = await this.#call(key, 'Start', 'containerd.task.v2.ProcessRequest', wireKey(key));
        return this.#follow(key, messages.decode('containerd.task.v2.StartResponse', reply).pid, streams);
      } catch (cause) {
        await this.#call(key, 'Delete', 'containerd.task.v2.ProcessRequest', wireKey(key)).catch(() => undefined);
        throw cause;
      }
    } catch (cause) {
      await streams?.[Symbol.asyncDispose]();
      await this.#bundle(key).removeStreams(execId);
      throw cause;
    }
  }

  async kill(key: ProcessKey, signal: number, all: boolean): Promise<void> {
    await this.#call(key, 'Kill', 'containerd.task.v2.KillRequest', { ...wireKey(key), signal, all });
  }

  async pause(key: ProcessKey): Promise<void> {
    await this.#call(key, 'Pause', 'containerd.task.v2.ProcessRequest', { id: key.containerId });
  }

  async resume(key: ProcessKey): Promise<void> {
    await this.#call(key, 'Resume', 'containerd.task.v2.ProcessRequest', { id: key.containerId });
  }

  async pids(key: ProcessKey): Promise<readonly number[]> {
    const reply = await this.#call(key, 'Pids', 'containerd.task.v2.ProcessRequest', { id: key.containerId });
    return messages.decode('containerd.task.v2.PidsResponse', reply).processes.map(({ pid }) => pid);
  }

  async update(key: ProcessKey, resources: Uint8Array): Promise<void> {
    const any = { type_url: `${SPEC_TYPE}LinuxResources`, value: Buffer.from(resources) };
    const request = { id: key.containerId, resources: any };
    await this.#call(key, 'Update', 'containerd.task.v2.UpdateTaskRequest', request);
  }

  async delete(key: ProcessKey): Promise<void> {
    const bundle = this.#bundle(key);
    const record = bundle.read();
    if (!record) return;
    const shim = this.#shims.get(nameOf(key)) ?? (await this.#reconnect(key, record));
    const asked = shim !== undefined && (await this.#deleteOverSocket(key, shim));
    await this.#forget(key);
    if (!asked) await this.#deleteByProgram(key, record);
    await bundle.remove(this.#parts.mounts);
    this.#lost.delete(nameOf(key));
  }

  async recover(key: ProcessKey): Promise<RuntimeProcess | undefined> {
    const known = this.#processes.get(processName(key));
    if (known) return known;
    const init = { ...key, execId: '' };
    const record = this.#bundle(key).read();
    if (!record) return undefined;
    await this.#listen();
    if (!this.#shims.has(nameOf(key)) && !(await this.#reconnect(init, record))) {
      await this.#shimLost(init);
      return undefined;
    }
    try {
      const reply = await this.#call(key, 'State', 'containerd.task.v2.ProcessRequest', wireKey(key), SHORT_MS);
      const streams = await this.#parts.streams.reopen(key, this.#bundle(key).streams(key.execId));
      return this.#follow(key, messages.decode('containerd.task.v2.StateResponse', reply).pid, streams);
    } catch (cause) {
      if (isKind(cause, 'not-found')) return undefined;
      throw cause;
    }
  }

  inventory(): Promise<readonly ProcessKey[]> {
    return Promise.resolve([]);
  }

  features(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Shims and their containers go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    for (const process of this.#processes.values()) await process.closeStreams();
    for (const { client, log } of this.#shims.values()) {
      client[Symbol.dispose]();
      log[Symbol.dispose]();
    }
    await (await this.#events)?.[Symbol.asyncDispose]();
  }

  readonly #call: TaskCall = async (key, method, type, request, timeoutMs = CALL_MS) => {
    const shim = this.#shims.get(nameOf(key));
    if (!shim)
      throw new DaemonError('unavailable', `the shim of container ${key.containerId} is gone: delete the task`);
    return await shim.client.call({
      ...{ service: `containerd.task.v${shim.record.version ?? 2}.Task`, method, timeoutMs },
      ...{ namespace: key.namespace, payload: messages.encode(type, request) },
    });
  };

  #bundle(key: ProcessKey): ShimBundle {
    return new ShimBundle(this.#parts.bundles, key);
  }

  #command(key: ProcessKey, program: string): ShimCommand {
    const { address } = this.#parts;
    return { program, key, address, ttrpcAddress: `${address}.ttrpc`, bundle: this.#bundle(key).path };
  }

  async #connect(key: ProcessKey, record: ShimRecord, log: Disposable): Promise<Shim> {
    try {
      const client = await TtrpcClient.connect(record.socket ?? '');
      const shim = { client, record, log };
      this.#shims.set(nameOf(key), shim);
      return shim;
    } catch (cause) {
      log[Symbol.dispose]();
      throw cause;
    }
  }

  /** The shim of a record; undefined when nobody listens there. */
  async #reconnect(key: ProcessKey, record: ShimRecord): Promise<Shim | undefined> {
    if (record.socket === undefined) return undefined;
    const log = this.#readLog(this.#bundle(key).path, key);
    return await this.#connect(key, record, log).catch(() => undefined);
  }

  /** Streams at our side for a client that has no FIFOs of its own. */
  async #openStreams(request: CreateRequest | ExecRequest, bundle: ShimBundle): Promise<ProcessStreams | undefined> {
    if (!request.log) {
      const { stdout, stderr } = request.stdio;
      const program = [stdout, stderr].find((each) => each.startsWith('binary://'));
      if (program === undefined || this.#parts.allowLoggingPrograms) return undefined;
      const advice = 'give a FIFO or file://, or allow them by runtime.allow_logging_programs';
      throw new DaemonError('unimplemented', `${program}: logging programs are not run; ${advice}`);
    }
    const { namespace, containerId, execId, stdio, waitForReader = false } = request;
    return await this.#parts.streams.open({
      ...{ namespace, containerId, execId, waitForReader, terminal: stdio.terminal, dir: bundle.streams(execId) },
      ...('logLimits' in request && { logLimits: request.logLimits }),
    });
  }

  #follow(key: ProcessKey, pid: number, streams: ProcessStreams | undefined): ShimProcess {
    const files = streams && {
      streams,
      remove: async () => await this.#bundle(key).removeStreams(key.execId),
    };
    const process = new ShimProcess(key, pid, this.#exit(key), this.#call, files);
    this.#processes.set(processName(key), process);
    return process;
  }

  async #exit(key: ProcessKey): Promise<ExitRecord> {
    try {
      const reply = await this.#call(key, 'Wait', 'containerd.task.v2.ProcessRequest', wireKey(key), 0);
      const { exit_status: status, exited_at: at } = messages.decode('containerd.task.v2.WaitResponse', reply);
      const exitedAtNs = at ? BigInt(at.seconds) * 1_000_000_000n + BigInt(at.nanos) : nowNs();
      return { status: status & 0xff, unknown: false, exitedAtNs, oomKilled: false };
    } catch (error) {
      // The next daemon finds out.
      if (this.#closing) return await new Promise<never>(() => undefined);
      this.#parts.log.error({ ...key, error: messageOf(error) }, 'the shim of a process is lost; its exit is unknown');
      await this.#shimLost({ ...key, execId: '' });
      return { status: 255, unknown: true, exitedAtNs: nowNs(), oomKilled: false };
    }
  }

  /** Once a container: what its dead shim leaves running is ended. */
  async #shimLost(key: ProcessKey): Promise<void> {
    const name = nameOf(key);
    const lost = this.#lost.get(name) ?? this.#cleanUpLost(key);
    this.#lost.set(name, lost);
    await lost;
  }

  async #cleanUpLost(key: ProcessKey): Promise<void> {
    this.#shims.get(nameOf(key))?.log[Symbol.dispose]();
    this.#shims.get(nameOf(key))?.client[Symbol.dispose]();
    this.#shims.delete(nameOf(key));
    const record = this.#bundle(key).read();
    if (record) await this.#deleteByProgram(key, record);
  }

  async #deleteByProgram(key: ProcessKey, record: ShimRecord): Promise<void> {
    await deleteByShim(this.#parts.programs, this.#command(key, record.program)).catch((error: unknown) => {
      this.#parts.log.warn({ ...key, error: messageOf(error) }, 'a shim could not clean up after another');
    });
    if (record.socket !== undefined) await removeSocket(record.socket);
  }

  /** @returns False when the shim did not do it. */
  async #deleteOverSocket(key: ProcessKey, { client }: Shim): Promise<boolean> {
    const remove = () => this.#call(key, 'Delete', 'containerd.task.v2.ProcessRequest', wireKey(key), SHORT_MS);
    try {
      await remove().catch(async (cause: unknown) => {
        if (isKind(cause, 'not-found') || isKind(cause, 'unavailable')) throw cause;
        await this.kill(key, SIGKILL, true).catch(() => undefined);
        await this.#call(key, 'Wait', 'containerd.task.v2.ProcessRequest', wireKey(key), SHORT_MS);
        await remove();
      });
      return true;
    } catch (error) {
      this.#parts.log.debug({ ...key, error: messageOf(error) }, 'a shim did not delete its container');
      return false;
    } finally {
      await this.#endShim(key, client);
    }
  }

  /** One that has other containers goes on. */
  async #endShim(key: ProcessKey, client: TtrpcClient): Promise<void> {
    const request = { id: key.containerId };
    await this.#call(key, 'Shutdown', 'containerd.task.v2.ShutdownRequest', request, SHORT_MS).catch(() => undefined);
    const socket = this.#shims.get(nameOf(key))?.record.socket;
    if ([...this.#shims.values()].filter(({ record }) => record.socket === socket).length > 1) return;
    const late = new Promise<void>((resolve) => setTimeout(resolve, SHORT_MS).unref());
    await Promise.race([client.closed, late]);
  }

  async #forget(key: ProcessKey): Promise<void> {
    const shim = this.#shims.get(nameOf(key));
    shim?.client[Symbol.dispose]();
    shim?.log[Symbol.dispose]();
    this.#shims.delete(nameOf(key));
    for (const [name, process] of [...this.#processes]) {
      if (!name.startsWith(`${nameOf(key)}/`)) continue;
      this.#processes.delete(name);
      await process.closeStreams();
    }
  }

  /** A shim logs into a FIFO of its bundle, and waits for us to read it. */
  #readLog(bundle: string, key: ProcessKey): Disposable {
    const { descriptors, log } = this.#parts;
    const path = join(bundle, 'log');
    try {
      descriptors.makeFifo(path, 0o600);
    } catch {
      // A daemon before this one has made it.
    }
    // Both sides, so that there is no end while nobody writes.
    const socket = new Socket({ fd: descriptors.openFifo(path, 'both'), readable: true, writable: false });
    socket.on('data', (bytes) => log.debug({ ...key, text: bytes.toString().slice(0, 4096) }, 'a shim says'));
    socket.on('error', () => undefined); // 'close' follows
    return { [Symbol.dispose]: () => void socket.destroy() };
  }

  async #listen(): Promise<void> {
    this.#events ??= openTtrpcServer(`${this.#parts.address}.ttrpc`, async (_service, _method, payload) => {
      await this.#told(payload);
      return Buffer.alloc(0);
    });
    await this.#events.catch((cause: unknown) => {
      this.#events = undefined;
      throw cause;
    });
  }

  /** What a shim tells of its tasks we tell ourselves, in the transaction that changes the record; but for what only it can see. */
  async #told(payload: Buffer): Promise<void> {
    const { envelope } = messages.decode('containerd.services.events.ttrpc.v1.ForwardRequest', payload);
    if (!envelope?.event) return;
    const { topic, namespace, event } = envelope;
    if (topic === '/tasks/oom') {
      const { container_id: containerId } = messages.decode('containerd.events.TaskOOM', event.value);
      this.#processes.get(processName({ namespace, containerId, execId: '' }))?.oomHappened();
    } else if (!topic.startsWith('/tasks/')) {
      await this.#parts.journal.append(namespace, {
        topic,
        payload: { any: { typeUrl: event.type_url, value: event.value } },
      });
    }
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function nameOf({ namespace, containerId }: ProcessKey): string {
  return `${namespace}/${containerId}`;
}

function processName(key: ProcessKey): string {
  return `${nameOf(key)}/${key.execId}`;
}
