import { DaemonError } from '../base/errors.js';
import type { Container, ContainerDraft, ContainerStore } from '../core/containers/container-store.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfDate } from '../rpc/time.js';
import { fromWireAny, toWireAny } from './anys.js';

/**
 * containerd.services.containers.v1.Containers: stored descriptions of containers.
 *
 * @param remove Takes one away, with what nobody else would find.
 */
export function createContainersService(
  containers: Scoped<ContainerStore>,
  remove: (scope: Scope, id: string) => Promise<void>,
): ServiceImplementation<'containerd.services.containers.v1.Containers'> {
  return {
    async get({ id }, { scope }) {
      return { container: toWireContainer(await containers(scope).get(id)) };
    },
    async list({ filters }, { scope }) {
      return { containers: (await containers(scope).list(filters)).map(toWireContainer) };
    },
    async *listStream({ filters }, { scope }) {
      for (const container of await containers(scope).list(filters)) yield { container: toWireContainer(container) };
    },
    async create({ container }, { scope }) {
      return { container: toWireContainer(await containers(scope).create(fromWireContainer(container))) };
    },
    async update({ container, update_mask }, { scope }) {
      const draft = fromWireContainer(container);
      if (draft.id === '') throw new DaemonError('invalid-argument', 'Container.ID required');
      return { container: toWireContainer(await containers(scope).update(draft, update_mask?.paths)) };
    },
    async delete({ id }, { scope }) {
      await remove(scope, id);
    },
  };
}

function fromWireContainer(container: Incoming<'containerd.services.containers.v1.Container'> | null): ContainerDraft {
  if (!container) throw new DaemonError('invalid-argument', 'container is missing: invalid argument');
  const options = fromWireAny(container.runtime?.options);
  const spec = fromWireAny(container.spec);
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: { name: container.runtime?.name ?? '', ...(options && { options }) },
    ...(spec && { spec }),
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshot_key,
    extensions: mapValues(container.extensions, ({ type_url, value }): OpaqueAny => ({ typeUrl: type_url, value })),
    sandbox: container.sandbox,
  };
}

function toWireContainer(container: Container): Outgoing<'containerd.services.containers.v1.Container'> {
  const { runtime } = container;
  return {
    id: container.id,
    labels: container.labels,
    image: container.image,
    runtime: { name: runtime.name, options: toWireAny(runtime.options) },
    spec: toWireAny(container.spec),
    snapshotter: container.snapshotter,
    snapshot_key: container.snapshotKey,
    extensions: mapValues(container.extensions, (any) => toWireAny(any)),
    sandbox: container.sandbox,
    created_at: timestampOfDate(container.createdAt),
    updated_at: timestampOfDate(container.updatedAt),
  };
}

function mapValues<From, To>(map: Readonly<Record<string, From>>, convert: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, convert(value)]));
}
