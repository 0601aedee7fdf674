import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor } from '../../src/spec/descriptor.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { makeImage, makeLayer, type Entry } from '../support/image.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { inventory } from '../support/tree.js';

/** Layers, lowest first, and what is to be there in the end: contents, link targets, or `dir`. */
interface Case {
  readonly layers: readonly (readonly Entry[])[];
  readonly tree: readonly string[];
  /** Names that are one file. */
  readonly same?: readonly (readonly [string, string])[];
}

const dir = (path: string, more: Partial<Entry> = {}): Entry => ({ path, type: 'directory', ...more });
const file = (path: string): Entry => ({ path, data: path });
const symlink = (path: string, target: string): Entry => ({ path, type: 'symlink', target });
const link = (path: string, target: string): Entry => ({ path, type: 'link', target });

const CASES: Readonly<Record<string, Case>> = {
  'everything below is hidden from the root on': {
    layers: [
      [file('a'), dir('d'), file('d/b'), file('e')],
      [file('.wh..wh..opq'), file('d/c'), file('e')],
    ],
    tree: ['d', 'd/c', 'e'],
  },
  'entries beneath a link of a lower layer': {
    layers: [
      [dir('usr/lib'), symlink('lib', 'usr/lib'), file('usr/lib/a')],
      [file('lib/b'), file('lib/.wh.a'), dir('lib/sub'), file('lib/sub/c')],
    ],
    tree: ['lib', 'usr', 'usr/lib', 'usr/lib/b', 'usr/lib/sub', 'usr/lib/sub/c'],
  },
  'beneath a chain of links, up and absolute': {
    layers: [[dir('x/y'), symlink('x/up', '../z'), symlink('l', 'x/up'), symlink('z', '/x/y')], [file('l/f')]],
    tree: ['l', 'x', 'x/up', 'x/y', 'x/y/f', 'z'],
  },
  'beneath a link that leads nowhere yet': {
    layers: [[symlink('l', 'new/place')], [file('l/f')], [file('new/place/g')]],
    tree: ['l', 'new', 'new/place', 'new/place/f', 'new/place/g'],
  },
  'beneath a link to the root': {
    layers: [[dir('d'), symlink('d/all', '..')], [file('d/all/f')]],
    tree: ['d', 'd/all', 'f'],
  },
  'a link of a lower layer that an entry replaces is not followed': {
    layers: [
      [dir('t'), symlink('l', 't')],
      [dir('l'), file('l/f')],
    ],
    tree: ['l', 'l/f', 't'],
  },
  'hard links to lower files, to each other and through links': {
    layers: [
      [dir('d'), file('d/a'), link('d/a2', 'd/a'), symlink('s', 'd')],
      [link('b', 'd/a'), link('b2', 'b'), link('c', 's/a2')],
    ],
    tree: ['b', 'b2', 'c', 'd', 'd/a', 'd/a2', 's'],
    same: [
      ['b', 'd/a'],
      ['b', 'b2'],
      ['b', 'c'],
      ['b', 'd/a2'],
    ],
  },
  'a deletion of a link to the directory that it lies in, beneath that link': {
    layers: [
      [dir('d'), symlink('d/l', '.')],
      [file('d/l/.wh.l'), file('d/f')],
    ],
    tree: ['d', 'd/f'],
  },
  'deletions through a link, in a directory that the layer also has entries in': {
    layers: [
      [symlink('l', '/'), file('f')],
      [file('l/e/.wh..wh..opq'), link('e/h', 'f')],
    ],
    tree: ['e', 'e/h', 'f', 'l'],
  },
  'a hard link to a file below that a deletion takes for a directory': {
    layers: [[file('f')], [file('f/d/.wh.x'), link('h', 'f')]],
    tree: ['f', 'h'],
    same: [['h', 'f']],
  },
  'a hard link to a link below that an entry goes through': {
    layers: [
      [dir('d'), symlink('l', 'd')],
      [file('l/f'), link('h', 'l')],
    ],
    tree: ['d', 'd/f', 'h', 'l'],
    same: [['h', 'l']],
  },
  'a hard link to a symbolic link below': {
    layers: [[symlink('s', 'nowhere')], [link('h', 's')]],
    tree: ['h', 's'],
    same: [['h', 's']],
  },
  'a hard link to a lower file that is deleted afterwards': {
    layers: [[file('a')], [link('b', 'a'), file('.wh.a')]],
    tree: ['b'],
  },
  'a directory over a file over a directory': {
    layers: [[dir('d'), file('d/old')], [file('d')], [dir('d'), file('d/new')]],
    tree: ['d', 'd/new'],
  },
  'what lies beneath a link of a lower layer that a later entry of the layer replaces': {
    layers: [
      [dir('d'), symlink('l', 'd')],
      [file('l/f'), file('l')],
    ],
    tree: ['d', 'd/f', 'l'],
  },
  'the same with a directory': {
    layers: [
      [dir('d'), symlink('l', 'd')],
      [file('l/f'), dir('l'), file('l/g')],
    ],
    tree: ['d', 'd/f', 'l', 'l/g'],
  },
  'beneath a link of a lower layer, and then beneath one that the layer has made there': {
    layers: [
      [dir('d'), dir('t'), symlink('l', 'd')],
      [file('l/l/x'), symlink('d/l', '/t'), file('l/l/y')],
    ],
    tree: ['d', 'd/l', 'l', 't', 't/y'],
  },
  'a link of the layer that leads up from where a link of a lower layer leads': {
    layers: [
      [dir('p/q'), dir('r'), symlink('l', 'p/q')],
      [symlink('a', 'l/../s'), file('a/f'), link('h', 'a/f')],
    ],
    tree: ['a', 'h', 'l', 'p', 'p/q', 'p/s', 'p/s/f', 'r'],
    same: [['h', 'p/s/f']],
  },
  'a hard link up from where a link of a lower layer leads': {
    layers: [
      [dir('p/q'), dir('p/s'), file('p/s/f'), symlink('l', 'p/q')],
      [symlink('a', 'l/../s'), link('h', 'a/f')],
    ],
    tree: ['a', 'h', 'l', 'p', 'p/q', 'p/s', 'p/s/f'],
    same: [['h', 'p/s/f']],
  },
  'everything below is hidden from the root on, after an entry beneath a link': {
    layers: [
      [dir('d'), file('d/old'), symlink('l', 'd'), file('e')],
      [file('l/f'), file('.wh..wh..opq'), file('g')],
    ],
    tree: ['d', 'd/f', 'g'],
  },
  'a directory that goes and comes back within a layer': {
    layers: [
      [dir('d'), file('d/old')],
      [file('.wh.d'), dir('d'), file('d/new')],
    ],
    tree: ['d', 'd/new'],
  },
  'deletions of what never was': {
    layers: [
      [dir('d')],
      [file('.wh.x'), file('d/.wh.y'), file('p/q/.wh.z'), file('o/.wh..wh..opq'), dir('n'), file('n/.wh.m')],
    ],
    tree: ['d', 'n'],
  },
};

