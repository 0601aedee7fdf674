import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKind, messageOf } from '../../src/base/errors.js';
import { openContainerd, type Containerd } from '../support/containerd.js';
import { type Entry, type Image, layerOf, makeImage, tarOf } from '../support/image.js';
import { inventedAs, settled, STACK_XATTRS_SKIPPED, stacksOf, timesAs, type Tree } from '../support/layer-stacks.js';
import { writeLayout } from '../support/oci-layout.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { output, run } from '../support/run.js';
import { inventory } from '../support/tree.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const STACKS = Number(process.env['WHARFD_STACKS'] ?? (FULL ? 200 : 12));
const SEED = Number(process.env['WHARFD_SEED'] ?? (STACKS > 12 ? Date.now() : 4));

/** One containerd, and what it makes of images. What a layer deletes that never was stays listed there, as names of nothing. */
class Peer {
  readonly #containerd: Containerd;
  readonly #dir: string;
  #turn = 0;

  constructor(containerd: Containerd, dir: string) {
    this.#containerd = containerd;
    this.#dir = dir;
  }

  /** Undefined where containerd refuses the image. */
  async tree(image: Image): Promise<Tree | undefined> {
    this.#turn += 1;
    const [layout, archive] = [join(this.#dir, 'layout'), join(this.#dir, 'image.tar')];
    const name = `peer.test/stack:${this.#turn}`;
    await writeLayout(layout, image, name);
    await output('tar', ['-cf', archive, '-C', layout, '.']);
    await rm(layout, { recursive: true });
    await this.#ctr('images', 'import', '--no-unpack', archive);
    const target = join(this.#dir, `tree-${this.#turn}`);
    await mkdir(target);
    const { code } = await run('/usr/bin/ctr', [...this.#target(), 'images', 'mount', name, target]);
    if (code !== 0) return undefined;
    try {
      return settled(await inventory(target, STACK_XATTRS_SKIPPED, { ghosts: true }));
    } finally {
      await this.#ctr('images', 'unmount', '--rm', target);
    }
  }

  #target(): string[] {
    return ['--address', this.#containerd.address];
  }

  async #ctr(...args: readonly string[]): Promise<void> {
    await output('/usr/bin/ctr', [...this.#target(), ...args]);
  }
}

async function unpack({ rootfs }: RootfsFixture, image: Image, snapshotter: string) {
  try {
    return await rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter });
  } catch (error) {
    if (isKind(error, 'invalid-argument') && /is a file, yet an entry/.test(messageOf(error))) return undefined;
    throw error;
  }
}

/** Undefined for an entry beneath a file of a lower layer, which we refuse and containerd puts a directory in the place of. */
async function ours(fixture: RootfsFixture, image: Image, snapshotter: string, key: string): Promise<Tree | undefined> {
  const unpacked = await unpack(fixture, image, snapshotter);
  if (unpacked === undefined) return undefined;
  const { chainId = '' } = unpacked;
  const mounts = await fixture.rootfs.prepare(SCOPE, { key, chainId, readonly: true, snapshotter });
  return await fixture.mounted(mounts, async (at) => settled(await inventory(at, STACK_XATTRS_SKIPPED)));
}

test('random stacks of layers become the trees that containerd makes of them', async (t) => {
  await using containerd = await openContainerd();
  const fixture = await rootfsFixture(t);
  const dir = join(fixture.root, 'peer');
  await mkdir(dir);
  const peer = new Peer(containerd, dir);
  let turn = 0;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(stacksOf({ beneathLinks: false, lowerLinks: false, strayDeletions: false }), async (layers) => {
      turn += 1;
      const image = makeImage({
        layers: await Promise.all(layers.map(async (each: readonly Entry[]) => layerOf(await tarOf(each), 'none'))),
      });
      const expected = await peer.tree(image);
      if (expected === undefined) return;
      await fixture.store(image);
      for (const snapshotter of ['overlayfs', 'native']) {
        const tree = await ours(fixture, image, snapshotter, `${snapshotter}-${turn}`);
        if (tree === undefined) continue;
        compared += 1;
        assert.deepEqual(inventedAs(timesAs(tree, expected), expected, layers), expected);
      }
    }),
    { numRuns: STACKS, seed: SEED, endOnFailure: true },
  );
  assert.ok(compared > turn / 2, `${compared} of ${2 * turn} could be compared`);
});
