import assert from 'node:assert/strict';
import type { ProcessRecord } from '../../src/core/execution/task-store.js';
import { digestOf } from '../../src/spec/digest.js';
import type { LocalStores } from './stores.js';

const SCOPE = { namespace: 'released' };
const TEXT = 'a blob of the release';
const ANY = { typeUrl: 'foreign', value: Buffer.from([0, 1, 255]) };
const PROCESS: ProcessRecord = {
  ...{ containerId: 'box', execId: '', pid: 12, stdin: '', stdout: '/o', stderr: '/e', terminal: true },
  state: 'stopped',
  ...{ exitStatus: 137, exitUnknown: false, exitedAtNs: 1_795_340_764_114_000_001n },
  details: { bundle: '/x' },
};

/** Puts something of every kind into stores, for the database that is kept of a release. */
export async function fillStores(stores: LocalStores): Promise<void> {
  const { metadata } = stores;
  await stores.namespaces.create({ name: SCOPE.namespace, labels: { a: 'b' } });
  await stores.leases(SCOPE).create({ id: 'lease', labels: { l: '1' } });
  const scope = { ...SCOPE, lease: 'lease' };
  {
    await using writer = await stores.content(scope).writer('ref');
    await writer.write(Buffer.from(TEXT));
    await writer.commit({}, { k: 'v' });
  }
  {
    await using writer = await stores.content(scope).writer('half', { size: 100 });
    await writer.write(Buffer.from('half'));
  }
  const target = { mediaType: 'm', digest: digestOf(TEXT), size: TEXT.length, annotations: { n: 'm' } };
  await stores.images(scope).create({ name: 'example.org/a:1', labels: { i: 'j' }, target });
  const snapshots = metadata.snapshotters.get(stores.backend.name)?.(scope);
  assert.ok(snapshots);
  const layerId = await snapshots.newLayer();
  await stores.backend.create(layerId, { writable: false, parents: [] });
  await snapshots.adopt([{ name: 'chain', parent: '', layerId, labels: {}, usage: { size: 1, inodes: 2 } }]);
  await snapshots.prepare('box', 'chain', { s: 't' });
  await stores.containers(scope).create({
    ...{ id: 'box', labels: { c: 'd' }, image: 'example.org/a:1', snapshotKey: 'box', sandbox: '' },
    runtime: { name: 'r', options: ANY },
    spec: ANY,
    snapshotter: stores.backend.name,
    extensions: { e: ANY },
  });
  await metadata.tasks(scope).create(PROCESS);
  await metadata.journal.append(SCOPE.namespace, { topic: '/x', payload: { any: ANY } }, 1n);
}

/** Checks that all of it is there. */
export async function checkStores(stores: LocalStores): Promise<void> {
  const { metadata } = stores;
  assert.deepEqual(await stores.namespaces.get(SCOPE.namespace), { name: SCOPE.namespace, labels: { a: 'b' } });
  assert.deepEqual((await stores.leases(SCOPE).list())[0]?.labels, { l: '1' });
  assert.equal((await stores.leases(SCOPE).resources('lease')).length, 4);
  const info = await stores.content(SCOPE).info(digestOf(TEXT));
  assert.deepEqual([info.size, info.labels], [TEXT.length, { k: 'v' }]);
  assert.equal((await stores.content(SCOPE).status('half')).total, 100);
  const image = await stores.images(SCOPE).get('example.org/a:1');
  assert.deepEqual([image.target.annotations, image.labels], [{ n: 'm' }, { i: 'j' }]);
  const snapshots = stores.snapshots(SCOPE);
  assert.deepEqual(await snapshots.usage('chain'), { size: 1, inodes: 2 });
  const { kind, parent, labels } = await snapshots.stat('box');
  assert.deepEqual([kind, parent, labels], ['active', 'chain', { s: 't' }]);
  const container = await stores.containers(SCOPE).get('box');
  assert.deepEqual([container.spec, container.runtime.options, container.extensions], [ANY, ANY, { e: ANY }]);
  assert.deepEqual(await metadata.tasks(SCOPE).get('box'), PROCESS);
  const events = [];
  for await (const event of metadata.journal.subscribe({ from: 1, signal: new AbortController().signal })) {
    events.push(event);
    if (event.sequence === metadata.journal.last()) break;
  }
  assert.equal(events[0]?.topic, '/namespaces/create');
  assert.deepEqual(events.at(-1)?.payload, { any: ANY });
}
