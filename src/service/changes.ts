import type { ContainerChanges } from '../core/changes/container-changes.js';
import type { ListedChange } from '../core/diff/layer-tasks.js';
import type { ServiceImplementation } from '../rpc/handlers.js';
import { toWireDescriptor } from './descriptors.js';
import { inPages } from './paging.js';

const KINDS = {
  added: 'CHANGE_KIND_ADDED',
  modified: 'CHANGE_KIND_MODIFIED',
  deleted: 'CHANGE_KIND_DELETED',
  replaced: 'CHANGE_KIND_REPLACED',
} as const satisfies Record<ListedChange['kind'], string>;

function toWire({ kind, path }: ListedChange) {
  return { kind: KINDS[kind], path: Buffer.from(`/${path}`, 'latin1') };
}

/** wharfd.services.changes.v1.ChangesService: what containers have changed in their image's file system. */
export function createChangesService(
  changes: ContainerChanges,
): ServiceImplementation<'wharfd.services.changes.v1.ChangesService'> {
  return {
    async *diff({ id }, { scope, signal }) {
      for await (const page of inPages(await changes.diff(scope, id, signal))) yield { changes: page.map(toWire) };
    },
    async *compare(names, { scope, signal }) {
      for await (const page of inPages(await changes.compare(scope, names, signal)))
        yield { changes: page.map(toWire) };
    },
    async commit({ id, image, author, comment, running }, { scope, signal }) {
      const request = { id, image, author, comment, pause: !running, signal };
      return { target: toWireDescriptor(await changes.commit(scope, request)) };
    },
    async fork({ id, new_id: newId }, { scope }) {
      await changes.fork(scope, id, newId);
      return {};
    },
  };
}