async function unpack(fixture: RootfsFixture, layers: Case['layers'], snapshotter: string): Promise<string> {
  const image = makeImage({ layers: await Promise.all(layers.map((entries) => makeLayer(entries))) });
  await fixture.store(image);
  const { chainId = '' } = await fixture.rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter });
  return chainId;
}

async function treeOf(fixture: RootfsFixture, chainId: string, snapshotter: string) {
  const mounts = await fixture.rootfs.prepare(SCOPE, { key: `${chainId}-look`, chainId, readonly: true, snapshotter });
  return await fixture.mounted(mounts, (path) => inventory(path, ['trusted.']));
}

async function storeLayers(fixture: RootfsFixture, layers: Case['layers']) {
  const image = makeImage({ layers: await Promise.all(layers.map((entries) => makeLayer(entries))) });
  await fixture.store(image);
  const manifest = image.manifests.at(-1) ?? assert.fail('no manifest');
  const { layers: blobs } = JSON.parse(manifest.bytes.toString()) as { layers: Descriptor[] };
  return { digest: image.target.digest, blobs };
}

/** Made by Apply, as clients of containerd's API do it; with `before` each upper directory has something in it by then. */
async function apply(fixture: RootfsFixture, layers: Case['layers'], before?: Entry): Promise<string> {
  const { digest, blobs } = await storeLayers(fixture, [...layers, ...(before ? [[before]] : [])]);
  const snapshots = fixture.snapshots('overlayfs');
  const kept = { 'containerd.io/gc.root': 'test' };
  const first = before && blobs.pop();
  let parent = '';
  for (const layer of blobs) {
    const key = `${digest}-${layer.digest}`;
    const mounts = await snapshots.prepare(key, parent, kept);
    if (first) await fixture.differ.apply(SCOPE, first, mounts);
    await fixture.differ.apply(SCOPE, layer, mounts);
    parent = `${key}-done`;
    await snapshots.commit(parent, key, kept);
  }
  return parent;
}

