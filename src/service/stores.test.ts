import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { openSocketStores, type SocketStores } from '../../test/support/socket-stores.js';
import { tempDir } from '../../test/support/temp-dir.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { messages } from '../rpc/whole.js';
import { digestOf } from '../spec/digest.js';

const SCOPE = { namespace: 'testing' };
const CONTENT = 'containerd.services.content.v1.Content';
const HELLO = Buffer.from('hello');
const DIGEST = digestOf(HELLO);

type WriteRequest = Outgoing<'containerd.services.content.v1.WriteContentRequest'>;
type WriteResponse = Incoming<'containerd.services.content.v1.WriteContentResponse'>;

async function withStores(t: TestContext, run: (stores: SocketStores) => Promise<void>): Promise<void> {
  await using root = await tempDir(t);
  await using stores = await openSocketStores(root.path, { collectDelayMs: 3_600_000 });
  await run(stores);
}

/** Sends the requests, each after the answer to the one before, then no more; returns the answers. */
async function write({ channel }: SocketStores, ...requests: readonly WriteRequest[]): Promise<WriteResponse[]> {
  const answers: WriteResponse[] = [];
  async function* sending(): AsyncGenerator<WriteRequest> {
    yield* requests;
  }
  for await (const answer of channel.service(CONTENT).write(sending(), SCOPE)) answers.push(answer);
  return answers;
}

const offsets = (answers: readonly WriteResponse[]) => answers.map(({ action, offset }) => `${action} ${offset}`);

test('Write: every action is answered with offset, digest and times', (t) =>
  withStores(t, async (stores) => {
    const answers = await write(
      stores,
      { action: 'STAT', ref: 'r', total: '5', expected: DIGEST },
      { action: 'WRITE', data: HELLO.subarray(0, 2) },
      { action: 'WRITE', offset: '2', data: HELLO.subarray(2, 4) },
      { action: 'COMMIT', offset: '4', data: HELLO.subarray(4), labels: { a: 'b' } },
    );
    assert.deepEqual(offsets(answers), ['STAT 0', 'WRITE 2', 'WRITE 4', 'COMMIT 5']);
    assert.equal(answers[1]?.digest, digestOf('he'));
    assert.equal(answers[3]?.digest, DIGEST);
    assert.ok(answers.every(({ started_at, updated_at, total }) => started_at && updated_at && total === '5'));
    assert.deepEqual((await stores.content(SCOPE).info(DIGEST)).labels, { a: 'b' });
    await assertRejectsWithKind(
      write(stores, { ref: 'r', expected: DIGEST }),
      'already-exists',
      new RegExp(`content ${DIGEST}: already exists`),
    );
  }));

test('Write: an offset that is not the current one is refused, the first one begins anew', (t) =>
  withStores(t, async (stores) => {
    const wrong = write(
      stores,
      { ref: 'r' },
      { action: 'WRITE', data: HELLO },
      { action: 'WRITE', offset: '3', data: HELLO },
    );
    await assertRejectsWithKind(wrong, 'out-of-range', /write @3 must occur at current offset 5/);
    assert.equal((await stores.content(SCOPE).status('r')).offset, 5);
    const anew = await write(stores, { ref: 'r' }, { action: 'WRITE', data: Buffer.from('x') }, { action: 'STAT' });
    assert.deepEqual(offsets(anew), ['STAT 5', 'WRITE 1', 'STAT 1']);
    assert.equal(anew[2]?.digest, digestOf('x'));
  }));

test('Write: a stream that ends early keeps the bytes and lets go of the ref', (t) =>
  withStores(t, async (stores) => {
    await write(stores, { action: 'WRITE', ref: 'r', data: HELLO });
    const failed = write(stores, { action: 'COMMIT', ref: 'r', offset: '5', total: '6' });
    await assertRejectsWithKind(failed, 'failed-precondition', /failed size validation: 5 != 6/);
    const answers = await write(stores, { action: 'COMMIT', ref: 'r', offset: '5', total: '5', expected: DIGEST });
    assert.deepEqual(offsets(answers), ['COMMIT 5']);
  }));

test('Write: a ref is needed, and a number that no number holds is refused', (t) =>
  withStores(t, async (stores) => {
    await assertRejectsWithKind(write(stores, { action: 'STAT' }), 'invalid-argument', /must have a reference/);
    const huge = write(stores, { ref: 'r' }, { action: 'WRITE', offset: '9223372036854775807', data: HELLO });
    await assertRejectsWithKind(huge, 'out-of-range');
  }));

