import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isKind } from '../base/errors.js';
import { openSocketStores, type SocketStores } from '../../test/support/socket-stores.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { digestOf } from '../spec/digest.js';
import { LABELS } from '../spec/labels.js';
import { MEDIA_TYPES } from '../spec/media-types.js';

const KEPT = { [LABELS.gcRoot]: 'yes' };
const SCOPE = { namespace: 'testing' };
const OTHER = { namespace: 'other' };
const BYTES = Buffer.from('{"a":"document"}');
const DIGEST = digestOf(BYTES);
const NAME = 'example.com/an/image:latest';
const TARGET = { mediaType: MEDIA_TYPES.ociManifest, digest: DIGEST, size: BYTES.length };

const CONTAINER = {
  ...{
    id: 'c',
    labels: {},
    image: NAME,
    runtime: { name: 'io.containerd.runc.v2' },
    sandbox: '',
    spec: { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{}') },
  },
  ...{ snapshotter: 'plain', snapshotKey: 's', extensions: {} },
};

type Read = () => Promise<unknown>;

interface Watched {
  readonly stores: SocketStores;
  /** Whether a handler was asked. */
  readonly asked: (read: Read) => Promise<boolean>;
  readonly reads: Readonly<Record<string, Read>>;
}

async function watched(t: TestContext, run: (watched: Watched) => Promise<void>): Promise<void> {
  await using root = await tempDir(t);
  let calls = 0;
  await using stores = await openSocketStores(root.path, { collectDelayMs: 3_600_000 }, () => calls++);
  const { local } = stores;
  await write(local, SCOPE);
  await local.images(SCOPE).create({ name: NAME, target: TARGET, labels: {} });
  await local.containers(SCOPE).create(CONTAINER);
  await local.snapshots(SCOPE).prepare('s', '', KEPT);
  await run({
    stores,
    async asked(read) {
      const before = calls;
      await outcome(read);
      return calls > before;
    },
    reads: readsOf(stores),
  });
}

/** What each of the repeatable methods says, and through the namespaces' store. */
function readsOf({ content, images, namespaces, containers, snapshots, channel }: SocketStores): Watched['reads'] {
  const service = channel.service('containerd.services.content.v1.Content');
  return {
    info: () => content(SCOPE).info(DIGEST),
    'info of another namespace': () => content(OTHER).info(DIGEST),
    async read() {
      const chunks: string[] = [];
      for await (const { data } of service.read({ digest: DIGEST }, SCOPE)) chunks.push(data.toString());
      return chunks;
    },
    image: () => images(SCOPE).get(NAME),
    namespace: () => namespaces.get(SCOPE.namespace),
    container: () => containers(SCOPE).get(CONTAINER.id),
    mounts: () => snapshots(SCOPE).mounts('s'),
  };
}

async function write({ content }: Pick<SocketStores, 'content'>, scope: { readonly namespace: string }): Promise<void> {
  await using writer = await content(scope).writer('ref', { digest: DIGEST });
  if (writer.status().offset === 0) await writer.write(BYTES);
  await writer.commit();
}

/** What comes of a read, an error included. */
async function outcome(read: Read): Promise<unknown> {
  return read().catch((error: unknown) => {
    assert.ok(isKind(error, 'not-found'), String(error));
    return 'not found';
  });
}

async function outcomes(reads: Watched['reads']): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [what, read] of Object.entries(reads)) all[what] = await outcome(read);
  return all;
}

void test('the same question is answered again without a handler', (t) =>
  watched(t, async ({ asked, reads }) => {
    for (const [what, read] of Object.entries(reads)) {
      const first = await outcome(read);
      const isError = first === 'not found';
      assert.equal(await asked(read), isError, what);
      assert.deepEqual(await outcome(read), first);
    }
  }));

void test('a question under another lease is the same one', (t) =>
  watched(t, async ({ stores: { content, containers }, asked, reads }) => {
    await reads['info']?.();
    await reads['container']?.();
    for (const lease of ['one', 'other']) {
      assert.equal(await asked(() => content({ ...SCOPE, lease }).info(DIGEST)), false);
      assert.equal(await asked(() => containers({ ...SCOPE, lease }).get(CONTAINER.id)), false);
    }
  }));

