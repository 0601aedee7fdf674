import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FEATURES } from '../../../test/support/torture-layers.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DEFAULT_LIMITS } from '../../core/diff/applier.js';
import { listTree, unpackInventory, type InventoryEntry } from '../../core/fsck/inventory.js';
import { takeInventory } from '../../core/fsck/tree-tasks.js';
import { paxEntry, rawTar, type TarPart } from '../../selftest/raw-tar.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { createKernel } from '../../sys/kernel.js';
import { applyLayer } from './apply-layer.js';

const kernel = createKernel();
const check = () => undefined;
/** user::rw-, group::rwx, mask::rwx, other::r-- (version 2): what files made below such a directory begin with. */
const DEFAULT_ACL = Buffer.from(
  '02000000' + '01000600ffffffff' + '04000700ffffffff' + '10000700ffffffff' + '20000400ffffffff',
  'hex',
);

/** Applies a layer, and has what is known from writing it compared with what is there. @returns Whether anything was deferred. */
async function compare(t: TestContext, parts: readonly TarPart[]): Promise<boolean> {
  const { path: home } = await tempDir(t);
  const [directory, blobPath] = [join(home, 'fs'), join(home, 'blob')];
  const inventory = { file: join(home, 'inventory'), checksums: join(home, 'checksums') };
  await mkdir(directory);
  await writeFile(blobPath, rawTar(...parts));
  const { deferred } = await applyLayer(
    kernel,
    { blobPath, mediaType: MEDIA_TYPES.ociLayer, directory, form: 'overlay', limits: DEFAULT_LIMITS, inventory },
    { report: check, check },
  );
  if (deferred.length > 0) {
    takeInventory(
      kernel.files,
      { kind: 'take-inventory', directory, file: inventory.file, known: inventory.checksums },
      check,
    );
  }
  const told = [...unpackInventory(await readFile(inventory.file)).values()];
  assert.deepEqual(byPath(told), byPath([...listTree(kernel.files, directory, check)]));
  return deferred.length > 0;
}

const byPath = (entries: readonly InventoryEntry[]) => entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));

const ROOT = { name: './', type: '5', mode: 0o755 } as const;
const file = (name: string, data: string, rest: object = {}) => ({ name, data, ...rest });

test('an inventory made while a layer is written tells what reading it all would', async (t) => {
  const links = [
    file('first', 'one'),
    { name: 'second', type: '1', link: 'first' },
    file('first', 'another'),
    { name: 'third', type: '1', link: 'second' },
    file('over', 'a longer one'),
    { name: 'over', type: '1', link: 'first' },
  ];
  const replaced = [
    file('way', 'a file'),
    { name: 'way', type: '2', link: 'first' },
    { name: 'dir/', type: '5', mode: 0o755 },
    file('dir/gone', 'gone'),
    file('dir', 'now a file'),
    file('back', 'a file'),
    { name: 'back/', type: '5', mode: 0o755 },
    file('back/inner', 'inner'),
  ];
  const odd = [
    file('setuid', 'x', { mode: 0o6755, uid: 7, gid: 8 }),
    file('empty', ''),
    file('"quoted" \\ \u0001', 'x'),
    { name: Buffer.from([0x72, 0xff, 0x80]), data: 'no UTF-8' },
    file('large', 'l'.repeat(3 << 20), { mtime: 5 }),
    paxEntry([['mtime', '1.5']]),
    file('fine', 'x'),
    paxEntry([['mtime', '-3']]),
    file('early', 'x'),
    paxEntry([['mtime', '99999999999']]),
    file('late', 'x'),
  ];
  const parts = [ROOT, ...links, ...replaced, ...odd];
  assert.equal(await compare(t, parts), false);
  const acl = [
    paxEntry([['SCHILY.xattr.system.posix_acl_default', DEFAULT_ACL]]),
    { name: 'acl/', type: '5', mode: 0o775 },
  ];
  await compare(t, [...parts, ...acl, file('acl/heir', 'x', { mode: 0o644 })]);
});

test('so it does for a layer that waits for those below, with everything that unpackers disagree on', async (t) => {
  let deferred = 0;
  for (const { layer } of FEATURES) if (await compare(t, layer)) deferred += 1;
  assert.ok(deferred > 5, `${deferred} had to wait`);
});
