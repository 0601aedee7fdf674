import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { deferred } from '../../base/abort.js';
import { createDescriptors } from '../../sys/descriptors.js';
import { startByFifo } from './exec-fifo.js';

const descriptors = createDescriptors();
const ID = 'foo';
/** fcntl.h; node:fs does not name it. */
const O_PATH = 0o10000000;

/** The state directory of a container that `runc create` made. */
async function createdContainer(t: TestContext, { runtime = '/usr/sbin/runc', libcontainer = true } = {}) {
  const { path: root } = await tempDir(t);
  const dir = join(root, ID);
  const fifo = join(dir, 'exec.fifo');
  mkdirSync(dir);
  if (libcontainer) writeFileSync(join(dir, 'state.json'), '{}');
  descriptors.makeFifo(fifo, 0o600);
  const ended = deferred<undefined>();
  const start = (signal?: AbortSignal) =>
    startByFifo(descriptors, { binary: runtime, root, options: {} }, ID, ended.promise, signal);
  return { fifo, ended, start };
}

/** As init has its FIFO: by a descriptor, which opens it for writing whatever has become of the name. */
async function initOf(fifo: string) {
  const held = await open(fifo, O_PATH);
  return {
    open: () => open(`/proc/self/fd/${held.fd}`, 'w'),
    [Symbol.asyncDispose]: () => held.close(),
  };
}

describe('an init is let go on through its FIFO', () => {
  test('one that waits already, and the FIFO is gone then', async (t) => {
    const { fifo, start } = await createdContainer(t);
    await using init = await initOf(fifo);
    const opening = init.open();
    const started = start();
    const writer = await opening;
    await writer.write('0');
    await writer.close();
    assert.equal(await started, true);
    assert.equal(existsSync(fifo), false);
  });

  test('one that comes to its FIFO later', async (t) => {
    const { fifo, start } = await createdContainer(t);
    await using init = await initOf(fifo);
    const started = start();
    const writer = await init.open();
    await writer.write('0');
    assert.equal(await started, true);
    await writer.close();
  });

  test('one whose process has ended by the time we look', async (t) => {
    const { fifo, ended, start } = await createdContainer(t);
    await using init = await initOf(fifo);
    const started = start();
    const writer = await init.open();
    await writer.write('0');
    await writer.close();
    ended.resolve(undefined);
    assert.equal(await started, true);
  });

  test('one that has ended without going on is for the runtime to tell of', async (t) => {
    const { ended, start } = await createdContainer(t);
    const started = start();
    ended.resolve(undefined);
    assert.equal(await started, false);
  });

  for (const [name, wishes] of [
    ['another runtime', { libcontainer: false }],
    ['a program around runc', { runtime: '/usr/bin/my-runc' }],
  ] as const) {
    test(`${name} is called`, async (t) => {
      assert.equal(await (await createdContainer(t, wishes)).start(), false);
    });
  }

  test('one that was started before', async (t) => {
    const { fifo, start } = await createdContainer(t);
    await using writer = await open(fifo, 'r+');
    await writer.write('0');
    assert.equal(await start(), true);
    assert.equal(await start(), false);
  });

  test('the waiting can be broken off', async (t) => {
    const { start } = await createdContainer(t);
    const stop = new AbortController();
    const started = start(stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(started, /enough/);
  });
});
