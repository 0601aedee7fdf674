import { randomUUID } from 'node:crypto';
import { remoteContainers } from '../src/remote/containers.js';
import { remoteSnapshots } from '../src/remote/snapshots.js';
import { answered } from '../src/remote/conversions.js';
import type { ContainerDraft } from '../src/core/containers/container-store.js';
import type { Snapshotter } from '../src/core/snapshots/snapshotter.js';
import { Channel } from '../src/rpc/channel.js';
import type { ServiceClient } from '../src/rpc/handlers.js';
import { wholeSchema } from '../src/rpc/whole.js';
import type { Engine } from './engine.js';

const SCOPE = { namespace: 'default' };
const SNAPSHOTTER = 'overlayfs';
/** Until the container is there that refers to it, a snapshot is kept by this. */
const KEPT = { 'containerd.io/gc.root': 'bench' };

interface Spec {
  readonly process: { readonly args: readonly string[] };
  readonly linux: { readonly cgroupsPath?: string };
}

/**
 * A small loop over an engine's socket: the calls that make and end a container and nothing else, on one connection from this process. So
 * it is the daemon and what it starts that are measured.
 */
export class SocketClient implements Disposable {
  readonly #channel: Channel;
  readonly #tasks: ServiceClient<'containerd.services.tasks.v1.Tasks'>;
  readonly #containers;
  readonly #snapshots: Snapshotter;
  #model: { readonly draft: ContainerDraft; readonly spec: Spec; readonly parent: string } | undefined;

  constructor({ address }: Pick<Engine, 'address'>) {
    this.#channel = new Channel({ address, schema: wholeSchema, ...SCOPE });
    this.#tasks = this.#channel.service('containerd.services.tasks.v1.Tasks');
    this.#containers = remoteContainers(this.#channel)(SCOPE);
    this.#snapshots = remoteSnapshots(this.#channel, SNAPSHOTTER)(SCOPE);
  }

  /** Has containerd's ctr make a container, and takes its spec and its image's layers as the model of all others. */
  async prepare(engine: Engine, reference: string): Promise<void> {
    if (this.#model) return;
    const id = `model-${randomUUID()}`;
    await engine.containerdCtr('containers', 'create', reference, id, 'sleep', '600');
    const draft = await this.#containers.get(id);
    const { parent } = await this.#snapshots.stat(id);
    const spec = JSON.parse(Buffer.from(answered(draft.spec, 'spec').value).toString()) as Spec;
    await engine.containerdCtr('containers', 'delete', id);
    this.#model = { draft, spec, parent };
  }

  /** Makes a container and starts it. */
  async start(id: string, args: readonly string[]): Promise<void> {
    await this.#create(id, args);
    await this.#tasks.start({ container_id: id });
  }

  /** Makes a container, starts it, waits for its end and removes it. @throws Error when its exit code is not 0. */
  async run(id: string, args: readonly string[]): Promise<void> {
    await this.#create(id, args);
    const ended = this.#tasks.wait({ container_id: id });
    await this.#tasks.start({ container_id: id });
    const { exit_status } = await ended;
    await this.#tasks.delete({ container_id: id });
    await this.#remove(id);
    checkExit(id, exit_status);
  }

  /** Runs a process in a container to its end. @throws Error when its exit code is not 0. */
  async exec(id: string, execId: string, args: readonly string[]): Promise<void> {
    const process = { ...answered(this.#model, 'model').spec.process, args };
    const spec = {
      type_url: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
      value: Buffer.from(JSON.stringify(process)),
    };
    const named = { container_id: id, exec_id: execId };
    await this.#tasks.exec({ ...named, spec });
    const ended = this.#tasks.wait(named);
    await this.#tasks.start(named);
    const { exit_status } = await ended;
    await this.#tasks.deleteProcess(named);
    checkExit(execId, exit_status);
  }

  /** Kills and removes a container. */
  async end(id: string): Promise<void> {
    const ended = this.#tasks.wait({ container_id: id });
    await this.#tasks.kill({ container_id: id, signal: 9, all: true });
    await ended;
    await this.#tasks.delete({ container_id: id });
    await this.#remove(id);
  }

  [Symbol.dispose](): void {
    this.#channel.close();
  }

  async #create(id: string, args: readonly string[]): Promise<void> {
    const { draft, spec, parent } = answered(this.#model, 'model');
    const own = {
      ...spec,
      process: { ...spec.process, args },
      linux: { ...spec.linux, cgroupsPath: `/${SCOPE.namespace}/${id}` },
    };
    const value = Buffer.from(JSON.stringify(own));
    const mounts = await this.#snapshots.prepare(id, parent, KEPT);
    await this.#containers.create({
      ...draft,
      id,
      snapshotKey: id,
      spec: { typeUrl: answered(draft.spec, 'spec').typeUrl, value },
    });
    const rootfs = mounts.map(({ type, source, options }) => ({ type, source, options: [...options] }));
    await this.#tasks.create({ container_id: id, rootfs });
  }

  async #remove(id: string): Promise<void> {
    await this.#containers.delete(id);
    await this.#snapshots.remove(id);
  }
}

function checkExit(id: string, status: number): void {
  if (status !== 0) throw new Error(`${id} has ended with exit code ${status}`);
}
