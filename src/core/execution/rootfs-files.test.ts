import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { assertThrowsWithKind } from '../../../test/support/assert-kind.js';
import { output } from '../../../test/support/run.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { createKernel } from '../../sys/kernel.js';
import { makeVolumeDirectories, readRootfsFile, volumesExist } from './rootfs-files.js';

const { files } = createKernel();

async function openTree(t: TestContext) {
  const { path } = await tempDir(t);
  const rootfs = join(path, 'rootfs');
  await mkdir(join(rootfs, 'etc'), { recursive: true });
  await writeFile(join(path, 'secret'), 'outside');
  const root = files.openDirectory(rootfs);
  t.after(() => files.close(root));
  return { path, rootfs, root };
}

test('a file of the rootfs is read through links that stay inside', async (t) => {
  const { rootfs, root } = await openTree(t);
  await writeFile(join(rootfs, 'etc/real'), 'root:x:0:0::/:');
  await symlink('/etc/real', join(rootfs, 'etc/passwd'));
  assert.equal(readRootfsFile(files, root, '/etc/passwd'), 'root:x:0:0::/:');
  assert.equal(readRootfsFile(files, root, '/etc/group'), '');
});

test('no link leads out of the rootfs, and only a regular file of a sensible size is read', async (t) => {
  const { path, rootfs, root } = await openTree(t);
  await symlink(join(path, 'secret'), join(rootfs, 'etc/absolute'));
  await symlink('../../secret', join(rootfs, 'etc/dots'));
  await symlink('loop', join(rootfs, 'etc/loop'));
  await output('mkfifo', [join(rootfs, 'etc/fifo')]);
  await writeFile(join(rootfs, 'etc/huge'), '');
  await truncate(join(rootfs, 'etc/huge'), 2 ** 30);
  assert.equal(readRootfsFile(files, root, '/etc/absolute'), '');
  assert.equal(readRootfsFile(files, root, '/etc/dots'), '');
  for (const name of ['fifo', 'huge', 'loop', 'huge/below']) {
    assertThrowsWithKind(() => readRootfsFile(files, root, `/etc/${name}`), 'invalid-argument', /\/etc\//);
  }
  assertThrowsWithKind(() => readRootfsFile(files, root, '/etc'), 'invalid-argument', /no regular file/);
});

test('volumes are made inside of the rootfs, wherever its links point', async (t) => {
  const { path, rootfs, root } = await openTree(t);
  await mkdir(join(path, 'host'));
  await symlink(join(path, 'host'), join(rootfs, 'out'));
  await symlink('/etc', join(rootfs, 'alias'));
  assert.equal(volumesExist(files, root, ['/data/a']), false);
  makeVolumeDirectories(files, root, ['/data/a', '/alias/sub', '/data']);
  assert.equal(volumesExist(files, root, ['/data/a', '/etc/sub', '/data']), true);
  assert.equal((await lstat(join(rootfs, 'data/a'))).mode & 0o7777, 0o755);
  assertThrowsWithKind(() => makeVolumeDirectories(files, root, ['/out/x']), 'invalid-argument', /no directory/);
  for (const bad of ['/../../etc', 'relative', '/', '/a/../b', '/a\0b']) {
    assertThrowsWithKind(() => makeVolumeDirectories(files, root, [bad]), 'invalid-argument', /volume/);
  }
  await writeFile(join(rootfs, 'file'), '');
  assertThrowsWithKind(() => makeVolumeDirectories(files, root, ['/file']), 'invalid-argument', /no directory/);
  assert.deepEqual(await readdir(join(path, 'host')), []);
  assert.ok(!existsSync(join(path, 'etc')));
});
