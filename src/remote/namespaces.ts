import type { Namespace, NamespaceStore } from '../core/namespaces/namespace-store.js';
import type { Channel } from '../rpc/channel.js';
import { answered } from './conversions.js';

/** The namespaces of a daemon, over its socket. */
export function remoteNamespaces(channel: Channel): NamespaceStore {
  const client = channel.service('containerd.services.namespaces.v1.Namespaces');
  const toWire = ({ name, labels }: Namespace) => ({ name, labels: { ...labels } });
  return {
    async get(name) {
      return answered((await client.get({ name })).namespace, 'namespace');
    },
    async list() {
      return (await client.list({})).namespaces;
    },
    async create(namespace) {
      return answered((await client.create({ namespace: toWire(namespace) })).namespace, 'namespace');
    },
    async update(namespace, fieldPaths = []) {
      const request = { namespace: toWire(namespace), update_mask: { paths: [...fieldPaths] } };
      return answered((await client.update(request)).namespace, 'namespace');
    },
    async delete(name) {
      await client.delete({ name });
    },
  };
}
