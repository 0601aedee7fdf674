import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Mount } from '../../src/core/kernel/mounts.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { makeImage } from '../support/image.js';
import { mutateTree } from '../support/mutate-tree.js';
import { writeLayout } from '../support/oci-layout.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { output } from '../support/run.js';
import { inventory, type TreeMember } from '../support/tree.js';

type Tree = Record<string, TreeMember>;

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const OVERLAY_MARKS = ['trusted.overlay.', 'security.selinux'];
const KEPT = { 'containerd.io/gc.root': 'test' };
const SOCKET = /^0o14\d{4}$/;

/** A committed tree, a changed one on top of it, and how both are mounted. */
interface Pair {
  readonly base: string;
  readonly left: readonly Mount[];
  readonly right: readonly Mount[];
  readonly tree: Tree;
}

async function pairOf(fixture: RootfsFixture, name: string, key: string, seeds: readonly number[]): Promise<Pair> {
  const [first = 0, second = 0] = seeds;
  const snapshots = fixture.snapshots(name);
  await fixture.mounted(await snapshots.prepare(`${key}-0`, '', KEPT), (at) => mutateTree(at, first, 30));
  const base = `${key}-base`;
  await snapshots.commit(base, `${key}-0`, KEPT);
  const left = await snapshots.view(`${key}-left`, base, KEPT);
  const right = await snapshots.prepare(`${key}-right`, base, KEPT);
  await fixture.mounted(right, (at) => mutateTree(at, second, 20));
  return { base, left, right, tree: await treeAt(fixture, right) };
}

/** The mounted tree as a layer can have it. */
function treeAt(fixture: RootfsFixture, mounts: readonly Mount[]): Promise<Tree> {
  return fixture.mounted(mounts, async (at) => withoutSockets(await inventory(at, OVERLAY_MARKS)));
}

function withoutSockets(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([, { mode }]) => !SOCKET.test(mode)));
}

/** To Go's reader of archives an empty value of an extended header means that there is none. */
function withoutEmptyXattrs(tree: Tree): Tree {
  const told = (xattrs: TreeMember['xattrs']) =>
    Object.fromEntries(Object.entries(xattrs).filter(([, hex]) => hex !== ''));
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => [at, { ...member, xattrs: told(member.xattrs) }]),
  );
}

const seeds = fc.tuple(fc.nat(), fc.nat());
const RUNS = { numRuns: FULL ? 100 : 8, endOnFailure: true };

for (const name of ['overlayfs', 'native']) {
  test(`${name}: what Diff tells of random changes, Apply makes again`, async (t) => {
    const fixture = await rootfsFixture(t);
    let turn = 0;
    await fc.assert(
      fc.asyncProperty(seeds, async (chosen) => {
        turn += 1;
        const { base, left, right, tree } = await pairOf(fixture, name, `k${turn}`, chosen);
        const made = await fixture.comparer.diff(SCOPE, left, right, { mediaType: MEDIA_TYPES.ociLayer, labels: KEPT });
        assert.equal(made.diffId, made.descriptor.digest);
        const again = await fixture.snapshots(name).prepare(`k${turn}-again`, base, KEPT);
        await fixture.differ.apply(SCOPE, made.descriptor, again);
        assert.deepEqual(await treeAt(fixture, again), tree);
        const repeated = await fixture.comparer.diff(SCOPE, left, right, {
          mediaType: MEDIA_TYPES.ociLayer,
          labels: KEPT,
        });
        assert.equal(repeated.diffId, made.diffId, 'the same trees give the same layer');
      }),
      { ...RUNS, seed: FULL ? Date.now() : 11 },
    );
  });
}

test('overlayfs: two views, which are compared as whole trees, give a layer of the same tree', async (t) => {
  const fixture = await rootfsFixture(t);
  const snapshots = fixture.snapshots();
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(seeds, async (chosen) => {
      turn += 1;
      const key = `k${turn}`;
      const { base, left, tree } = await pairOf(fixture, 'overlayfs', key, chosen);
      await snapshots.commit(`${key}-done`, `${key}-right`, KEPT);
      const right = await snapshots.view(`${key}-view`, `${key}-done`, KEPT);
      const made = await fixture.comparer.diff(SCOPE, left, right, { labels: KEPT });
      const again = await snapshots.prepare(`${key}-again`, base, KEPT);
      await fixture.differ.apply(SCOPE, made.descriptor, again);
      assert.deepEqual(await treeAt(fixture, again), tree);
    }),
    { ...RUNS, seed: FULL ? Date.now() : 12 },
  );
});

