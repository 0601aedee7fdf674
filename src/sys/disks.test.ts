import assert from 'node:assert/strict';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createDisks } from './disks.js';

const disks = createDisks();

test('free space is told in bytes, and a missing path by its name', async (t) => {
  const { path } = await tempDir(t);
  const { totalBytes, availableBytes, type } = await disks.stat(path);
  assert.ok(totalBytes > availableBytes && availableBytes > 0 && type > 0);
  await disks.sync(path);
  await assertRejectsWithKind(disks.stat(join(path, 'none')), 'not-found', /statfs .*none/u);
  await assertRejectsWithKind(disks.sync(join(path, 'none')), 'not-found', /open .*none/u);
});

test('a copy has the same content and the same holes', async (t) => {
  const { path } = await tempDir(t);
  await writeFile(join(path, 'from'), '');
  await using from = await open(join(path, 'from'), 'r+');
  await from.write(Buffer.alloc(4096, 7), 0, 4096, 1 << 24);
  await from.truncate(1 << 25);
  await using to = await open(join(path, 'to'), 'wx');
  disks.copyContent(from.fd, to.fd);
  assert.ok((await readFile(join(path, 'to'))).equals(await readFile(join(path, 'from'))));
  assert.ok((await stat(join(path, 'to'))).blocks * 512 < 1 << 20);
});
