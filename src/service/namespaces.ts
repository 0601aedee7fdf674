import { DaemonError } from '../base/errors.js';
import type { Namespace, NamespaceStore } from '../core/namespaces/namespace-store.js';
import type { Incoming, ServiceImplementation } from '../rpc/handlers.js';

/** containerd.services.namespaces.v1.Namespaces. Its calls name namespaces themselves and need no namespace header. */
export function createNamespacesService(
  namespaces: NamespaceStore,
): ServiceImplementation<'containerd.services.namespaces.v1.Namespaces'> {
  return {
    async get({ name }) {
      return { namespace: await namespaces.get(name) };
    },
    async list() {
      return { namespaces: [...(await namespaces.list())] };
    },
    async create({ namespace }) {
      return { namespace: await namespaces.create(needed(namespace)) };
    },
    async update({ namespace, update_mask }) {
      return { namespace: await namespaces.update(needed(namespace), update_mask?.paths) };
    },
    async delete({ name }) {
      await namespaces.delete(name);
    },
  };
}

function needed(namespace: Incoming<'containerd.services.namespaces.v1.Namespace'> | null): Namespace {
  if (namespace) return namespace;
  throw new DaemonError('invalid-argument', 'namespace is missing: invalid argument');
}
