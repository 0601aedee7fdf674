import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { chainIdOf } from '../../src/spec/chain-id.js';
import type { Digest } from '../../src/spec/digest.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { layerOf, makeImage, makeIndex, HOST_PLATFORM, type Image, type Packing } from '../support/image.js';
import { hasNoTime, nastyTars } from '../support/nasty-layers.js';
import { writeLayout } from '../support/oci-layout.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';
import { inventory, type TreeMember } from '../support/tree.js';

const VARIANTS: readonly { format: 'oci' | 'docker'; packing: Packing }[] = [
  { format: 'oci', packing: 'gzip' },
  { format: 'oci', packing: 'zstd' },
  { format: 'oci', packing: 'none' },
  { format: 'docker', packing: 'gzip' },
];

for (const snapshotter of ['overlayfs', 'native']) {
  test(`pull, ${snapshotter}: every format and packing gives the tree that umoci makes`, async (t) => {
    await using registry = await openRegistry();
    const tars = await nastyTars();
    const wanted = await umociTree(tars);
    for (const { format, packing } of VARIANTS) {
      await t.test(`${format}, ${packing}`, async () => {
        await using daemon = await openDaemon({ config: { snapshotter } });
        const image = makeImage({ format, layers: tars.map((tar) => layerOf(tar, packing)) });
        const reference = await registry.push(image, `${format}/${packing}`);
        const other = makeImage({ layers: [], platform: { os: 'plan9', architecture: 'mips' } });
        const index = await registry.push(makeIndex([other, image], format), `${format}/${packing}-index`);
        for (const name of [reference, index]) await dist(daemon, ['pull', name]);
        assert.deepEqual(await preparedTree(daemon, image), wanted);
      });
    }
  });
}

/** What umoci makes of the layers gzip'd in an OCI layout. */
async function umociTree(tars: readonly Buffer[]): Promise<Record<string, TreeMember>> {
  await using dir = await tempDir();
  const layout = join(dir.path, 'layout');
  await writeLayout(layout, makeImage({ layers: tars.map((tar) => layerOf(tar)), platform: HOST_PLATFORM }));
  await output('umoci', ['unpack', '--image', `${layout}:latest`, join(dir.path, 'bundle')]);
  return await comparable(join(dir.path, 'bundle/rootfs'));
}

async function preparedTree(daemon: TestDaemon, image: Image): Promise<Record<string, TreeMember>> {
  const target = join(daemon.dir, 'mounted');
  await mkdir(target);
  const chain = chainIdOf(diffIdsOf(image)) ?? '';
  const mounts = await dist(daemon, ['rootfs', 'prepare', chain, target]);
  await output('sh', ['-ec', mounts]);
  try {
    return await comparable(target);
  } finally {
    await output('umount', [target]);
  }
}

async function comparable(dir: string): Promise<Record<string, TreeMember>> {
  const members = Object.entries(await inventory(dir));
  return Object.fromEntries(
    members.map(([path, member]) => [path, hasNoTime(path) ? { ...member, mtime: '' } : member]),
  );
}

function diffIdsOf(image: Image): Digest[] {
  const configs = [...image.blobs.values()]
    .map((bytes) => bytes.toString('latin1'))
    .filter((text) => text.startsWith('{'));
  const { rootfs } = JSON.parse(configs.at(-1) ?? '{}') as { rootfs: { diff_ids: Digest[] } };
  return rootfs.diff_ids;
}

async function dist(daemon: TestDaemon, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runBuilt('dist', daemon, args);
  assert.equal(code, 0, `dist ${args.join(' ')}: ${stderr.toString()}`);
  return stdout.toString();
}
