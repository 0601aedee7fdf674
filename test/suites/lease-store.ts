import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseStore } from '../../src/core/leases/lease-store.js';
import type { NamespaceStore } from '../../src/core/namespaces/namespace-store.js';
import { digestOf } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import type { OpenStores, Stores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

/** What every LeaseStore does, and every NamespaceStore. */
export function leaseAndNamespaceSuite(name: string, open: OpenStores): void {
  const check = (
    what: string,
    run: (leases: LeaseStore, namespaces: NamespaceStore, stores: Stores) => Promise<void>,
  ): void => {
    test(`${name}: ${what}`, async (t) => {
      await using root = await tempDir(t);
      await using stores = await open(root.path);
      await run(stores.leases({ namespace: 'testing' }), stores.namespaces, stores);
    });
  };

  check('leases are made, listed and deleted', async (leases) => {
    const lease = await leases.create({ id: 'one', labels: { a: 'b' } });
    assert.deepEqual(lease.labels, { a: 'b' });
    await leases.create({ id: 'two', labels: {} });
    await assertRejectsWithKind(leases.create({ id: 'one', labels: {} }), 'already-exists', /lease "one"/);
    assert.deepEqual(await leases.list(['labels.a==b']), [lease]);
    assert.deepEqual(
      (await leases.list()).map(({ id }) => id),
      ['one', 'two'],
    );
    await leases.delete('one', { sync: true });
    await assertRejectsWithKind(leases.delete('one'), 'not-found', /lease "one": not found/);
    await assertRejectsWithKind(leases.resources('one'), 'not-found');
  });

  check('resources are kept by type and id', async (leases) => {
    await leases.create({ id: 'one', labels: {} });
    const resources = [
      { type: 'content', id: digestOf('x') },
      { type: 'images', id: 'example.org/x' },
      { type: 'ingests', id: 'ref' },
      { type: 'snapshots/overlayfs', id: 'key' },
    ];
    for (const each of [...resources].reverse()) await leases.addResource('one', each);
    for (const each of resources) await leases.addResource('one', each);
    assert.deepEqual(await leases.resources('one'), resources);
    await leases.deleteResource('one', { type: 'images', id: 'example.org/x' });
    await leases.deleteResource('one', { type: 'images', id: 'never there' });
    assert.equal((await leases.resources('one')).length, 3);
    for (const type of ['snapshots', 'snapshots/a/b', 'content/x']) {
      await assertRejectsWithKind(leases.addResource('one', { type, id: digestOf('x') }), 'invalid-argument');
    }
    await assertRejectsWithKind(leases.addResource('one', { type: 'content', id: 'no digest' }), 'invalid-argument');
    await assertRejectsWithKind(leases.addResource('one', { type: 'mounts', id: 'x' }), 'unimplemented');
    await assertRejectsWithKind(leases.addResource('nobody', { type: 'images', id: 'x' }), 'not-found');
  });

  check('namespaces have labels', async (_, namespaces) => {
    await namespaces.create({ name: 'team', labels: { a: '1', b: '2' } });
    await assertRejectsWithKind(namespaces.create({ name: 'team', labels: {} }), 'already-exists', /namespace "team"/);
    const update = async (labels: Record<string, string>, ...paths: string[]) => {
      await namespaces.update({ name: 'team', labels }, paths);
      return (await namespaces.get('team')).labels;
    };
    assert.deepEqual(await update({ a: '9', c: '3' }, 'labels.a'), { a: '9', b: '2' });
    assert.deepEqual(await update({}, 'labels.b'), { a: '9' });
    assert.deepEqual(await update({ z: '1' }), { z: '1' });
    await assertRejectsWithKind(namespaces.update({ name: 'team', labels: {} }, ['name']), 'invalid-argument');
    for (const name of ['', 'a b', '../x', 'x'.repeat(77)]) {
      await assertRejectsWithKind(namespaces.create({ name, labels: {} }), 'invalid-argument');
    }
    // A client asks for the defaults of a namespace before there is anything in it.
    assert.deepEqual(await namespaces.get('not-yet'), { name: 'not-yet', labels: {} });
  });

  check('a namespace comes with its first object, and goes when it is empty', async (leases, namespaces, stores) => {
    await leases.create({ id: 'one', labels: {} });
    const target = { mediaType: 'x', digest: digestOf('x'), size: 1 };
    await stores.images({ namespace: 'testing' }).create({ name: 'a', labels: {}, target });
    await stores.snapshots({ namespace: 'testing' }).prepare('key', '');
    assert.deepEqual(
      (await namespaces.list()).map((each) => each.name),
      ['testing'],
    );
    await assertRejectsWithKind(
      namespaces.delete('testing'),
      'failed-precondition',
      /namespace "testing" must be empty, but it still has images, snapshots on "plain" snapshotter/,
    );
    await stores.images({ namespace: 'testing' }).delete('a');
    await stores.snapshots({ namespace: 'testing' }).remove('key');
    await namespaces.delete('testing');
    await assertRejectsWithKind(namespaces.delete('testing'), 'not-found');
    await assertRejectsWithKind(leases.resources('one'), 'not-found');
  });
}