test('umoci makes the same tree of our layers', async (t) => {
  const fixture = await rootfsFixture(t);
  let turn = 0;
  await fc.assert(
    fc.asyncProperty(seeds, async (chosen) => {
      turn += 1;
      const { left, right, tree } = await pairOf(fixture, 'overlayfs', `k${turn}`, chosen);
      const layers = [];
      for (const [a, b] of [
        [[], left],
        [left, right],
      ] as const) {
        const { descriptor, diffId } = await fixture.comparer.diff(SCOPE, a, b, { labels: KEPT });
        layers.push({ bytes: await blob(fixture, descriptor.digest), packing: 'gzip' as const, diffId });
      }
      const layout = join(fixture.root, `layout-${turn}`);
      await writeLayout(layout, makeImage({ layers }));
      const target = join(fixture.root, `umoci-${turn}`);
      await output('umoci', ['raw', 'unpack', '--image', `${layout}:latest`, target]);
      const theirs = await inventory(target, OVERLAY_MARKS);
      // umoci leaves the time of its work on the root.
      const rootTime = { '.': { ...tree['.'], mtime: theirs['.']?.mtime } };
      const ours = withoutEmptyXattrs({ ...tree, ...rootTime } as Tree);
      assert.deepEqual(Object.keys(theirs), Object.keys(ours));
      for (const [at, member] of Object.entries(ours)) assert.deepEqual(theirs[at], member, at);
    }),
    { numRuns: FULL ? 60 : 6, endOnFailure: true, seed: FULL ? Date.now() : 13 },
  );
});

test('a layer by media type, labels, times not after the given one, and what no layer can have', async (t) => {
  const fixture = await rootfsFixture(t);
  const mounts = await fixture.snapshots().prepare('k', '', KEPT);
  const [source = ''] = mounts.map((mount) => mount.source);
  await writeFile(join(source, 'file'), 'content');
  const plain = await fixture.comparer.diff(SCOPE, [], mounts, { mediaType: MEDIA_TYPES.ociLayer, labels: KEPT });
  const latestTime = { seconds: 1000, nanoseconds: 0 };
  for (const [mediaType, magic] of [
    [MEDIA_TYPES.dockerLayerGzip, '1f8b'],
    [MEDIA_TYPES.ociLayerZstd, '28b52ffd'],
  ] as const) {
    const options = { mediaType, ref: 'mine', labels: { ...KEPT, mine: 'yes' }, latestTime };
    const { descriptor, diffId } = await fixture.comparer.diff(SCOPE, [], mounts, options);
    assert.notEqual(diffId, plain.diffId);
    const { labels, size } = await fixture.metadata.content(SCOPE).info(descriptor.digest);
    assert.deepEqual(labels, { ...KEPT, mine: 'yes', 'containerd.io/uncompressed': diffId });
    assert.deepEqual([descriptor.size, descriptor.mediaType], [size, mediaType]);
    assert.ok((await blob(fixture, descriptor.digest)).toString('hex').startsWith(magic));
    const target = join(fixture.root, mediaType.replaceAll('/', '-'));
    await mkdir(target);
    await fixture.differ.apply(SCOPE, descriptor, [{ type: 'bind', source: target, options: ['rbind', 'rw'] }]);
    assert.equal((await inventory(target))['file']?.mtime, '1000000000000');
  }
  await assertRejectsWithKind(fixture.comparer.diff(SCOPE, [], mounts, { mediaType: 'text/plain' }), 'unimplemented');
  await assertRejectsWithKind(fixture.comparer.diff(SCOPE, mounts, []), 'invalid-argument');
  await writeFile(join(source, '.wh.file'), '');
  await assertRejectsWithKind(fixture.comparer.diff(SCOPE, [], mounts), 'failed-precondition');
  assert.deepEqual(await fixture.metadata.content(SCOPE).statuses(), []);
});

test('changes are listed as added, modified, replaced and deleted', async (t) => {
  const fixture = await rootfsFixture(t);
  for (const name of ['overlayfs', 'native']) {
    const snapshots = fixture.snapshots(name);
    await fixture.mounted(await snapshots.prepare('k0', '', KEPT), (at) =>
      output('sh', ['-c', 'cd "$0" && mkdir -p d/e f && echo 1 > d/one && echo 1 > two && echo 1 > f/x', at]),
    );
    await snapshots.commit('base', 'k0', KEPT);
    const left = await snapshots.view('left', 'base', KEPT);
    const right = await snapshots.prepare('right', 'base', KEPT);
    await fixture.mounted(right, (at) =>
      output('sh', ['-c', 'cd "$0" && rm two && echo 22 > d/one && rm -r f && mkdir f && echo 1 > f/new', at]),
    );
    const listed = (await fixture.comparer.changes(left, right)).map(({ kind, path }) => `${kind} ${path}`);
    const replaced = name === 'native' ? ['modified f', 'added f/new', 'deleted f/x'] : ['replaced f', 'added f/new'];
    assert.deepEqual(listed, ['modified ', 'modified d', 'modified d/one', ...replaced, 'deleted two'], name);
  }
});

async function blob(
  fixture: RootfsFixture,
  digest: Parameters<ReturnType<RootfsFixture['metadata']['content']>['open']>[0],
) {
  await using reader = await fixture.metadata.content(SCOPE).open(digest);
  return await readFile(reader.path ?? '');
}