test('Read: offsets count from the start of the reply, sizes beyond the end are cut', (t) =>
  withStores(t, async (stores) => {
    const bytes = Buffer.alloc(2_500_000, 'abcdefg');
    const digest = digestOf(bytes);
    {
      await using writer = await stores.content(SCOPE).writer('r');
      await writer.write(bytes);
      await writer.commit();
    }
    const read = async (offset: number, size: number) => {
      const pieces: Buffer[] = [];
      let at = 0;
      const request = { digest, offset: String(offset), size: String(size) };
      for await (const { offset: told, data } of stores.channel.service(CONTENT).read(request, SCOPE)) {
        assert.equal(told, String(at));
        pieces.push(data);
        at += data.length;
      }
      return Buffer.concat(pieces);
    };
    assert.deepEqual(await read(0, 0), bytes);
    assert.deepEqual(await read(1_000_000, 1_200_000), bytes.subarray(1_000_000, 2_200_000));
    assert.deepEqual(await read(2_499_999, 100), bytes.subarray(2_499_999));
    assert.deepEqual(await read(-5, 3), bytes.subarray(0, 3));
    assert.equal((await read(2_500_000, 0)).length, 0);
    await assertRejectsWithKind(read(2_500_001, 0), 'out-of-range', /read past object length 2500000 bytes/);
  }));

test('List: pages of at most 100', (t) =>
  withStores(t, async (stores) => {
    for (let count = 0; count < 120; count += 1) {
      await write(stores, { action: 'COMMIT', ref: 'r', data: Buffer.from(`blob ${count}`) });
      await stores.snapshots(SCOPE).prepare(`key-${count}`, '');
    }
    const sizes = { blobs: [] as number[], snapshots: [] as number[] };
    for await (const { info } of stores.channel.service(CONTENT).list({}, SCOPE)) sizes.blobs.push(info.length);
    const snapshots = stores.channel.service('containerd.services.snapshots.v1.Snapshots');
    const { name } = stores.local.backend;
    for await (const { info } of snapshots.list({ snapshotter: name }, SCOPE)) sizes.snapshots.push(info.length);
    assert.deepEqual(sizes, { blobs: [100, 20], snapshots: [100, 20] });
  }));

test('a namespace is needed, but for what is about all of them', (t) =>
  withStores(t, async ({ channel }) => {
    const { service } = { service: channel.service.bind(channel) };
    const text = /namespace is required: failed precondition/;
    await assertRejectsWithKind(service('containerd.services.images.v1.Images').list({}), 'failed-precondition', text);
    await assertRejectsWithKind(service('containerd.services.leases.v1.Leases').list({}), 'failed-precondition', text);
    await service('containerd.services.namespaces.v1.Namespaces').list({});
  }));

test('Images: labels alone are updated without a target, the target is not lost', (t) =>
  withStores(t, async (stores) => {
    const target = { mediaType: 'm', digest: DIGEST, size: 5 };
    await stores.images(SCOPE).create({ name: 'a', labels: {}, target });
    const client = stores.channel.service('containerd.services.images.v1.Images');
    const image = { name: 'a', labels: { k: 'v' } };
    const { image: updated } = await client.update({ image, update_mask: { paths: ['labels.k'] } }, SCOPE);
    assert.deepEqual([updated?.labels, updated?.target?.digest], [{ k: 'v' }, DIGEST]);
    await assertRejectsWithKind(client.update({ image }, SCOPE), 'invalid-argument', /target is missing/);
    await assertRejectsWithKind(client.create({}, SCOPE), 'invalid-argument', /Image.Name required/);
  }));

test('Snapshots: a snapshotter that is not there is told by its name, a parent can not be changed on commit', (t) =>
  withStores(t, async ({ channel, local }) => {
    const client = channel.service('containerd.services.snapshots.v1.Snapshots');
    await assertRejectsWithKind(client.stat({ key: 'x' }, SCOPE), 'invalid-argument', /snapshotter argument missing/);
    const unknown = client.stat({ snapshotter: 'zfs', key: 'x' }, SCOPE);
    await assertRejectsWithKind(unknown, 'invalid-argument', /snapshotter not loaded: zfs/);
    const snapshotter = local.backend.name;
    await client.prepare({ snapshotter, key: 'base-key' }, SCOPE);
    const rebase = client.commit({ snapshotter, key: 'base-key', name: 'base', parent: 'nobody' }, SCOPE);
    await assertRejectsWithKind(rebase, 'unimplemented');
    await client.commit({ snapshotter, key: 'base-key', name: 'base' }, SCOPE);
    await client.prepare({ snapshotter, key: 'key', parent: 'base' }, SCOPE);
    const changed = client.commit({ snapshotter, key: 'key', name: 'n', parent: 'other' }, SCOPE);
    await assertRejectsWithKind(changed, 'invalid-argument', /cannot change parent/);
    await client.commit({ snapshotter, key: 'key', name: 'n', parent: 'base' }, SCOPE);
  }));

test('Leases: an id is made up where none is given', (t) =>
  withStores(t, async ({ channel }) => {
    const client = channel.service('containerd.services.leases.v1.Leases');
    const made = [await client.create({}, SCOPE), await client.create({}, SCOPE)].map(({ lease }) => lease?.id);
    assert.equal(new Set(made).size, 2);
    assert.ok(made.every((id) => id !== undefined && id.length > 8));
  }));