void test('what is changed keeps no other topic from being answered again', (t) =>
  watched(t, async ({ stores, asked, reads }) => {
    const { info, container, mounts } = reads as Record<'info' | 'container' | 'mounts', Read>;
    const again = async () => [!(await asked(info)), !(await asked(container)), !(await asked(mounts))];
    await outcomes(reads);
    await stores.local.snapshots(SCOPE).update('s', { ...KEPT, a: 'b' });
    assert.deepEqual(await again(), [true, true, false]);
    await stores.local.containers(SCOPE).update({ ...CONTAINER, labels: { a: 'b' } }, ['labels']);
    assert.deepEqual(await again(), [true, false, true]);
    await stores.local.content(SCOPE).update(DIGEST, { a: 'b' });
    assert.deepEqual(await again(), [false, true, true]);
  }));

const CHANGES: Readonly<Record<string, (stores: SocketStores) => Promise<unknown>>> = {
  'labels of a blob': ({ content }) => content(SCOPE).update(DIGEST, { a: 'b' }),
  'labels of a blob, from within': ({ local }) => local.content(SCOPE).update(DIGEST, { a: 'c' }),
  'a blob shared': ({ local }) => write(local, OTHER),
  'labels of an image': ({ images }) => images(SCOPE).update({ name: NAME, target: TARGET, labels: { a: 'b' } }),
  'an image put again': ({ local }) => local.metadata.images(SCOPE).put({ name: NAME, target: TARGET, labels: {} }),
  'labels of a namespace': ({ namespaces }) => namespaces.update({ name: SCOPE.namespace, labels: { x: 'y' } }),
  'a container': ({ containers }) => containers(SCOPE).update({ ...CONTAINER, labels: { a: 'b' } }, ['labels']),
  'a container, from within': ({ local }) =>
    local.containers(SCOPE).update({ ...CONTAINER, labels: { a: 'c' } }, ['labels']),
  'a container deleted': ({ containers }) => containers(SCOPE).delete(CONTAINER.id),
  'a snapshot committed': ({ snapshots }) => snapshots(SCOPE).commit('committed', 's', KEPT),
  'another one of the same key': ({ snapshots }) => snapshots(SCOPE).prepare('s', 'committed', KEPT),
  'a snapshot removed': ({ snapshots }) => snapshots(SCOPE).remove('s'),
  'an image deleted': ({ images }) => images(SCOPE).delete(NAME),
  'a blob collected': ({ local }) => local.metadata.collector.run(),
};

void test('after each change every answer is that of the stores', (t) =>
  watched(t, async ({ stores, reads, asked }) => {
    let before = await outcomes(reads);
    for (const [what, change] of Object.entries(CHANGES)) {
      await outcomes(reads);
      await change(stores);
      const after = await outcomes(reads);
      assert.notDeepEqual(after, before, what);
      assert.deepEqual(after, { ...after, ...(await outcomes(readsOf({ ...stores, ...stores.local }))) }, what);
      before = after;
    }
    assert.equal(before['read'], 'not found');
    assert.equal(await asked(reads['namespace'] ?? assert.fail()), false);
  }));

void test('bytes that are replaced under a blob whose record stays are read anew', (t) =>
  watched(t, async ({ stores, reads, asked }) => {
    const read = reads['read'] ?? assert.fail();
    await read();
    assert.equal(await asked(read), false);
    stores.local.metadata.documentsChanged();
    assert.equal(await asked(read), true);
  }));

void test('a change that comes while an answer is made keeps it from being given again', (t) =>
  watched(t, async ({ stores, reads }) => {
    const read = reads['info'] ?? assert.fail();
    for (let round = 0; round < 50; round++) {
      const labels = { round: String(round) };
      await Promise.all([outcome(read), outcome(read), stores.content(SCOPE).update(DIGEST, labels), outcome(read)]);
      assert.deepEqual(((await read()) as { labels: unknown }).labels, labels);
    }
  }));
