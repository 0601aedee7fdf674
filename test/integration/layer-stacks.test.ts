import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKind } from '../../src/base/errors.js';
import { inventoryOf } from '../../src/core/fsck/inventory-file.js';
import { checkTree } from '../../src/core/fsck/tree-tasks.js';
import { createKernel } from '../../src/sys/kernel.js';
import { layerOf, makeImage, tarOf, type Entry, type Image } from '../support/image.js';
import { writeLayout } from '../support/oci-layout.js';
import { rootfsFixture, SCOPE, type RootfsFixture } from '../support/rootfs-fixture.js';
import { settled, STACK_XATTRS_SKIPPED, stacksOf, timesAs, type Tree } from '../support/layer-stacks.js';
import { run } from '../support/run.js';
import { inventory } from '../support/tree.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
/** Another number of them, at random, by WHARFD_STACKS; those of one run again by WHARFD_SEED. */
const STACKS = Number(process.env['WHARFD_STACKS'] ?? (FULL ? 500 : 25));
const SEED = Number(process.env['WHARFD_SEED'] ?? (STACKS > 25 ? Date.now() : 4));
/** Undefined where the stack can't be unpacked, such as a hard link to nothing. */
async function umociTree(dir: string, image: Image): Promise<Tree | undefined> {
  await mkdir(dir);
  try {
    await writeLayout(join(dir, 'layout'), image);
    const target = join(dir, 'rootfs');
    const { code } = await run('umoci', ['raw', 'unpack', '--image', `${join(dir, 'layout')}:latest`, target]);
    return code === 0 ? settled(await inventory(target, STACK_XATTRS_SKIPPED)) : undefined;
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function ourTree(
  fixture: RootfsFixture,
  image: Image,
  snapshotter: string,
  key: string,
): Promise<Tree | undefined> {
  try {
    const { chainId = '' } = await fixture.rootfs.unpackManifest(SCOPE, image.target.digest, { snapshotter });
    const mounts = await fixture.rootfs.prepare(SCOPE, { key, chainId, readonly: true, snapshotter });
    return await fixture.mounted(mounts, async (at) => settled(await inventory(at, STACK_XATTRS_SKIPPED)));
  } catch (error) {
    assert.ok(isKind(error, 'invalid-argument'), String(error));
    return undefined;
  }
}

/** What was noted while layers were written is what reading them tells. @param done Layers that were looked at before. */
function assertInventories({ metadata, backends }: RootfsFixture, done: Set<number>): void {
  const { files } = createKernel();
  for (const { id, snapshotter } of metadata.layers()) {
    const backend = backends.get(snapshotter);
    if (!backend || done.has(id)) continue;
    done.add(id);
    const task = { kind: 'check-tree', directory: backend.filesOf(id), file: inventoryOf(backend, id) } as const;
    assert.deepEqual(
      checkTree(files, task, () => undefined),
      [],
    );
  }
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
  // The same with something in it, and a deletion in its own place.
  [
    [
      [
        { path: 'e/e', type: 'directory', mode: 0o755, uid: 7, gid: 8, mtime: 695885279 },
        { path: 'l', type: 'symlink', target: '/e', uid: 5, gid: 6, mtime: 815242262 },
      ],
      [
        { path: 'e/e/.wh.f' },
        { path: 'l/e', type: 'directory', mode: 0o620, uid: 24, gid: 48, mtime: 1048994526 },
        { path: 'l/e/h', mode: 0o644, data: 'h', uid: 16, gid: 60, mtime: 262195156 },
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
  // A directory emptied through a link below, in one that is emptied by its own name.
  [
    [
      [
        { path: 'l', type: 'symlink', target: '../e/d', uid: 22, gid: 35, mtime: 201966307 },
        { path: 'l/e/d', mode: 0o644, data: 'other', uid: 58, gid: 64, mtime: 1418453330 },
      ],
      [{ path: 'l/e/.wh..wh..opq' }, { path: 'e/d/.wh..wh..opq' }],
    ],
  ],
  // A deletion beneath a link to what the layer deletes, too.
  [
    [
      [
        { path: 'e/e', type: 'directory', mode: 0o755, uid: 12, gid: 18, mtime: 1342071141 },
        { path: 'e/e/l', type: 'symlink', target: '/d', uid: 51, gid: 37, mtime: 707251218 },
      ],
      [{ path: '.wh.d' }, { path: 'e/e/l/.wh.d' }],
    ],
  ],
  // A hard link beneath a link to what becomes a file.
  [
    [
      [
        { path: 'e/g', mode: 0o644, data: 'g', uid: 38, gid: 60, mtime: 308457356 },
        { path: 'd/l', type: 'symlink', target: '../f', uid: 68, gid: 50, mtime: 657940437 },
      ],
      [
        { path: 'f', mode: 0o644, data: 'f', uid: 10, gid: 28, mtime: 529725161 },
        { path: 'd/l/h', type: 'link', target: 'e/g' },
      ],
    ],
  ],
  // An entry beneath a link of a lower layer, and then a file where that link leads.
  [
    [
      [
        { path: 'l', type: 'symlink', target: '../e/d', uid: 22, gid: 55, mtime: 162643051 },
        { path: 'l/g', mode: 0o644, data: 'g', uid: 15, gid: 56, mtime: 1233679368 },
      ],
      [
        { path: 'l/f', mode: 0o644, data: 'f', uid: 11, gid: 42, mtime: 614948405 },
        { path: 'e/e', type: 'directory', mode: 0o755, uid: 57, gid: 61, mtime: 591153651 },
        { path: 'e/d', mode: 0o644, data: 'other', uid: 56, gid: 20, mtime: 786095984 },
      ],
    ],
  ],
  // An entry beneath a link into what the layer deletes.
  [
    [
      [
        { path: 'd/d/d', type: 'directory', mode: 0o750, uid: 60, gid: 53, mtime: 127480629 },
        { path: 'l', type: 'symlink', target: 'd/d/d', uid: 30, gid: 62, mtime: 107138564 },
      ],
      [
        { path: 'd/.wh.d' },
        { path: 'd', type: 'directory', mode: 0o755, uid: 12, gid: 51, mtime: 1044348541 },
        { path: 'l/d', type: 'directory', mode: 0o700, uid: 68, gid: 39, mtime: 110907122 },
      ],
    ],
  ],
  // A hard link to a file that the layer has replaced beneath a link before.
  [
    [
      [
        { path: 'd/h', mode: 0o644, data: 'old', uid: 68, gid: 20, mtime: 152458400 },
        { path: 'l', type: 'symlink', target: '/d', uid: 69, gid: 62, mtime: 1139732773 },
      ],
      [
        { path: 'l/h', mode: 0o644, data: 'new', uid: 11, gid: 29, mtime: 465425688 },
        { path: 'i', type: 'link', target: 'd/h' },
        { path: 'g', type: 'link', target: 'i' },
      ],
    ],
  ],
  // The same, and the file is replaced once more.
  [
    [
      [
        { path: 'd/h', mode: 0o644, data: 'old', uid: 68, gid: 20, mtime: 152458400 },
        { path: 'l', type: 'symlink', target: '/d', uid: 69, gid: 62, mtime: 1139732773 },
      ],
      [
        { path: 'l/h', mode: 0o644, data: 'new', uid: 11, gid: 29, mtime: 465425688 },
        { path: 'i', type: 'link', target: 'd/h' },
        { path: 'l/h', mode: 0o644, data: 'newer', uid: 12, gid: 30, mtime: 465425689 },
      ],
    ],
  ],
  // A hard link to a file that the layer replaces beneath a link afterwards.
  [
    [
      [
        { path: 'd/h', mode: 0o644, data: 'old', uid: 68, gid: 20, mtime: 152458400 },
        { path: 'l', type: 'symlink', target: '/d', uid: 69, gid: 62, mtime: 1139732773 },
      ],
      [
        { path: 'l/e', mode: 0o644, data: 'other', uid: 11, gid: 29, mtime: 465425688 },
        { path: 'i', type: 'link', target: 'd/h' },
        { path: 'l/h', mode: 0o644, data: 'new', uid: 12, gid: 30, mtime: 465425689 },
      ],
    ],
  ],
  // What is deleted through a link of a lower layer, and then made anew.
  [
    [
      [
        { path: 'l', type: 'symlink', target: '..', uid: 63, gid: 46, mtime: 27771182 },
        { path: 'e/e', type: 'directory', mode: 0o700, uid: 24, gid: 25, mtime: 12611605 },
      ],
      [{ path: 'l/.wh.e' }, { path: 'e/e/d', type: 'directory', mode: 0o755, uid: 26, gid: 66, mtime: 478129589 }],
    ],
  ],
  // What is deleted, and then made anew through a link of a lower layer.
  [
    [
      [
        { path: 'l', type: 'symlink', target: '..', uid: 63, gid: 46, mtime: 27771182 },
        { path: 'e/e', type: 'directory', mode: 0o700, uid: 24, gid: 25, mtime: 12611605 },
      ],
      [{ path: '.wh.e' }, { path: 'l/e/d', type: 'directory', mode: 0o755, uid: 26, gid: 66, mtime: 478129589 }],
    ],
  ],
  // What is deleted through a link of a lower layer, and only deleted from elsewhere.
  [
    [
      [
        { path: 'l', type: 'symlink', target: '..', uid: 63, gid: 46, mtime: 27771182 },
        { path: 'e/e/f', mode: 0o644, data: 'f', uid: 24, gid: 25, mtime: 12611605 },
      ],
      [{ path: 'l/.wh.e' }, { path: 'e/e/.wh.f' }],
    ],
  ],
];

test('random stacks of layers become the trees that umoci makes of them', async (t) => {
  const fixture = await rootfsFixture(t);
  const inventoried = new Set<number>();
  let turn = 0;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(stacksOf({ beneathLinks: true, lowerLinks: true, strayDeletions: true }), async (layers) => {
      turn += 1;
      const image = makeImage({
        layers: await Promise.all(layers.map(async (each) => layerOf(await tarOf(each), 'none'))),
      });
      await fixture.store(image);
      const expected = await umociTree(join(fixture.root, `umoci-${turn}`), image);
      const trees = await Promise.all(
        ['overlayfs', 'native'].map((snapshotter) => ourTree(fixture, image, snapshotter, `${snapshotter}-${turn}`)),
      );
      assertInventories(fixture, inventoried);
      if (expected === undefined) return;
      compared += 1;
      for (const tree of trees) assert.deepEqual(tree && timesAs(tree, expected), expected);
    }),
    { numRuns: STACKS, seed: SEED, endOnFailure: true, examples: FOUND },
  );
  assert.ok(compared > turn / 4, `${compared} of ${turn} could be compared`);
});