for (const before of [undefined, file('zz')]) {
  test(`Apply into upper directories ${before ? 'that hold something' : 'that are empty'}`, async (t) => {
    const fixture = await rootfsFixture(t);
    for (const [what, { layers, tree, same = [] }] of Object.entries(CASES)) {
      await t.test(what, async () => {
        const found = await treeOf(fixture, await apply(fixture, layers, before), 'overlayfs');
        const hidesRoot = layers.at(-1)?.some(({ path }) => path === '.wh..wh..opq') === true;
        assert.deepEqual(Object.keys(found), ['.', ...tree, ...(before && !hidesRoot ? [before.path] : [])]);
        for (const [one, other] of same) assert.equal(found[one]?.sameAs, found[other]?.sameAs, `${one} is ${other}`);
      });
    }
  });
}

test('two Applies at one time into one upper directory lose nothing of each other', async (t) => {
  const fixture = await rootfsFixture(t);
  const many = Array.from({ length: 300 }, (_, at) => file(`many-${at}`));
  const { blobs } = await storeLayers(fixture, [
    [dir('d'), symlink('l', 'd')],
    [...many, file('l/f')],
    [file('l/g'), file('own')],
  ]);
  const [below, first, second] = blobs;
  assert.ok(below && first && second);
  const snapshots = fixture.snapshots('overlayfs');
  const kept = { 'containerd.io/gc.root': 'test' };
  await fixture.differ.apply(SCOPE, below, await snapshots.prepare('below', '', kept));
  await snapshots.commit('base', 'below', kept);
  const mounts = await snapshots.prepare('over', 'base', kept);
  await Promise.all([first, second].map((layer) => fixture.differ.apply(SCOPE, layer, mounts)));
  const found = await fixture.mounted(mounts, (path) => inventory(path, ['trusted.']));
  const expected = ['.', 'd', 'd/f', 'd/g', 'l', 'own', ...many.map(({ path }) => path)];
  assert.deepEqual(Object.keys(found).sort(), expected.sort());
});

for (const snapshotter of ['overlayfs', 'native']) {
  test(`${snapshotter}: layers that need what lies below`, async (t) => {
    const fixture = await rootfsFixture(t);
    for (const [what, { layers, tree, same = [] }] of Object.entries(CASES)) {
      await t.test(what, async () => {
        const found = await treeOf(fixture, await unpack(fixture, layers, snapshotter), snapshotter);
        assert.deepEqual(Object.keys(found), ['.', ...tree]);
        for (const [one, other] of same) assert.equal(found[one]?.sameAs, found[other]?.sameAs, `${one} is ${other}`);
      });
    }
    await t.test('directories that nobody describes are as they are below', async () => {
      const described = dir('tmp', { mode: 0o1777, uid: 3, gid: 4, mtime: 77, xattrs: { 'user.a': 'b' } });
      const chainId = await unpack(fixture, [[described], [file('tmp/x')], [file('tmp/deeper/y')]], snapshotter);
      const found = await treeOf(fixture, chainId, snapshotter);
      const { mode, owner, mtime, xattrs } = found['tmp'] ?? assert.fail('no tmp');
      assert.deepEqual([mode, owner, mtime, xattrs], ['0o41777', '3:4', '77000000000', { 'user.a': '62' }]);
      assert.deepEqual([found['tmp/deeper']?.mode, found['tmp/deeper']?.owner], ['0o40755', '0:0']);
    });
    await t.test('what nobody has is an error that names it', async () => {
      for (const layers of [
        [[file('a')], [link('b', 'missing')]],
        [[dir('d')], [link('b', 'd')]],
        [[symlink('l', 'l')], [file('l/f')]],
        [[file('f')], [file('f/g')]],
      ]) {
        await assertRejectsWithKind(unpack(fixture, layers, snapshotter), 'invalid-argument', /"/);
      }
    });
  });
}
