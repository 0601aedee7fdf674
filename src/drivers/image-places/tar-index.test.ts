import assert from 'node:assert/strict';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { output } from '../../../test/support/run.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { indexTar } from './tar-index.js';

const LONG = `${'d/'.repeat(60)}${'long-name-'.repeat(12)}`;

for (const format of ['gnu', 'pax', 'ustar']) {
  test(`members of a tar archive are found as GNU tar writes it: ${format}`, async (t) => {
    const { path: dir } = await tempDir(t);
    const long = format === 'ustar' ? `${'d/'.repeat(60)}file` : LONG;
    await output('mkdir', ['-p', join(dir, 'in/a'), join(dir, 'in', long, '..')]);
    await writeFile(join(dir, 'in/a/one'), 'one');
    await writeFile(join(dir, 'in', long), 'far down');
    await writeFile(join(dir, 'in/empty'), '');
    await output('ln', ['-s', '../a/one', join(dir, 'in/a/soft')]);
    await output('ln', ['-s', 'round', join(dir, 'in/round')]);
    await output('ln', [join(dir, 'in/a/one'), join(dir, 'in/hard')]);
    const archive = join(dir, 'x.tar');
    await output('tar', [`--format=${format}`, '-C', join(dir, 'in'), '-cf', archive, '.']);
    await using file = await open(archive);
    const index = await indexTar(file, archive);
    const textOf = async (path: string): Promise<string | undefined> => {
      const part = index.find(path);
      return part && (await file.read(Buffer.alloc(part.size), 0, part.size, part.start)).buffer.toString();
    };
    for (const name of ['a/one', './a/one', 'a/soft', 'hard']) assert.equal(await textOf(name), 'one', name);
    assert.equal(await textOf(long), 'far down');
    assert.equal(await textOf('empty'), '');
    for (const name of ['round', 'a', 'nothing', '../a/one/..']) assert.equal(index.find(name), undefined, name);
  });
}

test('what is cut off, packed or none is refused', async (t) => {
  const { path: dir } = await tempDir(t);
  const path = join(dir, 'x.tar');
  await writeFile(join(dir, 'data'), 'x'.repeat(5000));
  await output('tar', ['-C', dir, '-cf', path, 'data']);
  const refuse = async (bytes: number, message: RegExp) => {
    await using file = await open(path, 'r+');
    await file.truncate(bytes);
    await assertRejectsWithKind(indexTar(file, 'it'), 'invalid-argument', message);
  };
  await refuse(3000, /ends in the middle of "data"/);
  // A size that is no number, under a checksum that is right.
  const block = Buffer.alloc(512);
  block.write('data');
  block.write('zzzzzzzzzzz', 124);
  block[156] = 0x30;
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  block.write(sum.toString(8).padStart(6, '0'), 148);
  await writeFile(path, Buffer.concat([block, Buffer.alloc(1024)]));
  await refuse(1536, /ends in the middle of "data"/);
  await writeFile(path, 'x'.repeat(1024));
  await refuse(1024, /no tar archive/);
});
