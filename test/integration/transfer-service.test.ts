import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { SILENT } from '../../src/base/logger.js';
import { createImageArchives } from '../../src/core/transfer/archives.js';
import { createPusher } from '../../src/core/transfer/push.js';
import { tarArchives } from '../../src/drivers/archive-tar/tar-archive.js';
import { openProgressStream, type TransferProgress } from '../../src/client/progress-stream.js';
import { fetchImage, pullImage } from '../../src/client/pull.js';
import { fetchObject } from '../../src/client/remotes.js';
import { RequestQueue } from '../../src/client/request-queue.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { implement } from '../../src/rpc/handlers.js';
import type { WireAny } from '../../src/rpc/messages.js';
import { RpcServer } from '../../src/rpc/server.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { createRemotesService } from '../../src/service/remotes.js';
import { StreamRegistry } from '../../src/service/stream-registry.js';
import { createStreamingService } from '../../src/service/streaming.js';
import { createTransferService } from '../../src/service/transfer.js';
import { digestOf } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { HOST_PLATFORM, makeImage, makeIndex, makeLayer } from '../support/image.js';
import { openPuller, SCOPE, type TestPuller } from '../support/puller.js';
import { openRegistry, type Registry } from '../support/registry.js';

interface Fixture extends AsyncDisposable {
  readonly registry: Registry;
  readonly puller: TestPuller;
  readonly session: Session;
}

