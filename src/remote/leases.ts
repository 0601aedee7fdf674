import type { Lease, LeaseResource, LeaseStore } from '../core/leases/lease-store.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { Channel } from '../rpc/channel.js';
import type { Incoming, ServiceClient } from '../rpc/handlers.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Labels } from '../spec/labels.js';
import { answered } from './conversions.js';

type Client = ServiceClient<'containerd.services.leases.v1.Leases'>;

/** The leases of a daemon, over its socket; those are never operation leases of the daemon itself. */
export function remoteLeases(channel: Channel): Scoped<LeaseStore> {
  const client = channel.service('containerd.services.leases.v1.Leases');
  return (scope) => new RemoteLeases(client, scope);
}

class RemoteLeases implements LeaseStore {
  readonly #client: Client;
  readonly #scope: Scope;

  constructor(client: Client, scope: Scope) {
    this.#client = client;
    this.#scope = scope;
  }

  async create({ id, labels }: { readonly id: string; readonly labels: Labels }): Promise<Lease> {
    return fromWireLease((await this.#client.create({ id, labels: { ...labels } }, this.#scope)).lease);
  }

  async delete(id: string, { sync = false }: { readonly sync?: boolean } = {}): Promise<void> {
    await this.#client.delete({ id, sync }, this.#scope);
  }

  async list(filters: readonly string[] = []): Promise<readonly Lease[]> {
    return (await this.#client.list({ filters: [...filters] }, this.#scope)).leases.map(fromWireLease);
  }

  async addResource(id: string, resource: LeaseResource): Promise<void> {
    await this.#client.addResource({ id, resource }, this.#scope);
  }

  async deleteResource(id: string, resource: LeaseResource): Promise<void> {
    await this.#client.deleteResource({ id, resource }, this.#scope);
  }

  async resources(id: string): Promise<readonly LeaseResource[]> {
    const { resources } = await this.#client.listResources({ id }, this.#scope);
    return resources.map((resource) => ({ type: resource.type, id: resource.id }));
  }
}

function fromWireLease(lease: Incoming<'containerd.services.leases.v1.Lease'> | null): Lease {
  const { id, labels, created_at } = answered(lease, 'lease');
  return { id, labels, createdAt: answered(dateOfTimestamp(created_at), 'time') };
}
