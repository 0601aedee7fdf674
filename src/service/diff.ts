import type { Differ } from '../core/diff/differ.js';
import type { ServiceImplementation } from '../rpc/handlers.js';
import { fromWireDescriptor, fromWireMount, toWireDescriptor } from './descriptors.js';

/** containerd.services.diff.v1.Diff: layers onto mounts. */
export function createDiffService({
  differ,
}: {
  readonly differ: Pick<Differ, 'apply'>;
}): ServiceImplementation<'containerd.services.diff.v1.Diff'> {
  return {
    async apply({ diff, mounts, sync_fs: sync }, { scope, signal }) {
      const layer = fromWireDescriptor(diff, 'diff');
      return {
        applied: toWireDescriptor(await differ.apply(scope, layer, mounts.map(fromWireMount), { sync, signal })),
      };
    },
  };
}
