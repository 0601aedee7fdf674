import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import { SILENT, type Logger } from '../base/logger.js';
import { implement, type Call, type CallScope, type ServiceRegistration } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { RpcServer, type RpcServerOptions } from './server.js';
import type { BareChannel } from './bare-channel.js';
import { all, from, rejectsWith, socketPath, testChannel } from '../../test/support/test-channel.js';
import { wholeSchema } from './whole.js';

const CONTENT = 'containerd.services.content.v1.Content';

interface Pair {
  readonly path: string;
  readonly server: RpcServer;
  readonly channel: BareChannel;
}

async function serving(
  t: TestContext,
  services: ServiceRegistration[],
  more: Partial<RpcServerOptions> = {},
): Promise<Pair> {
  const path = await socketPath(t);
  const server = new RpcServer({ schema: wholeSchema, services, log: SILENT, ...more });
  await server.listen({ path });
  const channel = testChannel({ address: path, schema: wholeSchema, namespace: 'testing' });
  t.after(async () => {
    channel.close();
    await server.close();
  });
  return { path, server, channel };
}

void test('the four shapes of calls carry messages both ways', async (t) => {
  const { channel } = await serving(t, [
    implement(CONTENT, {
      info: async ({ digest }) => ({ info: { digest, size: '9223372036854775807', labels: { a: 'b' } } }),
      async abort() {
        // an empty reply
      },
      async *read({ size }) {
        for (let at = 0n; at < BigInt(size); at += 1n) yield { offset: at.toString(), data: Buffer.from([Number(at)]) };
      },
      async *write(requests) {
        for await (const { action, offset, data } of requests)
          yield { action, offset: String(Number(offset) + data.length) };
      },
    }),
  ]);
  const content = channel.service(CONTENT);
  const { info } = await content.info({ digest: 'sha256:1' });
  assert.deepEqual([info?.digest, info?.size, info?.labels], ['sha256:1', '9223372036854775807', { a: 'b' }]);
  assert.deepEqual(await content.abort({ ref: 'x' }), {});
  assert.deepEqual(
    (await all(content.read({ size: 3 }))).map(({ offset, data }) => [offset, [...data]]),
    [
      ['0', [0]],
      ['1', [1]],
      ['2', [2]],
    ],
  );
  const answers = await all(
    content.write(from({ action: 'WRITE' as const, data: Buffer.alloc(5) }, { action: 'COMMIT' as const, offset: 5 })),
  );
  assert.deepEqual(
    answers.map(({ action, offset }) => [action, offset]),
    [
      ['WRITE', '5'],
      ['COMMIT', '5'],
    ],
  );
});

void test('a client stream ends in one reply, or in the error of whichever side fails', async (t) => {
  const name = 'wharfd.services.rootfs.v1.RootfsService';
  const { channel } = await serving(t, [
    implement(name, {
      async apply(requests) {
        let size = 0;
        for await (const { directory, data } of requests) {
          if (directory === '/denied') throw new DaemonError('permission-denied', 'not there');
          size += data?.length ?? 0;
        }
        return { size: String(size) };
      },
    }),
  ]);
  const rootfs = channel.service(name);
  const bytes = Buffer.alloc(70_000);
  assert.equal((await rootfs.apply(from({ directory: '/x' }, { data: bytes }, { data: bytes }))).size, '140000');
  await assert.rejects(rootfs.apply(endless({ directory: '/denied' })), rejectsWith('permission-denied', /not there/));
  const broken = new Error('disk on fire');
  await assert.rejects(rootfs.apply(failing({ directory: '/x' }, broken)), broken);
  await assert.rejects(all(channel.service(CONTENT).write(failing({ ref: 'x' }, broken))), broken);
});

async function* endless<T>(item: T): AsyncGenerator<T> {
  for (;;) yield item;
}

async function* failing<T>(item: T, error: Error): AsyncGenerator<T> {
  yield item;
  throw error;
}

void test('a bidirectional handler that stops reading still answers, and one that the client half-closes too', async (t) => {
  const { channel } = await serving(t, [
    implement(CONTENT, {
      async *write(requests) {
        for await (const { ref } of requests) {
          if (ref === 'early') break;
        }
        yield { offset: '7' };
      },
    }),
  ]);
  const content = channel.service(CONTENT);
  for (const ref of ['early', 'late']) {
    assert.deepEqual(
      (await all(content.write(from({ ref }, { ref: 'more' })))).map(({ offset }) => offset),
      ['7'],
      ref,
    );
  }
});

