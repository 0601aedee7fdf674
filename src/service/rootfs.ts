import { DaemonError } from '../base/errors.js';
import type { Differ } from '../core/diff/differ.js';
import type { KeptRootfs } from '../core/rootfs/kept-rootfs.js';
import type { MountedImages } from '../core/rootfs/mounted-images.js';
import type { UnpackProgress } from '../core/rootfs/rootfs.js';
import { ingestRef, type TransferProgress } from '../core/transfer/progress.js';
import { ProgressFeed } from '../core/transfer/progress-feed.js';
import type { Incoming, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { parseDigest } from '../spec/digest.js';
import { fromWirePlatform, toWireDescriptor, toWireMount } from './descriptors.js';
import { toWireProgress } from './transfer-progress.js';

/** wharfd.services.rootfs.v1.RootfsService: root file systems of stored manifests, and layers onto directories. */
export function createRootfsService({
  rootfs,
  mounted,
  differ,
}: {
  readonly rootfs: KeptRootfs;
  readonly mounted: MountedImages;
  readonly differ: Pick<Differ, 'applyTo'>;
}): ServiceImplementation<'wharfd.services.rootfs.v1.RootfsService'> {
  return {
    async *unpack({ target, snapshotter, platform }, { scope, signal }) {
      const feed = new ProgressFeed();
      const work = rootfs
        .unpack(scope, parseDigest(target?.digest ?? ''), {
          snapshotter,
          signal,
          onProgress: (progress) => {
            feed.push(toTransferProgress(progress));
          },
          ...(platform ? { platform: fromWirePlatform(platform) } : {}),
        })
        .finally(() => {
          feed.end();
        });
      work.catch(() => undefined);
      for await (const progress of feed) yield { progress: toWireProgress(progress) };
      const { chainId = '', manifest, snapshotter: used } = await work;
      yield { result: { chain_id: chainId, manifest: toWireDescriptor(manifest), snapshotter: used } };
    },
    async prepare({ key, chain_id: chainId, snapshotter, readonly, labels }, { scope }) {
      const mounts = await rootfs.prepare(scope, { key, chainId, snapshotter, readonly, labels });
      return { mounts: mounts.map(toWireMount) };
    },
    async mounts({ key, snapshotter }, { scope }) {
      return { mounts: (await rootfs.mounts(scope, key, snapshotter)).map(toWireMount) };
    },
    async remove({ key, snapshotter, sync }, { scope }) {
      return { kept: await rootfs.remove(scope, { key, snapshotter, sync }) };
    },
    async mount({ image, directory, writable, snapshotter }, { scope }) {
      return await mounted.mount(scope, { image, directory, writable, snapshotter });
    },
    async unmount({ directory }, { scope }) {
      await mounted.unmount(scope, directory);
      return {};
    },
    async apply(requests, { signal }) {
      const messages = requests[Symbol.asyncIterator]();
      const first = await messages.next();
      const directory = first.done === true ? undefined : first.value.directory;
      if (directory === undefined) {
        throw new DaemonError('invalid-argument', 'the first message of Apply has to name the directory');
      }
      const { diffId, tarBytes, entries } = await differ.applyTo(directory, dataOf(messages), signal);
      return { diff_id: diffId, size: fromInteger(tarBytes), entries: fromInteger(entries) };
    },
  };
}

async function* dataOf(
  messages: AsyncIterator<Incoming<'wharfd.services.rootfs.v1.ApplyRequest'>>,
): AsyncIterable<Uint8Array> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    const { data } = next.value;
    if (data === undefined)
      throw new DaemonError('invalid-argument', 'a message of Apply has neither directory nor data');
    yield data;
  }
}

const STATES = { waiting: 'waiting', unpacking: 'unpacking', done: 'unpacked', exists: 'exists' } as const;

function toTransferProgress({ layer, state, bytes }: UnpackProgress): TransferProgress {
  return { key: ingestRef(layer), state: STATES[state], parents: [], offset: bytes, total: layer.size, target: layer };
}
