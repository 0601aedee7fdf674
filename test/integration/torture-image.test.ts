import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { chainIdOf } from '../../src/spec/chain-id.js';
import { digestOf } from '../../src/spec/digest.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { layerOf, makeImage, type Layer } from '../support/image.js';
import { writeLayout } from '../support/oci-layout.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';
import { FEATURES, layerWith, lowestTar, type Expected } from '../support/torture-layers.js';
import { inventory, type TreeMember } from '../support/tree.js';

type Tree = Record<string, TreeMember>;
const OVERLAY_MARKS = ['trusted.overlay.', 'security.selinux'];
/** So that the collector leaves it. */
const KEPT = { 'containerd.io/gc.root': 'test' };
const LAYERS: readonly Layer[] = [layerOf(lowestTar(FEATURES)), ...FEATURES.map(layerWith)];
const CHAINS = LAYERS.map((_, at) => chainIdOf(LAYERS.slice(0, at + 1).map(({ diffId }) => diffId)) ?? '');

for (const snapshotter of ['overlayfs', 'native']) {
  test(`torture image, ${snapshotter}: one contested feature a layer`, async (t) => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon({ config: { snapshotter } });
    const reference = await registry.push(makeImage({ layers: LAYERS }), 'torture');
    const { code, stderr } = await runBuilt('dist', daemon, ['pull', reference]);
    assert.equal(code, 0, stderr.toString());
    const session = openSession({ address: daemon.address, namespace: daemon.namespace });
    try {
      const store = { daemon, session, snapshotter };
      const tree = await treeOf(store, CHAINS.at(-1) ?? '');
      for (const { name, expect } of FEATURES) {
        await t.test(`${name}: as written down`, () => {
          for (const [path, wanted] of Object.entries(expect)) checkMember(tree, `${name}/${path}`, wanted);
        });
      }
      await t.test('umoci makes the same of those that it can read', async () => {
        assert.deepEqual(withoutRootTime(askable(tree)), withoutRootTime(askable(await umociTree())));
      });
      await t.test('what Diff tells layer by layer, Apply makes again', async () => {
        let parent = '';
        for (const [at, chain] of CHAINS.entries()) {
          parent = await applied(store, {
            lower: CHAINS[at - 1] ?? '',
            upper: chain,
            onto: parent,
            name: `again-${at}`,
          });
        }
        assert.deepEqual(await treeOf(store, parent), tree);
      });
      await t.test('what Diff tells of all as one layer, Apply makes again', async () => {
        const name = await applied(store, { lower: '', upper: CHAINS.at(-1) ?? '', onto: '', name: 'as-one' });
        assert.deepEqual(await treeOf(store, name), tree);
      });
    } finally {
      session.close();
    }
  });
}

interface Store {
  readonly daemon: TestDaemon;
  readonly session: Session;
  readonly snapshotter: string;
}

/** Applies the difference of two snapshots onto a third. @returns The name of the committed result. */
async function applied(
  { session, snapshotter }: Store,
  { lower, upper, onto, name }: { lower: string; upper: string; onto: string; name: string },
): Promise<string> {
  const snapshots = session.service('containerd.services.snapshots.v1.Snapshots');
  const differ = session.service('containerd.services.diff.v1.Diff');
  const view = async (parent: string, key: string) =>
    parent === '' ? [] : (await snapshots.view({ snapshotter, key, parent, labels: KEPT })).mounts;
  const left = await view(lower, `${name}-left`);
  const right = await view(upper, `${name}-right`);
  const { diff } = await differ.diff({ left, right, media_type: MEDIA_TYPES.ociLayerGzip, ref: name, labels: KEPT });
  const { mounts } = await snapshots.prepare({ snapshotter, key: `${name}-active`, parent: onto, labels: KEPT });
  await differ.apply({ diff, mounts });
  await snapshots.commit({ snapshotter, name, key: `${name}-active`, labels: KEPT });
  return name;
}

async function treeOf({ daemon, session, snapshotter }: Store, parent: string): Promise<Tree> {
  const snapshots = session.service('containerd.services.snapshots.v1.Snapshots');
  const key = `seen-${parent}`;
  const { mounts } = await snapshots.view({ snapshotter, key, parent, labels: KEPT });
  const [mount] = mounts;
  assert.ok(mount && mounts.length === 1);
  const target = join(daemon.dir, 'seen');
  await mkdir(target, { recursive: true });
  await output('mount', ['-i', '-t', mount.type, '-o', mount.options.join(','), mount.source, target]);
  try {
    return await inventory(target, OVERLAY_MARKS);
  } finally {
    await output('umount', [target]);
    await snapshots.remove({ snapshotter, key });
  }
}

function checkMember(tree: Tree, path: string, wanted: Expected | undefined): void {
  const member = tree[path];
  if (wanted === undefined) {
    assert.equal(member, undefined, `${path} is there`);
    return;
  }
  assert.ok(member, `${path} is not there`);
  const { content, ...rest } = wanted;
  const bytes = content === undefined ? undefined : Buffer.from(content);
  const told = bytes ? { size: bytes.length, sha256: digestOf(bytes).slice('sha256:'.length) } : {};
  for (const [key, value] of Object.entries({ ...told, ...rest })) {
    assert.deepEqual(member[key as keyof TreeMember], value, `${path}: ${key}`);
  }
}

/** What umoci makes of the features that it is asked for, their layers packed in the way that it knows. */
async function umociTree(): Promise<Tree> {
  await using dir = await tempDir();
  const layout = join(dir.path, 'layout');
  const asked = FEATURES.filter(({ notUmoci }) => notUmoci === undefined);
  const layers = asked.map((feature) => layerWith({ ...feature, pack: layerOf }));
  await writeLayout(layout, makeImage({ layers: [layerOf(lowestTar(FEATURES)), ...layers] }));
  await output('umoci', ['raw', 'unpack', '--image', `${layout}:latest`, join(dir.path, 'rootfs')]);
  return await inventory(join(dir.path, 'rootfs'), OVERLAY_MARKS);
}

function askable(tree: Tree): Tree {
  const hidden = FEATURES.filter(({ notUmoci }) => notUmoci !== undefined).map(({ name }) => name);
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !hidden.includes(path.split('/')[0] ?? '')));
}

/** umoci leaves the time of its work there. */
function withoutRootTime(tree: Tree): Tree {
  const { '.': root, ...rest } = tree;
  return { ...(root ? { '.': { ...root, mtime: '' } } : {}), ...rest };
}