void test('every kind of error arrives as itself, with its text', async (t) => {
  const logged: string[] = [];
  const log: Logger = { ...SILENT, error: (_, message) => logged.push(message), child: () => log };
  const { channel } = await serving(
    t,
    [
      implement(CONTENT, {
        info: async ({ digest }) => {
          if (digest === 'defect') throw new TypeError('x is not a function');
          if (digest === 'abort') throw new DOMException('stopped', 'AbortError');
          throw new DaemonError(digest as DaemonError['kind'], `${digest}: ünïcode \ud800 100% "quoted"\nsecond line`);
        },
        async *read({ digest }) {
          yield { data: Buffer.from('partial') };
          throw new DaemonError(digest as DaemonError['kind'], 'in the middle');
        },
      }),
    ],
    { log },
  );
  const content = channel.service(CONTENT);
  for (const kind of [
    'not-found',
    'already-exists',
    'failed-precondition',
    'data-loss',
    'out-of-range',
    'unknown',
    'canceled',
  ] as const) {
    await assert.rejects(content.info({ digest: kind }), rejectsWith(kind, /ünïcode . 100% "quoted"\nsecond line$/));
    await assert.rejects(all(content.read({ digest: kind })), rejectsWith(kind, /^in the middle$/));
  }
  assert.deepEqual(logged, []);
  await assert.rejects(content.info({ digest: 'abort' }), rejectsWith('canceled', /stopped/));
  await assert.rejects(content.info({ digest: 'defect' }), rejectsWith('internal', /x is not a function/));
  assert.deepEqual(logged, ['call failed unexpectedly']);
});

void test('a missing method names itself, in services with and without handlers', async (t) => {
  const { channel } = await serving(t, [implement(CONTENT, {})]);
  await assert.rejects(
    channel.service('containerd.services.tasks.v1.Tasks').checkpoint({}),
    rejectsWith('unimplemented', /^\/containerd\.services\.tasks\.v1\.Tasks\/Checkpoint is not implemented by wharfd$/),
  );
  await assert.rejects(all(channel.service(CONTENT).read({})), rejectsWith('unimplemented', /Content\/Read is not/));
  await assert.rejects(
    all(channel.service(CONTENT).write(from({}))),
    rejectsWith('unimplemented', /Content\/Write is not/),
  );
});

void test('namespace and lease come from headers, the first value counts, and a missing one is an error', async (t) => {
  const scopes: CallScope[] = [];
  const { channel, path } = await serving(
    t,
    [implement(CONTENT, { abort: async (_, { scope }) => void scopes.push(scope) })],
    {
      checkNamespace: (name) => {
        if (name.includes('/')) throw new DaemonError('invalid-argument', `bad namespace ${name}`);
      },
    },
  );
  const content = channel.service(CONTENT);
  await content.abort({});
  await content.abort({}, { namespace: 'other, more', lease: 'l1' });
  assert.deepEqual(scopes, [{ namespace: 'testing' }, { namespace: 'other', lease: 'l1' }]);
  await assert.rejects(content.abort({}, { namespace: 'a/b' }), rejectsWith('invalid-argument', /bad namespace a\/b/));
  using bare = testChannel({ address: `unix://${path}`, schema: wholeSchema });
  await assert.rejects(bare.service(CONTENT).abort({}), rejectsWith('failed-precondition', /^namespace is required/));
});

void test('the peer is who the kernel says, by connection', async (t) => {
  const peers: Call['peer'][] = [];
  const { channel } = await serving(t, [implement(CONTENT, { abort: async (_, { peer }) => void peers.push(peer) })], {
    peerOf: (fd) => ({ uid: 1234, pid: fd }),
  });
  await channel.service(CONTENT).abort({});
  assert.equal(peers[0]?.uid, 1234);
  assert((peers[0].pid ?? -1) > 2);
});

void test('a client that cancels, leaves or is too slow aborts the handler with the reason', async (t) => {
  const reasons: unknown[] = [];
  let entered = deferred<undefined>();
  let left = deferred<undefined>();
  const hang = async ({ signal }: Call): Promise<never> => {
    entered.resolve(undefined);
    return await new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as DaemonError).kind);
        left.resolve(undefined);
        reject(signal.reason as DaemonError);
      });
    });
  };
  const { channel } = await serving(t, [
    implement(CONTENT, {
      info: async (_, call) => hang(call),
      async *read(_, call) {
        yield { data: Buffer.from('first') };
        await hang(call);
      },
    }),
  ]);
  const content = channel.service(CONTENT);
  const controller = new AbortController();
  const info = content.info({}, { signal: controller.signal });
  await entered.promise;
  const why = new Error('changed my mind');
  controller.abort(why);
  await assert.rejects(info, why);
  await left.promise;

  [entered, left] = [deferred(), deferred()];
  for await (const _ of content.read({})) break;
  await left.promise;

  await assert.rejects(content.info({}, { timeoutMs: 100 }), rejectsWith('deadline-exceeded', /./));
  await assert.rejects(content.info({}, { signal: AbortSignal.abort(why) }), why);
  assert.deepEqual(reasons.slice(0, 2), ['canceled', 'canceled']);
});

