import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { rootfsFixture } from '../support/rootfs-fixture.js';

const KEPT = { 'containerd.io/gc.root': 'test' };

for (const name of ['overlayfs', 'native']) {
  test(`${name}: a fork starts as the snapshot is, and neither sees what the other does then`, async (t) => {
    const fixture = await rootfsFixture(t);
    const snapshots = fixture.snapshots(name);
    const write = async (key: string, file: string) =>
      fixture.mounted(await snapshots.mounts(key), (at) => writeFile(join(at, file), key));
    const read = async (key: string, file: string) =>
      fixture.mounted(await snapshots.mounts(key), (at) => readFile(join(at, file), 'utf8').catch(() => undefined));
    await snapshots.prepare('a', '', { ...KEPT, mine: 'yes' });
    await write('a', 'both');
    await snapshots.fork('a', 'b');
    await snapshots.update('b', KEPT, ['labels']);
    for (const key of ['a', 'b']) await write(key, `own-${key}`);
    assert.deepEqual(
      [await read('a', 'both'), await read('b', 'both'), await read('a', 'own-b'), await read('b', 'own-a')],
      ['a', 'a', undefined, undefined],
    );
    const [a, b] = [await snapshots.stat('a'), await snapshots.stat('b')];
    assert.equal(a.labels['mine'], 'yes');
    assert.equal(a.parent, b.parent);
    assert.equal((await snapshots.stat(a.parent)).kind, 'committed');
    assert.ok((await snapshots.usage(a.parent)).inodes >= 2);

    await assertRejectsWithKind(snapshots.fork('a', 'b'), 'already-exists');
    await assertRejectsWithKind(snapshots.fork('nothing', 'c'), 'not-found');
    await assertRejectsWithKind(snapshots.fork(a.parent, 'c'), 'failed-precondition');
    await assertRejectsWithKind(snapshots.remove(a.parent), 'failed-precondition', /with child/);
  });
}

test('overlayfs: forks of what nobody wrote to stand on the same layers, so that stacks do not grow', async (t) => {
  const fixture = await rootfsFixture(t);
  const snapshots = fixture.snapshots();
  await snapshots.prepare('k', '', KEPT);
  await snapshots.commit('base', 'k', KEPT);
  await snapshots.prepare('a', 'base', KEPT);
  await snapshots.fork('a', 'b');
  assert.equal((await snapshots.stat('b')).parent, 'base');
  assert.equal((await snapshots.stat('a')).parent, 'base');
  await fixture.mounted(await snapshots.mounts('a'), (at) => writeFile(join(at, 'file'), ''));
  await snapshots.fork('a', 'c');
  const { parent } = await snapshots.stat('c');
  assert.notEqual(parent, 'base');
  await snapshots.fork('a', 'd');
  assert.equal((await snapshots.stat('d')).parent, parent);
  const layers = (await fixture.backends.get('overlayfs')?.inventory())?.length ?? 0;
  assert.ok(layers <= 6, `${layers} directories`);
});
