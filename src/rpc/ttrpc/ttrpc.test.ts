import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DaemonError } from '../../base/errors.js';
import { messages } from '../whole.js';
import { TtrpcClient } from './client.js';
import { encodeFrame, FRAME, FrameReader } from './frames.js';
import { openTtrpcServer, type TtrpcHandler } from './server.js';

const LARGEST = 4 * 1024 * 1024;
const call = (method: string, payload = 'x', timeoutMs = 5000) => ({
  ...{ service: 's', method, payload: Buffer.from(payload), namespace: 'n', timeoutMs },
});

const answering: TtrpcHandler = (service, method, payload) =>
  method === 'Fail'
    ? Promise.reject(new DaemonError('not-found', `${service} has none`))
    : Promise.resolve(Buffer.from(`${method} ${payload.toString()}`));

async function pathIn(t: TestContext): Promise<string> {
  return join((await tempDir(t)).path, 'sock');
}

test('ttrpc: calls are answered, many at a time, and what fails has its status', async (t) => {
  const path = await pathIn(t);
  await using _ = await openTtrpcServer(path, answering);
  using client = await TtrpcClient.connect(path);
  const answers = await Promise.all(['a', 'b', 'c'].map((payload) => client.call(call('Do', payload))));
  assert.deepEqual(answers.map(String), ['Do a', 'Do b', 'Do c']);
  await assertRejectsWithKind(client.call(call('Fail')), 'not-found', /s has none/);
  const large = 'y'.repeat(LARGEST - 1000);
  assert.equal((await client.call(call('Do', large))).length, large.length + 3);
  await assertRejectsWithKind(client.call(call('Do', 'y'.repeat(LARGEST))), 'resource-exhausted', /4 MiB/);
});

test('ttrpc: frames are cut wherever the bytes break', () => {
  const frames = ['', 'one', 'x'.repeat(70_000)].map((text, at) =>
    encodeFrame({ streamId: 2 * at + 1, type: FRAME.request, payload: Buffer.from(text) }),
  );
  const bytes = Buffer.concat(frames);
  for (const step of [1, 7, 11, 65_536, bytes.length]) {
    const reader = new FrameReader();
    const sizes: number[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const { payload } of reader.push(bytes.subarray(at, at + step))) sizes.push(payload.length);
    }
    assert.deepEqual(sizes, [0, 3, 70_000], `steps of ${step}`);
  }
});

const HOSTILE: Readonly<Record<string, Buffer>> = {
  'a frame of 4 GiB': Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1, 0]),
  'a request that is no message': encodeFrame({ streamId: 1, type: FRAME.request, payload: Buffer.alloc(64, 0xff) }),
};

for (const [what, bytes] of Object.entries(HOSTILE)) {
  test(`ttrpc: ${what} ends the connection of its sender, and no other`, async (t) => {
    const path = await pathIn(t);
    await using _ = await openTtrpcServer(path, answering);
    using client = await TtrpcClient.connect(path);
    const hostile = createConnection(path);
    hostile.on('error', () => undefined);
    hostile.write(bytes);
    await once(hostile, 'close');
    assert.equal(String(await client.call(call('Do'))), 'Do x');
  });
}

/** A server that does as it likes with what it is sent. */
async function rogue(t: TestContext, act: (socket: Socket, bytes: Buffer) => void): Promise<TtrpcClient> {
  const path = await pathIn(t);
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      act(socket, bytes);
    });
  }).listen(path);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return await TtrpcClient.connect(path);
}

const response = (streamId: number, payload: Buffer) => encodeFrame({ streamId, type: FRAME.response, payload });
const good = messages.encode('ttrpc.Response', { payload: Buffer.from('good') });

test('ttrpc: a server that is silent, goes away, or answers with garbage fails its calls, and what nobody asked for is left aside', async (t) => {
  using silent = await rogue(t, () => undefined);
  await assertRejectsWithKind(silent.call(call('Do', '', 50)), 'deadline-exceeded', /Do was not answered within 50 ms/);
  using gone = await rogue(t, (socket) => socket.destroy());
  await assertRejectsWithKind(gone.call(call('Do')), 'unavailable', /lost/);
  await gone.closed;
  await assertRejectsWithKind(gone.call(call('Do')), 'unavailable', /lost/);
  using garbled = await rogue(t, (socket) => socket.write(response(1, Buffer.alloc(64, 0xff))));
  await assertRejectsWithKind(garbled.call(call('Do')), 'unavailable', /lost/);
  using huge = await rogue(t, (socket) => socket.write(HOSTILE['a frame of 4 GiB'] ?? ''));
  await assertRejectsWithKind(huge.call(call('Do')), 'unavailable', /lost/);
  using chatty = await rogue(t, (socket) => socket.write(Buffer.concat([response(99, good), response(1, good)])));
  assert.equal(String(await chatty.call(call('Do'))), 'good');
});
