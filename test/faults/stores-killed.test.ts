import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { filesOf, openLocalStores, type LocalStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';
import { HALF, KEPT, SCOPE, WHOLE, type FaultPoint } from './stores-child.js';

/** Runs a function of the child's module in a process of its own, and kills it after so many lines of its output. */
async function killAfter(lines: number, call: string, ...args: string[]): Promise<string[]> {
  const module = JSON.stringify(new URL('./stores-child.ts', import.meta.url).href);
  const program = `await (await import(${module})).${call}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const read: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    read.push(line);
    if (read.length === lines) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'the process has ended by itself');
  return read;
}

async function readAll(stores: LocalStores, digest: Digest): Promise<Buffer> {
  await using reader = await stores.content(SCOPE).open(digest);
  const chunks: Uint8Array[] = [];
  for await (const { bytes } of reader.chunks()) chunks.push(bytes);
  return Buffer.concat(chunks);
}

async function onDisk(stores: LocalStores): Promise<readonly number[]> {
  await stores.metadata.collector.run();
  const { blobs, ingests } = await filesOf(stores.blobs);
  return [blobs.length, ingests.length, (await stores.backend.inventory()).length];
}

const DIGEST = digestOf(WHOLE);

/** What must be found after the death at that point; `onDisk` is blobs, ingests and directories. */
const CHECKS: Readonly<Record<FaultPoint, (stores: LocalStores) => Promise<void>>> = {
  async 'bytes are written'(stores) {
    await assertRejectsWithKind(stores.content(SCOPE).info(DIGEST), 'not-found');
    await using writer = await stores.content(SCOPE).writer('ref', { size: WHOLE.length });
    assert.equal(writer.status().offset, HALF.length);
    await writer.write(WHOLE.subarray(HALF.length));
    await writer.commit({ digest: DIGEST }, KEPT);
    assert.deepEqual(await readAll(stores, DIGEST), WHOLE);
  },
  async 'the blob is published'(stores) {
    await assertRejectsWithKind(stores.content(SCOPE).info(DIGEST), 'not-found');
    assert.deepEqual(await onDisk(stores), [0, 1, 0]);
    await using writer = await stores.content(SCOPE).writer('ref', { size: WHOLE.length });
    await writer.commit({ digest: DIGEST }, KEPT);
    assert.deepEqual(await readAll(stores, DIGEST), WHOLE);
    assert.deepEqual(await onDisk(stores), [1, 0, 0]);
  },
  async 'the blob is named'(stores) {
    assert.deepEqual(await readAll(stores, DIGEST), WHOLE);
    await assertRejectsWithKind(stores.content(SCOPE).status('ref'), 'not-found');
    assert.deepEqual(await onDisk(stores), [1, 0, 0]);
  },
  async 'the directory is made'(stores) {
    assert.deepEqual(await stores.snapshots(SCOPE).list(), []);
    assert.deepEqual(await onDisk(stores), [1, 0, 0]);
    await stores.snapshots(SCOPE).prepare('key', '');
  },
  async 'the directory is synced'(stores) {
    const snapshots = stores.snapshots(SCOPE);
    assert.equal((await snapshots.stat('key')).kind, 'active');
    await assertRejectsWithKind(snapshots.stat('name'), 'not-found');
    assert.deepEqual(await onDisk(stores), [1, 0, 1]);
    await snapshots.commit('name', 'key');
  },
  async 'the layer has no row any more'(stores) {
    assert.deepEqual(await stores.snapshots(SCOPE).list(), []);
    assert.deepEqual(await onDisk(stores), [1, 0, 0]);
  },
};

for (const [point, check] of Object.entries(CHECKS)) {
  test(`killed when ${point}: all is as before or as after`, async (t) => {
    await using root = await tempDir(t);
    await killAfter(1, 'runToFault', root.path, point);
    await using stores = await openLocalStores(root.path, { collectDelayMs: 3_600_000 });
    await check(stores);
  });
}

test('killed at any moment, again and again: what was acknowledged is whole, and the journal tells of all of it', async (t) => {
  await using root = await tempDir(t);
  const acknowledged: Digest[] = [];
  for (const lines of [1, 40, 17, 5]) {
    acknowledged.push(...((await killAfter(lines, 'writeForEver', root.path)) as Digest[]));
    await using stores = await openLocalStores(root.path, { collectDelayMs: 3_600_000 });
    const told = new Set<unknown>();
    const { journal } = stores.metadata;
    for await (const { payload, sequence } of journal.subscribe({ from: 1, signal: t.signal })) {
      if ('fields' in payload) told.add(payload.fields['digest']);
      if (sequence === journal.last()) break;
    }
    let count = 0;
    for await (const { digest } of stores.content(SCOPE).list()) {
      assert.equal(digestOf(await readAll(stores, digest)), digest);
      assert.ok(told.has(digest));
      count += 1;
    }
    for (const digest of acknowledged) await stores.content(SCOPE).info(digest);
    const [blobs, ingests] = await onDisk(stores);
    assert.equal(blobs, count);
    assert.ok((ingests ?? 9) <= 3);
  }
});
