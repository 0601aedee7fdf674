import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { layerOf, makeImage, makeLayer } from '../support/image.js';
import { hasNoTime, nastyTars } from '../support/nasty-layers.js';
import { writeLayout } from '../support/oci-layout.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';
import { inventory, type TreeMember } from '../support/tree.js';
import type { Image } from '../support/image.js';

const OURS = ['trusted.', 'user.overlay.'];

/** The tree that a container on the image would see. */
async function treeOf(fixture: RootfsFixture, image: Image, snapshotter: string): Promise<Record<string, TreeMember>> {
  await fixture.store(image);
  const { chainId } = await fixture.rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter });
  const mounts = await fixture.rootfs.prepare(SCOPE, {
    key: `view-${snapshotter}`,
    chainId: chainId ?? '',
    readonly: true,
    snapshotter,
  });
  return await fixture.mounted(mounts, (path) => inventory(path, OURS));
}

async function umociTree(image: Image): Promise<Record<string, TreeMember>> {
  await using dir = await tempDir();
  await writeLayout(join(dir.path, 'layout'), image);
  await output('umoci', ['raw', 'unpack', '--image', `${join(dir.path, 'layout')}:latest`, join(dir.path, 'rootfs')]);
  return await inventory(join(dir.path, 'rootfs'), OURS);
}

function withoutTimes(tree: Record<string, TreeMember>, times: (path: string) => boolean): Record<string, TreeMember> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, member]) => [path, times(path) ? { ...member, mtime: '' } : member]),
  );
}

for (const snapshotter of ['overlayfs', 'native']) {
  test(`${snapshotter}: a nasty image becomes the tree that umoci makes of it`, async (t) => {
    const fixture = await rootfsFixture(t);
    const tars = await nastyTars();
    const image = makeImage({ layers: tars.map((tar) => layerOf(tar)) });
    const ours = withoutTimes(await treeOf(fixture, image, snapshotter), hasNoTime);
    assert.deepEqual(ours, withoutTimes(await umociTree(image), hasNoTime));
  });
}

for (const packing of ['none', 'zstd'] as const) {
  test(`packing ${packing} makes the same chain as gzip`, async (t) => {
    const fixture = await rootfsFixture(t);
    const tars = await nastyTars();
    const [packed, gzipped] = (['gzip', packing] as const).map((each) =>
      makeImage({ layers: tars.map((tar) => layerOf(tar, each)) }),
    );
    assert.ok(packed && gzipped);
    await fixture.store(packed);
    await fixture.store(gzipped);
    const first = await fixture.rootfs.unpackManifest(SCOPE, gzipped.target.digest);
    const applied = fixture.tasks.get('apply-layer');
    const second = await fixture.rootfs.unpackManifest(SCOPE, packed.target.digest);
    assert.equal(first.chainId, second.chainId);
    assert.equal(fixture.tasks.get('apply-layer'), applied);
  });
}

test('an image without layers has no chain', async (t) => {
  const fixture = await rootfsFixture(t);
  const image = makeImage({ layers: [] });
  await fixture.store(image);
  assert.equal((await fixture.rootfs.unpackManifest(SCOPE, image.target.digest)).chainId, undefined);
});

test('the root has the mode and owner of the layer, 0755 without an entry', async (t) => {
  const fixture = await rootfsFixture(t);
  const closed = makeImage({
    layers: [
      await makeLayer([{ path: './', type: 'directory', mode: 0o511, uid: 7, gid: 8 }]),
      await makeLayer([{ path: 'a' }]),
    ],
  });
  const open = makeImage({ layers: [await makeLayer([{ path: 'b' }])] });
  for (const [image, mode, owner] of [
    [closed, '0o40511', '7:8'],
    [open, '0o40755', '0:0'],
  ] as const) {
    await fixture.store(image);
    const { chainId } = await fixture.rootfs.unpackManifest(SCOPE, image.target.digest);
    for (const readonly of [true, false]) {
      const key = `${mode}-${String(readonly)}`;
      const mounts = await fixture.rootfs.prepare(SCOPE, { key, chainId: chainId ?? '', readonly });
      const top = await fixture.mounted(mounts, async (path) => (await inventory(path))['.']);
      assert.equal(top?.mode, mode);
      assert.equal(top.owner, owner);
    }
  }
});
