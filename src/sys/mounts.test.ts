import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isErrno } from '../base/errors.js';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { mountsOf, readMounts } from '../../test/support/mount-table.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createMounts } from './mounts.js';

const mounts = createMounts();

async function folders(t: TestContext, names: readonly string[]): Promise<string[]> {
  const root = await realpath((await tempDir(t)).path);
  const paths = names.map((name) => join(root, name));
  for (const path of paths) await mkdir(path, { recursive: true });
  return paths;
}

async function ownerOf(path: string): Promise<readonly [number, number]> {
  const { uid, gid } = await stat(path);
  return [uid, gid];
}

async function optionsOf(path: string): Promise<readonly string[]> {
  const found = (await mounts.list()).filter(({ mountPoint }) => mountPoint === path);
  return found.at(-1)?.options ?? [];
}

describe('mounts', () => {
  test('a read-only bind appears with its flags, and can be changed without losing them', async (t) => {
    const [source = '', target = ''] = await folders(t, ['a b', 'target']);
    const mount = { type: 'bind', source, options: ['rbind', 'ro', 'nosuid', 'nodev'] };
    await using mounted = await mounts.mountAll([mount], target);
    assert.deepEqual((await optionsOf(mounted.path)).slice(0, 3), ['ro', 'nosuid', 'nodev']);
    await assert.rejects(writeFile(join(target, 'x'), ''), (cause) => isErrno(cause, 'EROFS'));
    await mounts.remount(target, ['rw']);
    assert.deepEqual((await optionsOf(mounted.path)).slice(0, 3), ['rw', 'nosuid', 'nodev']);
  });

  for (const [layers, nameLength, way] of [
    [3, 8, 'one page of options'],
    [200, 12, 'names relative to the directory of the layers'],
    [300, 60, 'a directory at a time'],
    [620, 4, 'one overlay on top of another'],
  ] as const) {
    test(`an overlay of ${layers} layers mounts: ${way}`, async (t) => {
      const names = Array.from({ length: layers }, (_, index) => String(index).padStart(nameLength, '0'));
      const lower = await folders(t, ['upper', 'work', 'merged', ...names.map((name) => `layers/${name}/fs`)]);
      const [upper = '', work = '', target = ''] = lower.splice(0, 3);
      for (const [index, path] of lower.entries()) await writeFile(join(path, `of-${index}`), '');
      const options = ['nodev', `lowerdir=${lower.join(':')}`, `upperdir=${upper}`, `workdir=${work}`, 'index=off'];
      await using mounted = await mounts.mountAll([{ type: 'overlay', source: 'overlay', options }], target);
      assert.equal((await readdir(mounted.path)).length, layers);
      await writeFile(join(mounted.path, 'new'), '');
      assert.deepEqual(await readdir(upper), ['new']);
      await rm(join(mounted.path, `of-${layers - 1}`));
      assert.equal((await readdir(mounted.path)).length, layers);
      assert.ok((await optionsOf(mounted.path)).includes('nodev'));
    });
  }

  for (const layers of [2, 620]) {
    test(`the owners of ${layers} lower layers are seen mapped, what is written has the owners seen`, async (t) => {
      const names = Array.from({ length: layers }, (_, index) => `layers/${index}/fs`);
      const lower = await folders(t, ['upper', 'work', 'merged', ...names]);
      const [upper = '', work = '', target = ''] = lower.splice(0, 3);
      await writeFile(join(lower.at(-1) ?? '', 'low'), 'low');
      await chown(join(lower.at(-1) ?? '', 'low'), 7, 8);
      const stack = [`lowerdir=${lower.join(':')}`, `upperdir=${upper}`, `workdir=${work}`, 'index=off'];
      const options = ['nosuid', 'uidmap=0:100000:10', 'gidmap=0:200000:5,5:300000:5', ...stack];
      // Of this test's folders, wherever they are mounted: other mounts of the machine come and go.
      const own = async () => mountsOf(dirname(target), await readMounts()).map(({ mountPoint }) => mountPoint);
      {
        await using mounted = await mounts.mountAll([{ type: 'overlay', source: 'overlay', options }], target);
        assert.deepEqual(await ownerOf(join(mounted.path, 'low')), [100007, 300003]);
        await chmod(join(mounted.path, 'low'), 0o600);
        assert.deepEqual(await ownerOf(join(upper, 'low')), [100007, 300003]);
        assert.ok((await optionsOf(mounted.path)).includes('nosuid'));
        assert.deepEqual(await own(), [target]);
      }
      assert.deepEqual(await ownerOf(join(lower.at(-1) ?? '', 'low')), [7, 8]);
      assert.deepEqual(await own(), []);
    });
  }

  test('the owners of a bind mount are seen mapped; what the mapping lacks belongs to nobody', async (t) => {
    const [source = '', target = ''] = await folders(t, ['source', 'target']);
    await writeFile(join(source, 'file'), '');
    await writeFile(join(source, 'beyond'), '');
    await chown(join(source, 'beyond'), 11, 0);
    const options = ['rbind', 'ro', 'uidmap=0:100000:10'];
    await using mounted = await mounts.mountAll([{ type: 'bind', source, options }], target);
    assert.deepEqual(await ownerOf(join(mounted.path, 'file')), [100000, 100000]);
    assert.deepEqual(await ownerOf(join(mounted.path, 'beyond')), [65534, 100000]);
    const refused = mounts.mount({ type: 'bind', source, options: ['uidmap=0:1'] }, target);
    await assertRejectsWithKind(refused, 'invalid-argument', /mapping of ids "0:1"/);
    const overlapping = mounts.mount({ type: 'bind', source, options: ['uidmap=0:1:5,4:9:1'] }, target);
    await assertRejectsWithKind(overlapping, 'invalid-argument', /apart/);
    const other = mounts.mount({ type: 'tmpfs', source: 'tmpfs', options: ['uidmap=0:1:5'] }, target);
    await assertRejectsWithKind(other, 'invalid-argument', /only bind mounts and overlays/);
  });

  test('an overlay of more layers than that is refused by number', async (t) => {
    const [layer = '', target = ''] = await folders(t, ['layer', 'target']);
    const options = [`lowerdir=${Array.from({ length: 1000 }, () => layer).join(':')}`];
    const mounting = mounts.mountAll([{ type: 'overlay', source: 'overlay', options }], target);
    await assertRejectsWithKind(mounting, 'invalid-argument', /1000 layers are more than the 999/);
    assert.deepEqual(await optionsOf(target), []);
  });

  test('when one of several mounts fails, those before it are taken down', async (t) => {
    const [source = '', target = ''] = await folders(t, ['source/inner', 'target']);
    const good = { type: 'bind', source: join(source, '..'), options: [] };
    const bad = { type: 'bind', source, target: 'missing', options: [] };
    await assertRejectsWithKind(mounts.mountAll([good, bad], target), 'not-found');
    assert.deepEqual(await optionsOf(target), []);
  });

  test('a target inside a mount that is a link leads nowhere outside', async (t) => {
    const [outside = '', target = ''] = await folders(t, ['outside', 'target']);
    await mkdir(join(target, outside), { recursive: true });
    await symlink(outside, join(target, 'link'));
    const mount = { type: 'tmpfs', source: 'tmpfs', target: 'link', options: ['size=64k'] };
    await using _ = await mounts.mountAll([mount], target);
    assert.deepEqual(await optionsOf(outside), []);
    assert.ok((await optionsOf(join(target, outside))).includes('rw'));
  });

  test('a scope ends a mount that is in use; an unmount alone says so', async (t) => {
    const [target = ''] = await folders(t, ['target']);
    const mounted = await mounts.mountAll([{ type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] }], target);
    const before = process.cwd();
    process.chdir(target);
    await assertRejectsWithKind(mounts.unmount(target), 'failed-precondition', /EBUSY/u);
    await mounted[Symbol.asyncDispose]();
    process.chdir(before);
    assert.deepEqual(await optionsOf(target), []);
    await assertRejectsWithKind(mounts.unmount(target), 'invalid-argument', /umount2 .*EINVAL/u);
  });

  test('bad mounts are refused by name', async (t) => {
    const [source = '', target = ''] = await folders(t, ['source', 'target']);
    const refuse = (type: string, options: string[], pattern: RegExp) =>
      assert.rejects(mounts.mount({ type, source, options }, target), pattern);
    await refuse('bind', ['lowerdir=/'], /mount option lowerdir=\//u);
    await refuse('nosuchfs', [], /nosuchfs.*ENODEV/u);
    await refuse('tmpfs', ['x'.repeat(5000)], /longer than 4095 bytes/u);
    await refuse('overlay', ['lowerdir=/no:/nowhere'], /ENOENT/u);
    assert.deepEqual(await optionsOf(target), []);
  });
});
