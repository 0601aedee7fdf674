import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile, stat, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { filesOf } from '../../../test/support/stores.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { digestOf } from '../../spec/digest.js';
import { LocalBlobs } from './local-blobs.js';

const HELLO = Buffer.from('hello');
const DIGEST = digestOf(HELLO);

async function publish(blobs: LocalBlobs, id: string, bytes: Uint8Array): Promise<void> {
  await using file = await blobs.ingest(id, 'sha256');
  await file.write(bytes);
  await file.publish({ size: bytes.length, digest: digestOf(bytes) });
}

test('a published blob can only be read, and nobody but root comes near it', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(join(root.path, 'content'));
  await publish(blobs, '1', HELLO);
  await blobs.removeIngest('1');
  const path = join(root.path, 'content', 'blobs', 'sha256', DIGEST.slice(7));
  assert.equal((await stat(path)).mode & 0o777, 0o444);
  assert.equal((await stat(join(root.path, 'content'))).mode & 0o777, 0o700);
  assert.equal((await stat(path)).nlink, 1);
  assert.equal(await blobs.size(DIGEST), 5);
  await blobs.remove(DIGEST);
  await blobs.remove(DIGEST);
  assert.equal(await blobs.size(DIGEST), undefined);
  await assertRejectsWithKind(blobs.open(DIGEST), 'not-found');
});

test('writing on after a publication does not touch the blob', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(root.path);
  await publish(blobs, '1', HELLO);
  {
    await using file = await blobs.ingest('1', 'sha256');
    assert.equal(file.offset, 5);
    await file.write(Buffer.from(' and more'));
  }
  assert.equal(await blobs.ingestSize('1'), 14);
  await using reader = await blobs.open(DIGEST);
  assert.deepEqual(await readFile(reader.path ?? ''), HELLO);
});

test('a blob that was cut off is replaced by the next publication, under a reader too', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(root.path);
  const bytes = Buffer.alloc(100_000, 'x');
  await publish(blobs, '1', bytes);
  await blobs.removeIngest('1');
  await using reader = await blobs.open(digestOf(bytes));
  await truncate(reader.path ?? '', 2);
  const read = async () => {
    for await (const _ of reader.chunks()) continue;
  };
  await assertRejectsWithKind(read(), 'data-loss', /ends at byte 2 of 100000/);
  await publish(blobs, '2', bytes);
  assert.deepEqual(await readFile(reader.path ?? ''), bytes);
});

for (const [name, bytes] of [
  ['small', Buffer.from('a manifest')],
  ['large', randomBytes(2_500_000)],
] as const) {
  test(`a ${name} blob is read in parts, also when it is removed meanwhile`, async (t) => {
    await using root = await tempDir(t);
    const blobs = await LocalBlobs.open(root.path);
    await publish(blobs, '1', bytes);
    await using reader = await blobs.open(digestOf(bytes));
    await blobs.remove(digestOf(bytes));
    const read = async (from: number, to: number) => {
      const parts: Uint8Array[] = [];
      for await (const { offset, bytes: part } of reader.chunks({ from, to })) {
        assert.equal(offset, from + Buffer.concat(parts).length);
        parts.push(part);
      }
      return Buffer.concat(parts);
    };
    const { length } = bytes;
    for (const [from, to] of [
      [0, length],
      [3, length - 2],
      [length, length],
    ] as const) {
      assert.deepEqual(await read(from, to), bytes.subarray(from, to));
    }
    for (const [from, to] of [
      [-1, 2],
      [3, 2],
      [0, length + 1],
    ] as const) {
      await assertRejectsWithKind(read(from, to), 'out-of-range');
    }
  });
}

test('the hash is built from what is in the file, and can be called off', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(root.path);
  const bytes = Buffer.alloc(3_000_000, 'x');
  {
    await using file = await blobs.ingest('1', 'sha512');
    await file.write(bytes);
  }
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(blobs.ingest('1', 'sha512', controller.signal), { name: 'AbortError' });
  await using file = await blobs.ingest('1', 'sha512');
  assert.equal(file.digest(), digestOf(bytes, 'sha512'));
  await file.truncate(1_500_000);
  assert.equal(file.digest(), digestOf(bytes.subarray(0, 1_500_000), 'sha512'));
  await assertRejectsWithKind(file.truncate(1_500_001), 'out-of-range');
});

test('the inventory tells what is there, and opening removes what no ingest is called', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(root.path);
  await publish(blobs, '1', HELLO);
  for (const name of ['1.copy', '1.new', 'Z']) await writeFile(join(root.path, 'ingest', name), '');
  assert.deepEqual(await filesOf(blobs), { blobs: [DIGEST], ingests: ['1'] });
  const again = await LocalBlobs.open(root.path);
  assert.deepEqual(await filesOf(again), { blobs: [DIGEST], ingests: ['1'] });
  await assert.rejects(stat(join(root.path, 'ingest', '1.copy')), { code: 'ENOENT' });
  await assertRejectsWithKind(again.ingest('../x', 'sha256'), 'internal');
});

test('a flush that went wrong on the way keeps the blob from being named: the kernel tells it but once', async (t) => {
  await using root = await tempDir(t);
  const blobs = await LocalBlobs.open(root.path);
  const any = await open('/dev/null');
  const broken = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  t.mock.method(Object.getPrototypeOf(any) as FileHandle, 'datasync', () => Promise.reject(broken), { times: 1 });
  await any.close();
  await using file = await blobs.ingest('1', 'sha256');
  const bytes = Buffer.alloc(9 << 20, 1);
  await file.write(bytes);
  await assert.rejects(file.publish({ size: bytes.length, digest: digestOf(bytes) }), /EIO/);
  assert.deepEqual((await filesOf(blobs)).blobs, []);
});
