import assert from 'node:assert/strict';
import { readdirSync, statSync, writeSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { assertRejectsWithKind, assertThrowsWithKind } from '../../test/support/assert-kind.js';
import { PACKAGE_ROOT } from '../../test/support/package-root.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createDescriptors } from './descriptors.js';
import { createPrograms } from './programs.js';

const descriptors = createDescriptors();

function closing(t: TestContext, ...fds: number[]): void {
  t.after(() => {
    for (const fd of fds) descriptors.close(fd);
  });
}

describe('descriptors', () => {
  test('bytes and descriptors travel over a socket; the end is an empty message', (t) => {
    const [left, right] = descriptors.socketPair();
    const { read, write } = descriptors.pipe();
    assert.equal(descriptors.receiveDescriptors(right), undefined);
    descriptors.sendDescriptors(left, Buffer.from('tty'), [write]);
    const message = descriptors.receiveDescriptors(right);
    assert.deepEqual([String(message?.bytes), message?.fds.length], ['tty', 1]);
    closing(t, read, write, right, ...(message?.fds ?? []));
    writeSync(message?.fds[0] ?? -1, 'x');
    assert.deepEqual(descriptors.peerOf(left), { pid: process.pid, uid: 0, gid: 0 });
    descriptors.close(left);
    assert.deepEqual(descriptors.receiveDescriptors(right), { bytes: Buffer.alloc(0), fds: [] });
  });

  test('who connects to a listening socket of Node is known', async (t) => {
    const { path } = await tempDir(t);
    const server = createServer();
    server.listen(join(path, 's'));
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[{ _handle: { fd: number }; destroy(): void }]>;
    const client = createConnection(join(path, 's'));
    const [socket] = await accepted;
    assert.deepEqual(descriptors.peerOf(socket._handle.fd), { pid: process.pid, uid: 0, gid: 0 });
    client.destroy();
    socket.destroy();
    server.close();
  });

  test('a terminal comes from a runtime over the console socket', async (t) => {
    const { path } = await tempDir(t);
    const socketPath = join(path, 'console');
    await using consoles = await descriptors.openConsole(socketPath);
    assert.equal(statSync(socketPath).mode & 0o777, 0o600);
    const receiving = consoles.receive();
    const client = createConnection(socketPath);
    await once(client, 'connect');
    const { read, write } = descriptors.pipe();
    const handle = (client as unknown as { _handle: { fd: number } })._handle;
    descriptors.sendDescriptors(handle.fd, Buffer.from('pty'), [write]);
    const terminal = await receiving;
    closing(t, read, write, terminal);
    assertThrowsWithKind(
      () => descriptors.setTerminalSize(terminal, { rows: 1, columns: 1 }),
      'unimplemented',
      /ENOTTY/u,
    );
    client.destroy();
  });

  test('a runtime that connects and goes without a terminal is an error, and waiting can be given up', async (t) => {
    const { path } = await tempDir(t);
    const consoles = await descriptors.openConsole(join(path, 'console'));
    const receiving = consoles.receive();
    createConnection(consoles.path).end();
    await assertRejectsWithKind(receiving, 'unavailable', /without sending a terminal/u);
    await assert.rejects(consoles.receive(AbortSignal.timeout(10)), { name: 'TimeoutError' });
    await consoles[Symbol.asyncDispose]();
    assert.deepEqual(readdirSync(path), []);
  });

  test('FIFOs open without waiting, in every order', async (t) => {
    const { path } = await tempDir(t);
    const fifo = join(path, 'out');
    descriptors.makeFifo(fifo, 0o622);
    assert.equal(statSync(fifo).mode & 0o777, 0o622);
    assertThrowsWithKind(() => descriptors.makeFifo(fifo, 0o600), 'already-exists');
    assertThrowsWithKind(() => descriptors.openFifo(fifo, 'write'), 'not-found', /ENXIO/u);
    const reader = descriptors.openFifo(fifo, 'read');
    const writer = descriptors.openFifo(fifo, 'write');
    closing(t, reader, writer);
    await descriptors.ready(writer, 'writable');
    const readable = descriptors.ready(reader, 'readable');
    writeSync(writer, 'x');
    await readable;
    assert.ok(descriptors.pipeSize(writer) >= 4096);
    assert.equal(descriptors.setPipeSize(writer, 1 << 16), 1 << 16);
  });

  test('an eventfd wakes the event loop, and a wait can be given up and begun again', async (t) => {
    const counter = descriptors.eventCounter();
    closing(t, counter);
    await assert.rejects(descriptors.ready(counter, 'readable', AbortSignal.timeout(5)), { name: 'TimeoutError' });
    const ready = descriptors.ready(counter, 'readable');
    writeSync(counter, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]));
    await ready;
    assert.equal(descriptors.takeEvents(counter), 3);
    assert.equal(descriptors.takeEvents(counter), 0);
  });

  test('a lock is for one, until it is given up', async (t) => {
    const { path } = await tempDir(t);
    const file = join(path, 'lock');
    const lock = descriptors.lockFile(file);
    assertThrowsWithKind(() => descriptors.lockFile(file), 'unavailable', /EAGAIN/u);
    const other = await createPrograms().run('flock', ['-n', file, 'true']);
    assert.equal(other.code, 1);
    lock[Symbol.dispose]();
    descriptors.lockFile(file)[Symbol.dispose]();
  });

  test('a worker that is stopped while it waits ends cleanly', async () => {
    const path = join(PACKAGE_ROOT, 'build/native/wharfd.node');
    const script = `const addon = require(${JSON.stringify(path)});
      addon.watch(addon.eventCounter(), 1, () => {});
      require('node:worker_threads').parentPort.postMessage('waiting');`;
    const worker = new Worker(script, { eval: true });
    await once(worker, 'message');
    assert.equal(await worker.terminate(), 1);
  });
});
