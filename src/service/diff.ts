import type { Comparer } from '../core/diff/comparer.js';
import type { Differ } from '../core/diff/differ.js';
import type { FileTime } from '../core/kernel/directory-files.js';
import type { ServiceImplementation } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { nsOfTimestamp, type WireTimestamp } from '../rpc/time.js';
import { fromWireDescriptor, fromWireMount, toWireDescriptor } from './descriptors.js';

/** containerd.services.diff.v1.Diff: layers onto mounts, and mounts to layers. */
export function createDiffService({
  differ,
  comparer,
}: {
  readonly differ: Pick<Differ, 'apply'>;
  readonly comparer: Pick<Comparer, 'diff'>;
}): ServiceImplementation<'containerd.services.diff.v1.Diff'> {
  return {
    async apply({ diff, mounts, sync_fs: sync }, { scope, signal }) {
      const layer = fromWireDescriptor(diff, 'diff');
      return {
        applied: toWireDescriptor(await differ.apply(scope, layer, mounts.map(fromWireMount), { sync, signal })),
      };
    },
    async diff({ left, right, media_type: mediaType, ref, labels, source_date_epoch: epoch }, { scope, signal }) {
      const latestTime = fromWireTime(epoch);
      const { descriptor } = await comparer.diff(scope, left.map(fromWireMount), right.map(fromWireMount), {
        ...{ mediaType, ref, labels, signal },
        ...(latestTime && { latestTime }),
      });
      return { diff: toWireDescriptor(descriptor) };
    },
  };
}

function fromWireTime(wire: WireTimestamp | null): FileTime | undefined {
  if (nsOfTimestamp(wire) === undefined || !wire) return undefined;
  return { seconds: toSafeNumber(wire.seconds), nanoseconds: wire.nanos };
}
