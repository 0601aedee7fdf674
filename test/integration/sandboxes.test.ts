import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';

const ANY = { type_url: 'foreign', value: Buffer.from([0, 1, 255]) };

function clientOf({ address, namespace }: TestDaemon) {
  const channel = new Channel({ address, namespace, schema: wholeSchema });
  return {
    store: channel.service('containerd.services.sandbox.v1.Store'),
    controller: channel.service('containerd.services.sandbox.v1.Controller'),
    events: channel.service('containerd.services.events.v1.Events'),
    [Symbol.dispose]: () => {
      channel.close();
    },
  };
}

test('sandboxes are kept as they were described, and changed field by field', async () => {
  await using daemon = await openDaemon();
  using client = clientOf(daemon);
  const { store } = client;
  const sandbox = {
    ...{ sandbox_id: 's1', runtime: { name: 'r', options: ANY }, spec: ANY, labels: { a: 'b' } },
    ...{ extensions: { e: ANY }, sandboxer: 'podsandbox' },
  };
  const { sandbox: created } = await store.create({ sandbox });
  assert.notEqual(created?.created_at, null);
  await assertRejectsWithKind(store.create({ sandbox }), 'already-exists', /s1/);
  await assertRejectsWithKind(store.create({ sandbox: { ...sandbox, sandbox_id: 'a/b' } }), 'invalid-argument');
  const { sandbox: got } = await store.get({ sandbox_id: 's1' });
  assert.deepEqual([got?.spec, got?.runtime?.options, got?.extensions], [ANY, ANY, { e: ANY }]);
  const change = { ...sandbox, labels: { c: 'd' }, extensions: {} };
  await store.update({ sandbox: change, fields: ['labels.c', 'extensions.e'] });
  const { list } = await store.list({ filters: ['labels.c==d,sandboxer==podsandbox'] });
  assert.deepEqual(
    list.map(({ labels, extensions }) => [labels, extensions]),
    [[{ a: 'b', c: 'd' }, {}]],
  );
  assert.deepEqual((await store.list({ filters: ['id==nothing'] })).list, []);
  const other = { ...sandbox, runtime: { name: 'other' } };
  await assertRejectsWithKind(store.update({ sandbox: other }), 'invalid-argument', /immutable/);
  await assertRejectsWithKind(store.update({ sandbox, fields: ['created_at'] }), 'invalid-argument', /cannot update/);
  await store.delete({ sandbox_id: 's1' });
  const late = [store.get({ sandbox_id: 's1' }), store.delete({ sandbox_id: 's1' }), store.update({ sandbox })];
  await Promise.all(late.map((work) => assertRejectsWithKind(work, 'not-found')));
});

test('a sandbox is made, started, waited for over a restart of the daemon, ended once, and forgotten', async () => {
  await using daemon = await openDaemon();
  const id = { sandbox_id: 'pod' };
  {
    using client = clientOf(daemon);
    const { controller } = client;
    await assertRejectsWithKind(controller.start(id), 'not-found');
    await controller.create(id);
    await assertRejectsWithKind(controller.create(id), 'already-exists');
    assert.equal((await controller.status(id)).state, 'SANDBOX_NOTREADY');
    assert.notEqual((await controller.start(id)).created_at, null);
    await assertRejectsWithKind(controller.start(id), 'failed-precondition', /is ready/);
    assert.equal((await controller.platform(id)).platform?.os, 'linux');
    assert.equal((await controller.metrics(id)).metrics?.id, 'pod');
    await assertRejectsWithKind(controller.status({ ...id, sandboxer: 'kata' }), 'not-found', /"kata"/);
  }
  await daemon.kill();
  await daemon.start();
  using client = clientOf(daemon);
  const { controller } = client;
  const topics: string[] = [];
  const telling = (async () => {
    for await (const { topic } of client.events.subscribe({ filters: ['topic~=^/sandbox/'] })) {
      topics.push(topic);
      if (topic === '/sandbox/exit') return;
    }
  })();
  assert.equal((await controller.status(id)).state, 'SANDBOX_READY');
  const waits = [controller.wait(id), controller.wait(id)];
  await controller.stop(id);
  for (const { exit_status: status, exited_at: at } of await Promise.all(waits)) {
    assert.deepEqual([status, at === null], [0, false]);
  }
  await telling;
  await controller.stop(id);
  assert.equal((await controller.wait(id)).exit_status, 0);
  await controller.shutdown(id);
  await assertRejectsWithKind(controller.status(id), 'not-found');
  assert.deepEqual(topics, ['/sandbox/exit']);
});
