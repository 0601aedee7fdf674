import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/core/diff/applier.js';
import type { DirectoryFiles } from '../../src/core/kernel/directory-files.js';
import { paxEntry, rawTar, type TarPart } from '../../src/selftest/raw-tar.js';
import { tempDir } from '../support/temp-dir.js';
import { assertSame, fuzzPlain, outcomeOf, takenAtOnce, withRuns } from './plain-run.js';

const RUNS = process.env['WHARFD_TEST_FULL'] === '1' ? 20_000 : 1500;

const openDescriptors = async () => (await readdir('/proc/self/fd')).length;

test(`${RUNS} random layers: plain entries made all at once are as those made one by one`, async (t) => {
  const { path } = await tempDir(t);
  const endings = new Map<string, number>();
  const before = await openDescriptors();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const ending = await fuzzPlain(seed, path);
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
  }
  t.diagnostic(`${takenAtOnce()} entries at once; ${JSON.stringify(Object.fromEntries(endings))}`);
  assert.ok(takenAtOnce() > RUNS, 'hardly any entry is made at once: the generator is off');
  assert.ok((endings.get('written') ?? 0) > RUNS / 3, 'hardly any layer is written: the generator is off');
  assert.equal(await openDescriptors(), before, 'descriptors stay open');
});

for (const [what, expected, ...parts] of [
  [
    'too deep a file in a directory that is as deep as may be',
    /^resource-exhausted: .*over 3 directories deep/,
    ...['d/', 'd/e/', 'd/e/f/'].map((name): TarPart => ({ name, type: '5' })),
    { name: 'd/e/f/g', data: 'x' },
  ],
  [
    'a directory that only a link gives the name of a mark',
    /^invalid-argument: .*no whiteout of a possible name/,
    { name: 'l', type: '2', link: '.wh.x' },
    { name: 'l/a', data: 'x' },
    { name: '.wh.x/b', data: 'x' },
  ],
  [
    'a file in the place of the directory that the one before it lies in',
    /^invalid-argument: .*is a file, yet an entry lies beneath it/,
    { name: 'd/', type: '5' },
    { name: 'd/a', data: 'x' },
    { name: 'd', data: 'x' },
    { name: 'd/b', data: 'x' },
  ],
] satisfies [string, RegExp, ...TarPart[]][]) {
  test(`${what}: refused as one by one`, async (t) => {
    const { path } = await tempDir(t);
    const archive = rawTar(...parts);
    const outcome = await assertSame(archive, path, () => archive.length, what);
    assert.match(outcome, expected);
  });
}

test('names as long as they may be, in directories as deep, are made at once', async (t) => {
  const { path } = await tempDir(t);
  const parts: TarPart[] = [];
  let folder = '';
  for (let depth = 0; folder.length < 3400; depth += 1) {
    folder += `${String(depth).padStart(200, 'd')}/`;
    parts.push(paxEntry([['path', folder]]), { name: 'd', type: '5' });
    for (const name of ['a', 'b'.repeat(255)]) {
      parts.push(
        paxEntry([
          ['path', `${folder}${name}`],
          ['mtime', '1.5'],
        ]),
        { name: 'f', data: folder },
      );
    }
  }
  const before = takenAtOnce();
  const archive = rawTar(...parts);
  assert.equal(await assertSame(archive, path, () => archive.length, 'long names', DEFAULT_LIMITS), 'written');
  const made = takenAtOnce() - before;
  assert.ok(made > parts.length / 4, `${made} of ${parts.length / 2} entries`);
});

test('of a thousand directories in one piece no more than a few hundred are open at a time', async (t) => {
  const { path } = await tempDir(t);
  const parts = Array.from({ length: 1000 }, (_, at): TarPart => ({ name: `d${at}/`, type: '5' }));
  const archive = rawTar(...parts);
  let most = 0;
  const counting: DirectoryFiles = {
    ...withRuns,
    close(fd) {
      most = Math.max(most, readdirSync('/proc/self/fd').length);
      withRuns.close(fd);
    },
  };
  const before = await openDescriptors();
  const limits = DEFAULT_LIMITS;
  const outcome = await outcomeOf(
    archive,
    { directory: join(path, 'fs'), limits, files: counting },
    () => archive.length,
  );
  assert.ok(typeof outcome !== 'string' && outcome.told.entries === 1000);
  assert.ok(most - before < 400, `${most - before} are open`);
});
