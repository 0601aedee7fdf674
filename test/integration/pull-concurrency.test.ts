import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { SILENT } from '../../src/base/logger.js';
import type { Fetcher, Remotes, Resolver } from '../../src/core/remotes/remotes.js';
import { createPuller } from '../../src/core/transfer/pull.js';
import type { TransferProgress } from '../../src/core/transfer/progress.js';
import { HOST_PLATFORM, layerOf, makeImage, type Image } from '../support/image.js';
import { openPuller, SCOPE } from '../support/puller.js';

/** Remotes that count how many objects are read at one time. */
function countingRemotes(images: ReadonlyMap<string, Image>): Remotes & { readonly most: number } {
  let open = 0;
  let most = 0;
  const fetcherOf = ({ blobs, manifests }: Image): Pick<Fetcher, 'fetch'> => ({
    async *fetch({ digest }, { from = 0 } = {}) {
      const bytes = blobs.get(digest) ?? manifests.find(({ descriptor }) => descriptor.digest === digest)?.bytes;
      assert.ok(bytes);
      open += 1;
      most = Math.max(most, open);
      try {
        for (let waited = 0; waited < 20; waited += 1) await turn();
        yield bytes.subarray(from);
      } finally {
        open -= 1;
      }
    },
  });
  const resolver: Pick<Resolver, 'resolve'> = {
    resolve(name) {
      const image = images.get(name);
      assert.ok(image);
      return Promise.resolve({
        ...{ name, target: image.target, fetcher: fetcherOf(image) },
        referrers: () => Promise.resolve([]),
      });
    },
  };
  return {
    resolver: () => resolver as Resolver,
    get most() {
      return most;
    },
  };
}

async function pullAll(totalConcurrency: number | undefined): Promise<{ most: number; reports: TransferProgress[] }> {
  await using fixture = await openPuller();
  const images = new Map(
    ['a', 'b', 'c', 'd'].map((name) => {
      const layers = Array.from({ length: 6 }, () => layerOf(randomBytes(1000), 'none'));
      return [`registry.test/${name}:1`, makeImage({ layers })];
    }),
  );
  const remotes = countingRemotes(images);
  const reports: TransferProgress[] = [];
  const { content, images: names, leases } = fixture.metadata;
  const puller = createPuller({
    ...{ content, images: names, leases, remotes, rootfs: fixture.rootfs, log: SILENT, concurrency: 4 },
    ...(totalConcurrency !== undefined && { totalConcurrency }),
    freeSpace: () => Promise.resolve({ fileSystem: '/', bytes: 1e12 }),
  });
  const platforms = [HOST_PLATFORM];
  const { signal } = new AbortController();
  const onProgress = (progress: TransferProgress) => reports.push(progress);
  await Promise.all(
    [...images.keys()].map((reference) =>
      puller.pull(SCOPE, { reference, names: [reference], platforms, unpacks: [], onProgress, signal }),
    ),
  );
  assert.equal((await names(SCOPE).list()).length, 4);
  return { most: remotes.most, reports };
}

test('downloads of all pulls together have a bound, and who waits for it is told', async () => {
  const { most, reports } = await pullAll(3);
  assert.equal(most, 3);
  assert.ok(reports.some((report) => JSON.stringify(report).includes('as many downloads as may be')));
  assert.ok((await pullAll(undefined)).most > 4, 'several pulls go on side by side');
});
