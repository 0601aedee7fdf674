import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SyscallError } from '../../core/kernel/syscall-error.js';
import { LayoutDrafts } from './layout-drafts.js';

/** As flock(2) does on a file system of a network: the file is made, the lock is not. */
function withoutLocks(path: string): never {
  closeSync(openSync(path, 'a'));
  throw new SyscallError('flock', path, 'ENOLCK');
}

test('where a file system has no locks, objects are written all the same, and what may be in the making stays', async (t) => {
  const { path: folder } = await tempDir(t);
  const drafts = new LayoutDrafts(withoutLocks);
  await drafts.write(folder, join(folder, 'object'), async (file) => {
    await drafts.sweep(folder);
    await file.writeFile('content');
  });
  assert.equal(await readFile(join(folder, 'object'), 'utf8'), 'content');
  assert.deepEqual(await readdir(folder), ['object']);
  const broken = new Error('cut off');
  await assert.rejects(
    drafts.write(folder, join(folder, 'other'), () => Promise.reject(broken)),
    broken,
  );
  assert.deepEqual(await readdir(folder), ['object']);
});
