import { deferred, type Deferred } from '../../src/base/abort.js';
import { DaemonError } from '../../src/base/errors.js';
import { SILENT } from '../../src/base/logger.js';
import type { Container, ContainerDraft, RenamingContainerStore } from '../../src/core/containers/container-store.js';
import type { Event } from '../../src/core/events/journal.js';
import { createExecution, type Execution } from '../../src/core/execution/execution.js';
import type { ExecutionPorts } from '../../src/core/execution/parts.js';
import type { RootfsView } from '../../src/core/execution/rootfs-view.js';
import type {
  Attachment,
  CreateRequest,
  ExecRequest,
  ExitRecord,
  ProcessKey,
  Runtime,
  RuntimeProcess,
} from '../../src/core/execution/runtime.js';
import type { NamespaceStore } from '../../src/core/namespaces/namespace-store.js';
import type { ContainerNetworks } from '../../src/core/network/container-networks.js';
import type { Rootfs } from '../../src/core/rootfs/rootfs.js';
import type { HostFacts } from '../../src/spec/runtime-spec-builder.js';
import { DEFAULT_CAPABILITIES } from '../../src/spec/runtime-spec-defaults.js';
import type { ProcessRecord, TaskStore } from '../../src/core/execution/task-store.js';

/** Records in memory, and the events that came with them, in order. */
export class MemoryTasks implements TaskStore {
  readonly records = new Map<string, ProcessRecord>();
  readonly events: Event[] = [];
  /** The next change fails with it. */
  failure: Error | undefined;

  /** Topics without `/tasks/`, with the id of an exec behind a colon. */
  get topics(): string[] {
    return this.events
      .filter(({ topic }) => topic.startsWith('/tasks/'))
      .map(({ topic, payload }) => {
        const fields = 'fields' in payload ? payload.fields : {};
        const id = fields['exec_id'] ?? (fields['id'] === fields['container_id'] ? undefined : fields['id']);
        return topic.slice('/tasks/'.length) + (typeof id === 'string' ? `:${id}` : '');
      });
  }

  async get(containerId: string, execId = ''): Promise<ProcessRecord> {
    return this.#found(containerId, execId);
  }

  async list(containerId?: string): Promise<readonly ProcessRecord[]> {
    return [...this.records.values()].filter(
      (record) => containerId === undefined || record.containerId === containerId,
    );
  }

  async create(record: ProcessRecord, events: readonly Event[] = []): Promise<void> {
    const key = `${record.containerId}/${record.execId}`;
    if (this.records.has(key)) throw new DaemonError('already-exists', `record ${key}`);
    this.#commit(events, () => this.records.set(key, record));
  }

  async put(record: ProcessRecord, events: readonly Event[] = []): Promise<void> {
    this.#found(record.containerId, record.execId);
    this.#commit(events, () => this.records.set(`${record.containerId}/${record.execId}`, record));
  }

  async delete(containerId: string, execId = '', events: readonly Event[] = []): Promise<void> {
    this.#found(containerId, execId);
    this.#commit(events, () => {
      for (const key of this.records.keys()) {
        if (key === `${containerId}/${execId}` || (execId === '' && key.startsWith(`${containerId}/`)))
          this.records.delete(key);
      }
    });
  }

  #found(containerId: string, execId: string): ProcessRecord {
    const record = this.records.get(`${containerId}/${execId}`);
    if (record) return record;
    throw new DaemonError('not-found', `record ${containerId}/${execId}`);
  }

  #commit(events: readonly Event[], change: () => void): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
    change();
    this.events.push(...events);
  }
}

/** Containers in memory. */
export class MemoryContainers implements RenamingContainerStore {
  readonly containers = new Map<string, Container>();

  async get(id: string): Promise<Container> {
    const container = this.containers.get(id);
    if (container) return container;
    throw new DaemonError('not-found', `container ${JSON.stringify(id)} not found`);
  }

