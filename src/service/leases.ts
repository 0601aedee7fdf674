import { randomBytes } from 'node:crypto';
import { DaemonError } from '../base/errors.js';
import type { Lease, LeaseResource, LeaseStore } from '../core/leases/lease-store.js';
import type { Scoped } from '../core/namespaces/scope.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate } from '../rpc/time.js';

/** containerd.services.leases.v1.Leases: what keeps resources from collection for a while. */
export function createLeasesService(
  leases: Scoped<LeaseStore>,
): ServiceImplementation<'containerd.services.leases.v1.Leases'> {
  return {
    async create({ id, labels }, { scope }) {
      return { lease: toWireLease(await leases(scope).create({ id: id === '' ? randomId() : id, labels })) };
    },
    async delete({ id, sync }, { scope }) {
      await leases(scope).delete(id, { sync });
    },
    async list({ filters }, { scope }) {
      return { leases: (await leases(scope).list(filters)).map(toWireLease) };
    },
    async addResource({ id, resource }, { scope }) {
      await leases(scope).addResource(id, fromWireResource(resource));
    },
    async deleteResource({ id, resource }, { scope }) {
      await leases(scope).deleteResource(id, fromWireResource(resource));
    },
    async listResources({ id }, { scope }) {
      return { resources: [...(await leases(scope).resources(id))] };
    },
  };
}

function randomId(): string {
  return `${Date.now()}-${randomBytes(4).toString('hex')}`;
}

function fromWireResource(resource: Incoming<'containerd.services.leases.v1.Resource'> | null): LeaseResource {
  if (resource) return { id: resource.id, type: resource.type };
  throw new DaemonError('invalid-argument', 'resource is missing: invalid argument');
}

function toWireLease({ id, labels, createdAt }: Lease): Outgoing<'containerd.services.leases.v1.Lease'> {
  return { id, labels, created_at: timestampOfDate(createdAt) };
}