test('Events: everything after the subscription comes, of all namespaces, typed and foreign, filtered', (t) =>
  withStores(t, async (stores) => {
    const client = stores.channel.service('containerd.services.events.v1.Events');
    const target = { mediaType: 'm', digest: DIGEST, size: 5 };
    const act = async () => {
      await stores.images(SCOPE).create({ name: 'a', labels: { k: 'v' }, target });
      const task = messages.pack('containerd.events.TaskOOM', { container_id: 'box' });
      await client.publish({ topic: '/tasks/oom', event: task }, { namespace: 'other' });
      const foreign = { type_url: 'foreign', value: Buffer.from([1, 2, 255]) };
      const timestamp = { seconds: '1000', nanos: 123_456_789 };
      await client.forward({ envelope: { topic: '/x/y', namespace: 'far', timestamp, event: foreign } });
      await client.publish({ topic: '/end' }, SCOPE);
    };
    const collect = async (...filters: string[]) => {
      const seen: Incoming<'containerd.types.Envelope'>[] = [];
      const marks = ['topic=="/ready"', 'topic=="/end"'];
      const subscription = client.subscribe({ filters: [...filters, ...marks] })[Symbol.asyncIterator]();
      let ready = false;
      const first = subscription.next().finally(() => (ready = true));
      // Nothing tells a client that its subscription has begun but the first event.
      while (!(ready as boolean)) await client.publish({ topic: '/ready' }, SCOPE);
      await first;
      await act();
      for (;;) {
        const next = await subscription.next();
        if (next.done === true || next.value.topic === '/end') break;
        if (next.value.topic !== '/ready') seen.push(next.value);
      }
      await subscription.return?.();
      await stores.images(SCOPE).delete('a');
      return seen;
    };
    await client.publish({ topic: '/before' }, SCOPE);
    const all = await collect('namespace');
    assert.deepEqual(
      all.map(({ namespace, topic }) => `${namespace} ${topic}`),
      ['testing /images/create', 'other /tasks/oom', 'far /x/y'],
    );
    const [image, , foreign] = all;
    const created = messages.unpack('containerd.services.images.v1.ImageCreate', image?.event);
    assert.deepEqual(created, { name: 'a', labels: { k: 'v' } });
    assert.deepEqual(foreign?.timestamp, { seconds: '1000', nanos: 123_456_789 });
    assert.deepEqual(foreign.event, { type_url: 'foreign', value: Buffer.from([1, 2, 255]) });
    const topics = async (...filters: string[]) => (await collect(...filters)).map(({ topic }) => topic);
    assert.deepEqual(await topics('topic~=/^.images/', 'event.container_id==box'), ['/images/create', '/tasks/oom']);
    assert.deepEqual(await topics('event.labels.k==v,event.name==a'), ['/images/create']);
    assert.deepEqual(await topics('namespace==far'), ['/x/y']);
    const broken = client.subscribe({ filters: ['topic=='] })[Symbol.asyncIterator]();
    await assertRejectsWithKind(broken.next(), 'unknown', /parse error/);
  }));

test('Events: the options of a runtime are told byte for byte', (t) =>
  withStores(t, async (stores) => {
    const options = { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from([0, 1, 254, 255]) };
    await stores.containers(SCOPE).create({
      ...{ id: 'box', labels: {}, image: 'i', snapshotter: '', snapshotKey: '', extensions: {}, sandbox: '' },
      runtime: { name: 'r', options },
      spec: { typeUrl: 's', value: Buffer.alloc(0) },
    });
    const { journal } = stores.local.metadata;
    for await (const { payload } of journal.subscribe({ from: 1, signal: t.signal })) {
      assert.ok('fields' in payload);
      const bytes = messages.encodePlain(payload.type, payload.fields);
      const { runtime } = messages.decode('containerd.events.ContainerCreate', bytes);
      assert.deepEqual(runtime, { name: 'r', options: { type_url: options.typeUrl, value: options.value } });
      break;
    }
  }));

test('Events: topics and envelopes of the wrong form are refused', (t) =>
  withStores(t, async ({ channel }) => {
    const client = channel.service('containerd.services.events.v1.Events');
    for (const topic of ['', 'x', '/', '/a//b', '/a b']) {
      await assertRejectsWithKind(client.publish({ topic }, SCOPE), 'invalid-argument', /envelope topic/);
    }
    const envelope = { topic: '/x', namespace: 'n' };
    await assertRejectsWithKind(client.forward({ envelope }), 'invalid-argument', /timestamp must be set/);
    const timestamp = { seconds: '1' };
    await assertRejectsWithKind(
      client.forward({ envelope: { ...envelope, namespace: '', timestamp } }),
      'invalid-argument',
    );
    await assertRejectsWithKind(client.forward({}), 'invalid-argument');
  }));