  async list(): Promise<readonly Container[]> {
    return [...this.containers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async create(draft: ContainerDraft): Promise<Container> {
    if (this.containers.has(draft.id)) throw new DaemonError('already-exists', `container ${draft.id}`);
    return this.#set(draft);
  }

  async update(draft: ContainerDraft): Promise<Container> {
    await this.get(draft.id);
    return this.#set(draft);
  }

  async rename(id: string, draft: ContainerDraft): Promise<Container> {
    await this.delete(id);
    return await this.create(draft);
  }

  async delete(id: string): Promise<void> {
    await this.get(id);
    this.containers.delete(id);
  }

  #set(draft: ContainerDraft): Container {
    const container = { ...draft, createdAt: new Date(), updatedAt: new Date() };
    this.containers.set(draft.id, container);
    return container;
  }
}

/** A process of the fake runtime, whose end the test decides. */
export class FakeProcess implements RuntimeProcess {
  readonly key: ProcessKey;
  readonly pid: number;
  readonly #exit: Deferred<ExitRecord> = deferred();
  readonly #drained: Deferred<void> = deferred();
  readonly #oom: (() => void)[] = [];
  readonly calls: string[] = [];
  readonly input: Uint8Array[] = [];
  started = false;
  ended = false;

  constructor(key: ProcessKey, pid: number) {
    this.key = key;
    this.pid = pid;
  }

  get exited(): Promise<ExitRecord> {
    return this.#exit.promise;
  }

  get drained(): Promise<void> {
    return this.#drained.promise;
  }

  /** @param drained False: somebody does not read its output. */
  exit(status: number, options: Partial<ExitRecord> & { readonly drained?: boolean } = {}): void {
    const { drained = true, ...rest } = options;
    this.ended = true;
    this.#exit.resolve({ status, unknown: false, exitedAtNs: 1_700_000_000_123_456_789n, oomKilled: false, ...rest });
    if (drained) this.#drained.resolve();
  }