void test('a slow reader slows the generator down instead of filling memory', async (t) => {
  let made = 0;
  const { channel } = await serving(t, [
    implement(CONTENT, {
      async *read() {
        for (; made < 400; made += 1) yield { data: Buffer.alloc(1024 * 1024) };
      },
    }),
  ]);
  const replies = channel.service(CONTENT).read({})[Symbol.asyncIterator]();
  await replies.next();
  // Round trips on the same connection: the stream had all the time it wanted.
  for (let i = 0; i < 20; i += 1) await assert.rejects(channel.service(CONTENT).info({}));
  assert(made < 60, `${made} messages of 1 MiB were made for a reader that took one`);
  await replies.return?.();
});

void test('messages over 16 MiB are refused, whichever way', async (t) => {
  let received = 0;
  const { channel } = await serving(t, [
    implement(CONTENT, {
      info: async () => ({ info: { digest: 'x'.repeat(MESSAGE_BYTES_MAX) } }),
      async *write(requests) {
        for await (const { data } of requests) yield { offset: String((received = data.length)) };
      },
    }),
  ]);
  const content = channel.service(CONTENT);
  await assert.rejects(content.info({}), rejectsWith('resource-exhausted', /over the limit of 16777216/));
  const big = MESSAGE_BYTES_MAX - 100;
  assert.deepEqual(
    (await all(content.write(from({ data: Buffer.alloc(big) })))).map(({ offset }) => offset),
    [String(big)],
  );
  await assert.rejects(
    all(content.write(from({ data: Buffer.alloc(64 * 1024 * 1024) }))),
    rejectsWith('resource-exhausted', /larger than max/),
  );
  assert.equal(received, big);
});

void test('bytes that are no message are an invalid argument', async (t) => {
  const { path } = await serving(t, [implement(CONTENT, { info: async () => ({}) })]);
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  t.after(() => client.close());
  const same = (bytes: Buffer) => bytes;
  const answer = deferred<ServiceError | null>();
  client.makeUnaryRequest(`/${CONTENT}/Info`, same, same, Buffer.from('ffffff', 'hex'), answer.resolve);
  const error = await answer.promise;
  assert.equal(error?.code, status.INVALID_ARGUMENT);
  assert.match(error.details, /no containerd\.services\.content\.v1\.InfoRequest/);
});

void test('the socket is 0660; a second daemon is refused, a dead one replaced, a file left alone', async (t) => {
  const { path, server } = await serving(t, []);
  assert.equal((await stat(path)).mode & 0o7777, 0o660);
  const second = new RpcServer({ schema: wholeSchema, services: [], log: SILENT });
  await assert.rejects(second.listen({ path }), rejectsWith('already-exists', /another daemon listens on .*: stop it/));
  await server.close();
  await assert.rejects(stat(path), { code: 'ENOENT' });

  await leaveDeadSocket(path);
  await second.listen({ path });
  await second.close();

  await writeFile(path, 'precious');
  const third = new RpcServer({ schema: wholeSchema, services: [], log: SILENT });
  await assert.rejects(third.listen({ path }), rejectsWith('already-exists', /is no socket/));
  await assert.rejects(
    third.listen({ path: `/tmp/${'x'.repeat(120)}` }),
    rejectsWith('invalid-argument', /at most 107/),
  );
  await third.close();
});

/** A socket file without a listener, as `kill -9` leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn(
    process.execPath,
    ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert((await stat(path)).isSocket());
}

void test('closing tells running handlers, waits for them, and says why to the client', async (t) => {
  const entered = deferred<undefined>();
  let ended = false;
  const { channel, server } = await serving(t, [
    implement(CONTENT, {
      async info(_, { signal }) {
        entered.resolve(undefined);
        await once(signal, 'abort');
        ended = true;
        throw signal.reason;
      },
    }),
  ]);
  const info = channel.service(CONTENT).info({});
  const refused = assert.rejects(info, rejectsWith('unavailable', /shutting down/));
  await entered.promise;
  await server.close();
  assert(ended);
  await refused;
});
