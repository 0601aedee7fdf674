import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:http2';
import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { SILENT } from '../base/logger.js';
import { socketPath, testChannel } from '../../test/support/test-channel.js';
import { eventually } from '../../test/support/eventually.js';
import { implement } from './handlers.js';
import { RpcServer } from './server.js';
import { wholeSchema } from './whole.js';

const CONTENT = 'containerd.services.content.v1.Content';
const MIB = 1024 * 1024;
/** The largest that HTTP/2 has. */
const WINDOW_BYTES = 2 ** 31 - 1;
/** Of Read, with a digest of one letter. */
const READ = Buffer.from('00000000030a0178', 'hex');

/** A server that has as many bytes to read as anybody takes. */
async function endless(t: TestContext): Promise<{ path: string; server: RpcServer; left: () => number }> {
  const path = await socketPath(t);
  let left = 0;
  const content = implement(CONTENT, {
    info: async ({ digest }) => Promise.resolve({ info: { digest } }),
    async *read() {
      try {
        for (;;) {
          yield { data: Buffer.alloc(MIB) };
          await setImmediate();
        }
      } finally {
        left++;
      }
    },
  });
  const server = new RpcServer({ schema: wholeSchema, services: [content], log: SILENT });
  await server.listen({ path });
  t.after(() => server.close());
  return { path, server, left: () => left };
}

/** Begins to read, allows the server to send on and on, and takes nothing more once the first bytes have come. */
async function stalled(path: string): Promise<Socket> {
  const socket = createConnection(path);
  const between = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => void socket.write(bytes, () => done()),
  });
  socket.on('data', (bytes) => between.push(bytes));
  const http = connect('http://localhost', {
    createConnection: () => between,
    settings: { initialWindowSize: WINDOW_BYTES },
  });
  http.on('error', () => undefined);
  await once(http, 'connect');
  http.setLocalWindowSize(WINDOW_BYTES);
  const stream = http.request({ ':method': 'POST', ':path': `/${CONTENT}/Read`, 'content-type': 'application/grpc' });
  stream.on('error', () => undefined);
  stream.end(READ);
  await once(stream, 'data');
  socket.pause();
  socket.once('close', () => {
    http.destroy();
  });
  return socket;
}

const descriptors = async () => (await readdir('/proc/self/fd')).length;

void test('connections that end in any way leave no descriptor and no call, and others are served', async (t) => {
  const { path, left } = await endless(t);
  using channel = testChannel({ address: path, schema: wholeSchema, namespace: 'testing' });
  const info = async (digest: string) => (await channel.service(CONTENT).info({ digest })).info?.digest;
  assert.equal(await info('before'), 'before');
  const before = await descriptors();
  for (let round = 0; round < 20; round++) {
    const silent = createConnection(path);
    const brief = createConnection(path).end('PRI * HTTP/2.0\r\n\r\nSM');
    const wrong = createConnection(path).end('GET / HTTP/1.1\r\n\r\n').resume();
    const closed = [silent, brief, wrong].map((socket) => once(socket, 'close'));
    const reader = await stalled(path);
    closed.push(once(reader, 'close'));
    assert.equal(await info(String(round)), String(round));
    for (const socket of [silent, brief, reader]) socket.destroy();
    await Promise.all(closed);
  }
  await eventually(async () => {
    assert.deepEqual([await descriptors(), left()], [before, 20]);
  });
});

void test('a client that takes nothing does not keep the server from closing', async (t) => {
  const { path, server, left } = await endless(t);
  const reader = await stalled(path);
  t.after(() => reader.destroy());
  await server.close();
  assert.equal(left(), 1);
});