  oom(): void {
    for (const listener of this.#oom) listener();
  }

  onOom(listener: () => void): Disposable {
    this.#oom.push(listener);
    return { [Symbol.dispose]: () => undefined };
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.calls.push(`resize ${columns}x${rows}`);
  }

  async closeStdin(): Promise<void> {
    this.calls.push('closeStdin');
  }

  async attach(): Promise<Attachment> {
    this.calls.push('attach');
    const { input, exited } = this;
    return {
      output: (async function* () {
        yield { stream: 'stdout' as const, bytes: Buffer.from('hello') };
        await exited;
      })(),
      write: async (bytes) => {
        input.push(bytes);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  async release(): Promise<void> {
    this.calls.push('release');
  }
}

/** A runtime without processes: what happens, and when, is the test's script. */
export class FakeRuntime implements Runtime {
  readonly processes = new Map<string, FakeProcess>();
  readonly calls: string[] = [];
  /** Runs inside of the call of that name, before it returns. */
  during: Partial<Record<'create' | 'start' | 'exec' | 'kill', (process: FakeProcess) => Promise<void> | void>> = {};
  #pid = 100;

  async create(request: CreateRequest): Promise<RuntimeProcess> {
    return await this.#make('create', request);
  }

  async start(key: ProcessKey): Promise<void> {
    const process = this.process(key.containerId);
    this.calls.push(`start ${key.containerId}`);
    await this.during.start?.(process);
    process.started = true;
  }

  async exec(request: ExecRequest): Promise<RuntimeProcess> {
    return await this.#make('exec', request);
  }

  async kill(key: ProcessKey, signal: number, all: boolean): Promise<void> {
    this.calls.push(`kill ${nameOf(key)} ${signal}${all ? ' all' : ''}`);
    const process = this.process(key.containerId, key.execId);
    if (process.ended && !all) throw new DaemonError('not-found', 'process already finished: not found');
    await this.during.kill?.(process);
    const hit = all ? [...this.processes.values()].filter((one) => one.key.containerId === key.containerId) : [process];
    if (signal === 9) for (const one of hit) if (!one.ended) one.exit(137);
  }

  async pause(key: ProcessKey): Promise<void> {
    this.calls.push(`pause ${key.containerId}`);
  }

  async resume(key: ProcessKey): Promise<void> {
    this.calls.push(`resume ${key.containerId}`);
  }

  async pids(key: ProcessKey): Promise<readonly number[]> {
    return [...this.processes.values()]
      .filter((one) => one.key.containerId === key.containerId && !one.ended)
      .map((one) => one.pid);
  }

  async update(): Promise<void> {
    this.calls.push('update');
  }

  async delete(key: ProcessKey): Promise<void> {
    this.calls.push(`delete ${key.containerId}`);
    for (const [name, { key: one }] of this.processes)
      if (one.containerId === key.containerId) this.processes.delete(name);
  }

  async recover(key: ProcessKey): Promise<RuntimeProcess | undefined> {
    return this.processes.get(nameOf(key));
  }

  async inventory(): Promise<readonly ProcessKey[]> {
    return [...this.processes.values()].map(({ key }) => key);
  }

  async features(): Promise<string | undefined> {
    return undefined;
  }

  process(containerId: string, execId = ''): FakeProcess {
    const found = this.processes.get(nameOf({ containerId, execId }));
    if (found) return found;
    throw new DaemonError('not-found', `no process ${containerId}/${execId}`);
  }

  async #make(call: 'create' | 'exec', request: ProcessKey): Promise<FakeProcess> {
    const { namespace, containerId, execId } = request;
    const process = new FakeProcess({ namespace, containerId, execId }, ++this.#pid);
    this.calls.push(`${call} ${nameOf(request)}`);
    await this.during[call]?.(process);
    this.processes.set(nameOf(request), process);
    return process;
  }
}

/** Everything that tasks are built on, in memory; namespaces are not told apart. */
export function fakePorts(): ExecutionPorts & { runtime: FakeRuntime; store: MemoryTasks; boxes: MemoryContainers } {
  const runtime = new FakeRuntime();
  const store = new MemoryTasks();
  const boxes = new MemoryContainers();
  return {
    ...{ runtime, store, boxes, bootId: 'boot-1', bundleRoot: '/run/bundles', log: SILENT },
    tasks: () => store,
    containers: () => boxes,
    decodeOptions: () => ({}),
    cgroups: { read: async () => undefined, expectMove: () => undefined },
    logs: {
      read: async function* () {
        yield* [];
      },
      share: async () => undefined,
      remove: async () => undefined,
      list: async () => [],
    },
  };
}

/** A container's draft with a spec of the smallest kind. */
export function containerDraft(
  id: string,
  options: { readonly privatePids?: boolean; readonly runtime?: string } = {},
): ContainerDraft {
  const namespaces = options.privatePids === false ? [] : [{ type: 'pid' }];
  const spec = { process: { args: ['true'], env: ['A=1'], cwd: '/' }, linux: { namespaces } };
  return {
    ...{ id, labels: {}, image: '', snapshotter: '', snapshotKey: '', extensions: {}, sandbox: '' },
    runtime: { name: options.runtime ?? 'io.containerd.runc.v2' },
    spec: { typeUrl: 'spec', value: Buffer.from(JSON.stringify(spec)) },
  };
}

function nameOf({ containerId, execId }: Pick<ProcessKey, 'containerId' | 'execId'>): string {
  return `${containerId}/${execId}`;
}

/** An execution that can do everything but run images. */
export function fakeExecution(ports: ReturnType<typeof fakePorts> = fakePorts()): Execution {
  const missing = (what: string) => () => {
    throw new Error(`this test has no ${what}`);
  };
  const view = {
    ofProcess: () => ({ uid: 1000, gid: 1000 }),
    clean: async () => undefined,
    prepare: missing('rootfs'),
  };
  return createExecution({
    ...ports,
    ...{
      index: { namespaces: async () => ['default'] },
      namespaces: { list: async () => [] } as unknown as NamespaceStore,
    },
    ...{
      images: missing('images'),
      content: missing('content'),
      leases: missing('leases'),
      snapshots: missing('snapshots'),
    },
    ...{ rootfs: {} as Rootfs, view: view as unknown as RootfsView, platform: { os: 'linux', architecture: 'amd64' } },
    ...{
      host: PLAIN_HOST,
      networks: NO_NETWORKS,
      volumes: { bound: (_scope, mounts) => Promise.resolve(mounts) },
      defaultSnapshotter: '',
    },
  });
}

/** A machine of cgroup version 1 without AppArmor, whose daemon may do what a container may. */
export const PLAIN_HOST: HostFacts = {
  architecture: 'amd64',
  cgroupDriver: 'cgroupfs',
  cgroups: { v2: false, controllers: new Set(['memory', 'cpu', 'cpuset', 'pids', 'blkio']) },
  capabilities: DEFAULT_CAPABILITIES,
  limits: { hard: { nofile: 20_000 }, mayRaise: false },
  oomScoreAdj: 0,
  apparmor: false,
  networkFiles: ['/etc/hosts'],
  init: '/usr/lib/wharfd-init',
};

/** A daemon whose containers are never connected to anything. */
export const NO_NETWORKS: ContainerNetworks = {
  prepare: () => Promise.resolve({ files: {} }),
  connect: () => Promise.resolve(),
  disconnect: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  filesOf: () => Promise.resolve({}),
  inventory: () => Promise.resolve([]),
};
