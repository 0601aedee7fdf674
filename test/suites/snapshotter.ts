import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshotter } from '../../src/core/snapshots/snapshotter.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import type { OpenStores, Stores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SCOPE = { namespace: 'testing' };

/** Names, kinds, parents and labels as every Snapshotter keeps them; files and mounts are the backends' own matter. */
export function snapshotterSuite(name: string, open: OpenStores): void {
  const check = (what: string, run: (snapshots: Snapshotter, stores: Stores) => Promise<void>): void => {
    test(`${name}: ${what}`, async (t) => {
      await using root = await tempDir(t);
      await using stores = await open(root.path);
      await run(stores.snapshots(SCOPE), stores);
    });
  };
  const commitChain = async (snapshots: Snapshotter, ...names: string[]) => {
    let parent = '';
    for (const each of names) {
      await snapshots.prepare(`making-${each}`, parent);
      await snapshots.commit(each, `making-${each}`);
      parent = each;
    }
  };

  check('an empty store knows nothing', async (snapshots) => {
    assert.deepEqual(await snapshots.list(), []);
    const calls = [snapshots.stat('x'), snapshots.mounts('x'), snapshots.remove('x'), snapshots.usage('x')];
    const absent = /snapshot x does not exist: not found/;
    await Promise.all(calls.map((call) => assertRejectsWithKind(call, 'not-found', absent)));
    await assertRejectsWithKind(snapshots.update('x', {}), 'not-found');
    await assertRejectsWithKind(snapshots.commit('y', 'x'), 'not-found');
    await assertRejectsWithKind(snapshots.prepare('x', 'nobody'), 'not-found', /parent snapshot nobody does not exist/);
    assert.deepEqual(await snapshots.list(), []);
  });

  check('a snapshot is active, then committed, then a parent', async (snapshots) => {
    const mounts = await snapshots.prepare('key', '', { a: '1' });
    assert.ok(mounts.length > 0);
    assert.deepEqual(await snapshots.mounts('key'), mounts);
    const active = await snapshots.stat('key');
    assert.deepEqual(
      { kind: active.kind, name: active.name, parent: active.parent, labels: active.labels },
      { kind: 'active', name: 'key', parent: '', labels: { a: '1' } },
    );
    await snapshots.commit('name', 'key', { b: '2' });
    await assertRejectsWithKind(snapshots.stat('key'), 'not-found');
    const committed = await snapshots.stat('name');
    assert.equal(committed.kind, 'committed');
    assert.deepEqual(committed.labels, { b: '2' });
    await assertRejectsWithKind(snapshots.mounts('name'), 'failed-precondition', /not active or view/);
    await snapshots.view('look', 'name');
    assert.deepEqual([(await snapshots.stat('look')).kind, (await snapshots.stat('look')).parent], ['view', 'name']);
    assert.ok((await snapshots.usage('name')).inodes >= 1);
  });

  check('keys and names share one space', async (snapshots) => {
    await commitChain(snapshots, 'base');
    await snapshots.prepare('active', 'base');
    await snapshots.view('view', 'base');
    for (const taken of ['active', 'view', 'base']) {
      await assertRejectsWithKind(snapshots.prepare(taken, 'base'), 'already-exists', /already exists/);
      await assertRejectsWithKind(snapshots.view(taken, ''), 'already-exists');
      await assertRejectsWithKind(snapshots.commit(taken, 'active'), 'already-exists');
    }
    assert.equal((await snapshots.list()).length, 3);
    await assertRejectsWithKind(snapshots.prepare('', ''), 'invalid-argument');
  });

  check('only what is active is committed, only what is committed is built on', async (snapshots) => {
    await commitChain(snapshots, 'base');
    await snapshots.view('view', 'base');
    await snapshots.prepare('active', 'base');
    await assertRejectsWithKind(snapshots.commit('x', 'view'), 'failed-precondition', /is not active/);
    await assertRejectsWithKind(snapshots.commit('x', 'base'), 'failed-precondition', /is not active/);
    for (const parent of ['view', 'active']) {
      await assertRejectsWithKind(snapshots.prepare('x', parent), 'invalid-argument', /is not committed snapshot/);
    }
  });

  check('a parent stays while something is built on it', async (snapshots) => {
    await commitChain(snapshots, 'a', 'b', 'c');
    await snapshots.prepare('top', 'c');
    assert.equal((await snapshots.stat('c')).parent, 'b');
    for (const parent of ['a', 'b', 'c']) {
      const text = /cannot remove snapshot with child: failed precondition$/;
      await assertRejectsWithKind(snapshots.remove(parent), 'failed-precondition', text);
    }
    for (const each of ['top', 'c', 'b', 'a']) await snapshots.remove(each);
    assert.deepEqual(await snapshots.list(), []);
  });

  check('labels are updated by field paths, lists filtered by kind, parent and label', async (snapshots) => {
    await commitChain(snapshots, 'a', 'b');
    await snapshots.prepare('x', 'b', { k: '1', 'l.m': '2' });
    assert.deepEqual((await snapshots.update('x', { k: '5' }, ['labels.k', 'labels.l.m'])).labels, { k: '5' });
    assert.deepEqual((await snapshots.update('x', { z: '6' })).labels, { z: '6' });
    await assertRejectsWithKind(snapshots.update('x', {}, ['kind']), 'invalid-argument', /cannot update "kind" field/);
    const names = async (...filters: string[]) => (await snapshots.list(filters)).map((each) => each.name);
    assert.deepEqual(await names(), ['a', 'b', 'x']);
    assert.deepEqual(await names('kind==active', 'parent==a'), ['b', 'x']);
    assert.deepEqual(await names('labels.z==6'), ['x']);
    assert.deepEqual(await names('name==a,kind==committed'), ['a']);
  });

  check('namespaces see their own', async (snapshots, stores) => {
    const other = stores.snapshots({ namespace: 'other' });
    await commitChain(snapshots, 'a');
    await snapshots.prepare('same', 'a');
    await assertRejectsWithKind(other.prepare('same', 'a'), 'not-found');
    await other.prepare('same', '');
    assert.deepEqual(
      (await other.list()).map((each) => [each.name, each.parent]),
      [['same', '']],
    );
  });

  check('what the label snapshot.ref names is answered, and joins the lease', async (snapshots, stores) => {
    await commitChain(snapshots, 'chain');
    const leases = stores.leases(SCOPE);
    await leases.create({ id: 'mine', labels: {} });
    const leased = stores.snapshots({ ...SCOPE, lease: 'mine' });
    const labels = { 'containerd.io/snapshot.ref': 'chain' };
    await assertRejectsWithKind(leased.prepare('extract', '', labels), 'already-exists', /target snapshot "chain"/);
    const type = `snapshots/${(await leases.resources('mine'))[0]?.type.split('/')[1] ?? ''}`;
    assert.deepEqual(await leases.resources('mine'), [{ type, id: 'chain' }]);
    await leased.prepare('key', 'chain');
    await leased.commit('name', 'key');
    assert.deepEqual(await leases.resources('mine'), [
      { type, id: 'chain' },
      { type, id: 'name' },
    ]);
    await leased.remove('name');
    assert.deepEqual(await leases.resources('mine'), [{ type, id: 'chain' }]);
    const lost = stores.snapshots({ ...SCOPE, lease: 'nobody' });
    await assertRejectsWithKind(lost.prepare('x', ''), 'not-found', /lease does not exist/);
    await assertRejectsWithKind(snapshots.stat('x'), 'not-found');
  });

  check('many at once make what one after another would', async (snapshots) => {
    await commitChain(snapshots, 'base');
    const prepare = (key: string) => snapshots.prepare(key, 'base').then(() => key);
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index % 10}`);
    const results = await Promise.allSettled(keys.map(prepare));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 10);
    await Promise.allSettled(keys.map((key) => snapshots.commit('winner', key)));
    const kinds = (await snapshots.list()).map((each) => each.kind).sort();
    assert.deepEqual(kinds, [...Array.from({ length: 9 }, () => 'active'), 'committed', 'committed']);
  });

  test(`${name}: snapshots are found again after a restart`, async (t) => {
    await using root = await tempDir(t);
    let mounts;
    {
      await using stores = await open(root.path);
      const snapshots = stores.snapshots(SCOPE);
      await commitChain(snapshots, 'a', 'b');
      mounts = await snapshots.prepare('top', 'b', { 'containerd.io/gc.root': 'now' });
    }
    await using stores = await open(root.path);
    const snapshots = stores.snapshots(SCOPE);
    assert.deepEqual(await snapshots.mounts('top'), mounts);
    const more = await snapshots.prepare('more', 'b');
    assert.notDeepEqual(more, mounts);
  });
}