/** The three services over a socket, real stores and a real registry behind them. */
async function open(auth?: 'basic'): Promise<Fixture> {
  const registry = await openRegistry(auth ? { auth } : {});
  const puller = await openPuller();
  const streams = new StreamRegistry();
  const { namespaces } = puller.metadata;
  const transfer = createTransferService({
    ...{ puller: puller.puller, pusher: createPusher({ ...puller.metadata, remotes: puller.remotes }) },
    archives: createImageArchives({
      ...{ ...puller.metadata, rootfs: puller.rootfs, archives: tarArchives, hostPlatform: HOST_PLATFORM },
    }),
    ...{ images: puller.metadata.images, streams, namespaces, hostPlatform: HOST_PLATFORM },
  });
  const server = new RpcServer({
    schema: wholeSchema,
    log: SILENT,
    services: [
      implement('containerd.services.transfer.v1.Transfer', transfer),
      implement('containerd.services.streaming.v1.Streaming', createStreamingService(streams)),
      implement(
        'wharfd.services.remotes.v1.RemotesService',
        createRemotesService({ ...puller, content: puller.metadata.content, streams }),
      ),
      implement('containerd.services.images.v1.Images', {
        get: async ({ name }) => {
          const { target } = await puller.metadata.images(SCOPE).get(name);
          return { image: { name, target: { digest: target.digest } } };
        },
      }),
    ],
  });
  const address = join(puller.dir, 'wharfd.sock');
  await server.listen({ path: address });
  const session = openSession({ address, namespace: SCOPE.namespace });
  return {
    registry,
    puller,
    session,
    async [Symbol.asyncDispose]() {
      session.close();
      await server.close();
      await puller[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const someImage = async () => makeImage({ layers: [await makeLayer([{ path: 'f', data: randomBytes(500_000) }])] });

const transferOf = (session: Session) => session.service('containerd.services.transfer.v1.Transfer');

test('pull over the socket: rows in their order, every byte counted, the stream closed by the daemon', async () => {
  await using f = await open();
  const image = await someImage();
  const reference = await f.registry.push(makeIndex([image]), 'a');
  const reports: TransferProgress[] = [];
  const { name, digest } = await pullImage(f.session, reference, { onProgress: (report) => reports.push(report) });
  assert.equal(name, reference);
  assert.equal(digest, makeIndex([image]).target.digest);
  const events = (prefix: string) => reports.filter(({ key }) => key.startsWith(prefix)).map(({ event }) => event);
  const once = (list: readonly string[]) => list.filter((event, at) => event !== list[at - 1]);
  assert.deepEqual(once(events(reference)), ['resolving', 'resolved', 'saved']);
  assert.deepEqual(once(events('index-')), ['waiting', 'downloading', 'complete']);
  assert.deepEqual(once(events('config-')), ['waiting', 'downloading', 'complete']);
  assert.deepEqual(
    new Set(events('layer-')),
    new Set(['waiting', 'downloading', 'complete', 'extracting', 'extracted']),
  );
  const layer = reports.filter(({ key, event }) => key.startsWith('layer-') && event === 'downloading');
  assert.equal(layer[0]?.offset, 0);
  assert.equal(layer.at(-1)?.offset, layer[0].total);
});

test('fetch over the socket gives no name', async () => {
  await using f = await open();
  const reference = await f.registry.push(await someImage(), 'a');
  await fetchImage(f.session, reference);
  assert.deepEqual(await f.puller.metadata.images(SCOPE).list(), []);
  assert.equal(f.puller.rootfs.requests.length, 0);
});

test('a pull that its client cancels stops', async () => {
  await using f = await open();
  const image = makeImage({ layers: [await makeLayer([{ path: 'f', data: randomBytes(8_000_000) }])] });
  const reference = await f.registry.push(image, 'a');
  const controller = new AbortController();
  const onProgress = ({ event }: TransferProgress) => {
    if (event === 'downloading') controller.abort();
  };
  await assert.rejects(pullImage(f.session, reference, { onProgress, signal: controller.signal }));
  await f.puller.metadata.collector.run();
  assert.deepEqual(await f.puller.metadata.images(SCOPE).list(), []);
});

test('objects of a registry: a manifest, a blob by its digest, one platform of an index; nothing is stored', async () => {
  await using f = await open();
  const image = await someImage();
  const reference = await f.registry.push(makeIndex([image]), 'a/b');
  const read = async (ref: string, options = {}) => {
    const parts: Uint8Array[] = [];
    for await (const bytes of fetchObject(f.session, ref, options)) parts.push(bytes);
    return digestOf(Buffer.concat(parts));
  };
  assert.equal(await read(reference), makeIndex([image]).target.digest);
  assert.equal(await read(reference, { platform: HOST_PLATFORM }), image.target.digest);
  for (const digest of image.blobs.keys()) assert.equal(await read(`${f.registry.host}/a/b@${digest}`), digest);
  await assertRejectsWithKind(read(`${f.registry.host}/a/b@${digestOf('none')}`), 'not-found');
  const remotes = f.session.service('wharfd.services.remotes.v1.RemotesService');
  const { name, target } = await remotes.resolve({ ref: reference });
  assert.deepEqual([name, target?.digest], [reference, makeIndex([image]).target.digest]);
  for await (const { digest } of f.puller.metadata.content(SCOPE).list()) assert.fail(digest);
});

test('credentials are asked for over the stream that the client opened', async () => {
  await using f = await open('basic');
  const reference = await f.registry.push(await someImage(), 'private');
  const { messages } = f.session;
  const answers = new RequestQueue<WireAny>();
  void answers.push(messages.pack('containerd.services.streaming.v1.StreamInit', { id: 'auth' }));
  const questions: unknown[] = [];
  const leave = new AbortController();
  const streaming = f.session.service('containerd.services.streaming.v1.Streaming');
  const stream = streaming.stream(answers, { signal: leave.signal })[Symbol.asyncIterator]();
  assert.equal(((await stream.next()).value as WireAny).type_url, 'google.protobuf.Empty');
  const answering = (async () => {
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) {
      questions.push(messages.unpack('containerd.types.transfer.AuthRequest', next.value));
      const answer = { authType: 'CREDENTIALS', username: 'user', secret: 'right' } as const;
      void answers.push(messages.pack('containerd.types.transfer.AuthResponse', answer));
    }
  })();
  await transferOf(f.session).transfer({
    source: messages.pack('containerd.types.transfer.OCIRegistry', { reference, resolver: { auth_stream: 'auth' } }),
    destination: messages.pack('containerd.types.transfer.ImageStore', { name: 'n', platforms: [], unpacks: [] }),
  });
  assert.equal((await f.puller.metadata.images(SCOPE).get('n')).name, 'n');
  const wanted = { host: f.registry.host, reference, wwwauthenticate: ['Basic realm="test"'] };
  assert.deepEqual(
    questions.map((question) => ({ ...(question as object) })),
    [wanted],
  );
  leave.abort();
  await assertRejectsWithKind(answering, 'canceled');
});

test('streams: an id is taken once, free again after its end, and must be there', async () => {
  await using f = await open();
  const first = await openProgressStream(f.session, () => undefined);
  const { messages } = f.session;
  const again = new RequestQueue<WireAny>();
  void again.push(messages.pack('containerd.services.streaming.v1.StreamInit', { id: first.id }));
  const streaming = f.session.service('containerd.services.streaming.v1.Streaming');
  await assertRejectsWithKind(streaming.stream(again)[Symbol.asyncIterator]().next(), 'already-exists');
  const wrong = new RequestQueue<WireAny>();
  void wrong.push(messages.pack('containerd.types.transfer.Data', {}));
  await assertRejectsWithKind(streaming.stream(wrong)[Symbol.asyncIterator]().next(), 'invalid-argument', /StreamInit/);
  const source = messages.pack('containerd.types.transfer.OCIRegistry', { reference: `${f.registry.host}/none:x` });
  const destination = messages.pack('containerd.types.transfer.ImageStore', { name: 'n' });
  const transfer = (progress_stream: string) =>
    transferOf(f.session).transfer({ source, destination, options: { progress_stream } });
  await assertRejectsWithKind(transfer('no-such-stream'), 'not-found', /stream "no-such-stream"/);
  await assertRejectsWithKind(transfer(first.id), 'not-found', /none:x: not found/);
  await first.closed;
  await assertRejectsWithKind(transfer(first.id), 'not-found', new RegExp(first.id));
});

test('transfers that are not there say so', async () => {
  await using f = await open();
  const { messages } = f.session;
  const registry = messages.pack('containerd.types.transfer.OCIRegistry', { reference: 'h/a:b' });
  const unnamed = messages.pack('containerd.types.transfer.ImageStore', {});
  const transfer = (source: WireAny, destination: WireAny) => transferOf(f.session).transfer({ source, destination });
  await assertRejectsWithKind(
    transfer(registry, registry),
    'unimplemented',
    /method Transfer not implemented for containerd\.types\.transfer\.OCIRegistry to containerd\.types\.transfer\.OCIRegistry/,
  );
  await assertRejectsWithKind(transfer(unnamed, registry), 'not-found', /image "h\/a:b": not found/);
  await assertRejectsWithKind(transfer(registry, unnamed), 'not-found', /no image name found/);
  await assertRejectsWithKind(
    transfer({ ...registry, type_url: `type.googleapis.com/${registry.type_url}` }, unnamed),
    'not-found',
    /no image name found/,
  );
});
