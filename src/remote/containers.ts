import type { Container, ContainerDraft, ContainerStore } from '../core/containers/container-store.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { Channel } from '../rpc/channel.js';
import type { Incoming, Outgoing, ServiceClient } from '../rpc/handlers.js';
import { dateOfTimestamp } from '../rpc/time.js';
import { answered, fromWireAny, toWireAny } from './conversions.js';

type Client = ServiceClient<'containerd.services.containers.v1.Containers'>;

/** The containers of a daemon, over its socket. */
export function remoteContainers(channel: Channel): Scoped<ContainerStore> {
  const client = channel.service('containerd.services.containers.v1.Containers');
  return (scope) => new RemoteContainers(client, scope);
}

class RemoteContainers implements ContainerStore {
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(client: Client, scope: Scope) {
    this.#client = client;
    this.#scope = scope;
  }

  async get(id: string): Promise<Container> {
    return fromWire((await this.#client.get({ id }, this.#scope)).container);
  }

  async list(filters: readonly string[] = []): Promise<readonly Container[]> {
    const containers: Container[] = [];
    for await (const { container } of this.#client.listStream({ filters: [...filters] }, this.#scope)) {
      containers.push(fromWire(container));
    }
    return containers;
  }

  async create(draft: ContainerDraft): Promise<Container> {
    return fromWire((await this.#client.create({ container: toWire(draft) }, this.#scope)).container);
  }

  async update(draft: ContainerDraft, fieldPaths: readonly string[] = []): Promise<Container> {
    const request = { container: toWire(draft), update_mask: { paths: [...fieldPaths] } };
    return fromWire((await this.#client.update(request, this.#scope)).container);
  }

  async delete(id: string): Promise<void> {
    await this.#client.delete({ id }, this.#scope);
  }
}

function toWire(draft: ContainerDraft): Outgoing<'containerd.services.containers.v1.Container'> {
  const extensions = Object.entries(draft.extensions).map(([key, any]) => [key, toWireAny(any)] as const);
  return {
    id: draft.id,
    labels: { ...draft.labels },
    image: draft.image,
    runtime: { name: draft.runtime.name, options: toWireAny(draft.runtime.options) },
    spec: toWireAny(draft.spec),
    snapshotter: draft.snapshotter,
    snapshot_key: draft.snapshotKey,
    extensions: Object.fromEntries(extensions.flatMap(([key, any]) => (any ? [[key, any]] : []))),
    sandbox: draft.sandbox,
  };
}

function fromWire(wire: Incoming<'containerd.services.containers.v1.Container'> | null): Container {
  const container = answered(wire, 'container');
  const options = fromWireAny(container.runtime?.options);
  const spec = fromWireAny(container.spec);
  const extensions = Object.entries(container.extensions).map(([key, { type_url, value }]) => [
    key,
    { typeUrl: type_url, value },
  ]);
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: { name: container.runtime?.name ?? '', ...(options && { options }) },
    ...(spec && { spec }),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshot_key,
    extensions: Object.fromEntries(extensions) as Container['extensions'],
    sandbox: container.sandbox,
    createdAt: answered(dateOfTimestamp(container.created_at), 'time'),
    updatedAt: answered(dateOfTimestamp(container.updated_at), 'time'),
  };
}
