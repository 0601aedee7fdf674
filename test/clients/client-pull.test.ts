import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { chainIds } from '../../src/spec/chain-id.js';
import { digestOf } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { ClientPull, SNAPSHOTTER } from '../support/client-pull.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';

test('pulls by clients: two at a time come to one image, a third finds its layers by their names, and leases let go', async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const layers = await Promise.all(['a', 'b'].map((path) => makeLayer([{ path, data: randomBytes(200_000) }], 'gzip')));
  const image = makeImage({ layers });
  const told = layers.map(({ bytes, diffId }) => ({
    digest: digestOf(bytes),
    size: bytes.length,
    diffId: diffId,
  }));
  const leases = channel.service('containerd.services.leases.v1.Leases');
  const pulls = [];
  for (const id of ['one', 'two', 'three']) {
    await leases.create({ id });
    pulls.push(new ClientPull(channel, id, image));
  }
  const [one, two, three] = pulls as [ClientPull, ClientPull, ClientPull];
  await Promise.all([one.content(), two.content()]);
  const applied = await Promise.all([one.unpack(told), two.unpack(told)]);
  assert.ok(applied[0] + applied[1] >= 2, applied.join());
  await three.content();
  assert.equal(await three.unpack(told), 0, 'prepare says by the label that the snapshot is there');

  const names = chainIds(told.map(({ diffId }) => diffId));
  const snapshots = channel.service('containerd.services.snapshots.v1.Snapshots');
  const listed = async (): Promise<string[]> => {
    const found = [];
    for await (const { info } of snapshots.list({ snapshotter: SNAPSHOTTER }))
      found.push(...info.map(({ name }) => name));
    return found.sort();
  };
  assert.deepEqual(await listed(), [...names].sort());
  // The third has done nothing, and yet its lease alone keeps all of it.
  await leases.delete({ id: 'one', sync: true });
  await leases.delete({ id: 'two', sync: true });
  assert.deepEqual(await listed(), [...names].sort());
  const content = channel.service('containerd.services.content.v1.Content');
  await content.info({ digest: image.target.digest });
  await leases.delete({ id: 'three', sync: true });
  assert.deepEqual(await listed(), []);
  await assertRejectsWithKind(content.info({ digest: image.target.digest }), 'not-found');
  await snapshots.cleanup({ snapshotter: SNAPSHOTTER });
  await assertRejectsWithKind(snapshots.cleanup({ snapshotter: 'nothing' }), 'invalid-argument', /not loaded/);
  await assertNothingLeft(daemon.mine);
});

test('pulls by clients: one writer a ref; a wrong commit keeps what is written, and the right one follows', async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const content = channel.service('containerd.services.content.v1.Content');
  const bytes = randomBytes(100_000);
  const digest = digestOf(bytes);
  async function* first() {
    yield { action: 'WRITE' as const, ref: 'r', data: bytes.subarray(0, 60_000), offset: '0' };
  }
  for await (const { offset } of content.write(first())) assert.equal(offset, '60000');
  const wrong = async function* () {
    yield { action: 'COMMIT' as const, ref: 'r', offset: '60000', expected: digest };
  };
  const failed = (async () => {
    for await (const _ of content.write(wrong())) continue;
  })();
  await assertRejectsWithKind(failed, 'failed-precondition', /unexpected commit digest/);
  const { status } = await content.status({ ref: 'r' });
  assert.equal(status?.offset, '60000');
  const rest = async function* () {
    yield { action: 'STAT' as const, ref: 'r' };
    // A second writer is refused while this one is there.
    const second = (async () => {
      for await (const _ of content.write(stat())) continue;
    })();
    await assertRejectsWithKind(second, 'unavailable', /locked|writer/);
    // It is in no lease: without the label the collection that follows a daemon's start may take it.
    const labels = { 'containerd.io/gc.root': '2026-01-01T00:00:00Z' };
    const data = bytes.subarray(60_000);
    yield { action: 'COMMIT' as const, ref: 'r', offset: '60000', data, expected: digest, labels };
  };
  async function* stat() {
    yield { action: 'STAT' as const, ref: 'r' };
  }
  for await (const _ of content.write(rest())) continue;
  const parts = [];
  for await (const { data } of content.read({ digest, offset: '59990', size: '20' })) parts.push(data);
  assert.deepEqual(Buffer.concat(parts), bytes.subarray(59_990, 60_010));
  await assertRejectsWithKind(content.status({ ref: 'r' }), 'not-found');
});
