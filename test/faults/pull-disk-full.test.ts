import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rmdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { layerOf, makeImage } from '../support/image.js';
import { openPuller, SCOPE } from '../support/puller.js';
import { output } from '../support/run.js';

test('a disk that fills up in the middle: one clear error, the room is given back, and with room it goes well', async (t) => {
  await using registry = await openFaultRegistry();
  const reference = registry.add(makeImage({ layers: [layerOf(randomBytes(6_000_000), 'none')] }), 'a');
  const small = await mkdtemp(join(tmpdir(), 'wharfd-small-'));
  await output('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'wharfd-test', small]);
  t.after(async () => {
    await output('umount', [small]);
    await rmdir(small);
  });
  await using puller = await openPuller((dir) => symlink(small, join(dir, 'content')));
  const used = async () => Number((await output('df', ['--output=used', '-B1', small])).split('\n')[1]);
  await assertRejectsWithKind(puller.pull(reference), 'resource-exhausted', /ENOSPC|no space/i);
  assert.deepEqual(await puller.metadata.content(SCOPE).statuses(), []);
  assert.deepEqual(await puller.metadata.images(SCOPE).list(), []);
  assert.ok((await used()) < 100_000, 'only the documents are left');
  await output('mount', ['-o', 'remount,size=20m', small]);
  await puller.pull(reference);
});
