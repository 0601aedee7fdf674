import assert from 'node:assert/strict';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { output } from '../../../test/support/run.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { writeArchive } from './archive-files.js';

async function* bytes(text: string, error?: Error): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield Buffer.from(text);
  if (error) throw error;
}

test('a file is replaced when the archive is whole, and stays when it is not', async (t) => {
  const { path: dir } = await tempDir(t);
  const path = join(dir, 'a.tar');
  await writeArchive(path, bytes('one'));
  await assert.rejects(writeArchive(path, bytes('two', new Error('cut off'))), /a\.tar can't be written: cut off/);
  assert.equal(await readFile(path, 'utf8'), 'one');
  await Promise.all([writeArchive(path, bytes('three')), writeArchive(path, bytes('three'))]);
  assert.equal(await readFile(path, 'utf8'), 'three');
  assert.deepEqual(await readdir(dir), ['a.tar']);
});

test('a pipe is written into and stays one; what others have put beside the file is not touched', async (t) => {
  const { path: dir } = await tempDir(t);
  const [fifo, path, victim] = [join(dir, 'fifo'), join(dir, 'a.tar'), join(dir, 'victim')];
  await output('mkfifo', [fifo]);
  const [, read] = await Promise.all([writeArchive(fifo, bytes('through')), readFile(fifo, 'utf8')]);
  assert.equal(read, 'through');
  assert.equal((await output('stat', ['-c', '%F', fifo])).trim(), 'fifo');
  await writeArchive('/dev/null', bytes('away'));
  assert.equal((await output('stat', ['-c', '%F', '/dev/null'])).trim(), 'character special file');
  await writeFile(victim, 'mine');
  await symlink(victim, `${path}.partial`);
  await writeArchive(path, bytes('new'));
  assert.equal(await readFile(victim, 'utf8'), 'mine');
});
