import assert from 'node:assert/strict';
import { statfs } from 'node:fs/promises';
import { test } from 'node:test';
import { digestOf } from '../../src/spec/digest.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { run } from '../support/run.js';
import { openLocalStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SCOPE = { namespace: 'testing' };
const KEPT = { 'containerd.io/gc.root': 'x' };
const DISK_BYTES = 8 << 20;

interface Disk extends AsyncDisposable {
  readonly path: string;
  freeBytes(): Promise<number>;
}

/** A small file system of its own. */
async function mountDisk(path: string): Promise<Disk> {
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path]);
  assert.equal(code, 0, stderr.toString());
  return {
    path,
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
    [Symbol.asyncDispose]: async () => {
      assert.equal((await run('umount', [path])).code, 0);
    },
  };
}

test('a full disk ends an ingest with a clear error, keeps what was written, and gives everything back', async (t) => {
  await using root = await tempDir(t);
  await using disk = await mountDisk(root.path);
  await using stores = await openLocalStores(disk.path, { collectDelayMs: 3_600_000 });
  const content = stores.content(SCOPE);
  const piece = Buffer.alloc(1 << 20, 'x');
  const free = await disk.freeBytes();
  {
    await using writer = await content.writer('big', { size: DISK_BYTES * 2 });
    const fill = async () => {
      for (;;) await writer.write(piece);
    };
    await assertRejectsWithKind(
      fill(),
      'resource-exhausted',
      /no space left on the file system of .*\/content\/ingest/,
    );
    const { offset } = writer.status();
    assert.ok(offset > 0 && offset % piece.length === 0);
    assert.equal(writer.digest(), digestOf(Buffer.alloc(offset, 'x')));
  }
  assert.ok((await content.status('big')).offset > 0);
  await content.abort('big');
  assert.ok((await disk.freeBytes()) > free - (1 << 20));
  await using writer = await content.writer('small');
  await writer.write(Buffer.from('fits'));
  assert.equal((await writer.commit({}, KEPT)).size, 4);
});

test('a database without room refuses changes, undoes them whole, and goes on when there is room again', async (t) => {
  await using root = await tempDir(t);
  await using disk = await mountDisk(root.path);
  await using stores = await openLocalStores(disk.path, { collectDelayMs: 3_600_000 });
  const images = stores.images(SCOPE);
  const target = { mediaType: 'm', digest: digestOf('x'), size: 1 };
  let made = 0;
  const fill = async () => {
    for (; ; made += 1) {
      const labels = { filler: `${made} ${'x'.repeat(4000)}` };
      await images.create({ name: `image-${String(made).padStart(5, '0')}`, labels, target });
    }
  };
  await assertRejectsWithKind(fill(), 'resource-exhausted', /no space left for the database .*\/meta\.db/);
  assert.ok(made > 10);
  assert.equal((await images.list()).length, made);
  assert.equal(stores.metadata.journal.last(), made);
  const { code } = await run('mount', ['-o', `remount,size=${DISK_BYTES * 4}`, disk.path]);
  assert.equal(code, 0);
  await images.create({ name: 'one more', labels: {}, target });
  assert.equal(stores.metadata.journal.last(), made + 1);
  assert.equal((await images.list()).length, made + 1);
});
