import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DaemonError } from '../../src/base/errors.js';
import { DEFAULT_LIMITS, type ApplyLimits } from '../../src/core/diff/applier.js';
import { inventoryOfTree, listTree, unpackInventory } from '../../src/core/fsck/inventory.js';
import type { DirectoryFiles } from '../../src/core/kernel/directory-files.js';
import { LayerWriter } from '../../src/drivers/diff-tar/layer-writer.js';
import { TarParser } from '../../src/drivers/diff-tar/tar-parser.js';
import { paxEntry, rawTar, type TarPart } from '../../src/selftest/raw-tar.js';
import { createKernel } from '../../src/sys/kernel.js';
import { tempDir } from '../support/temp-dir.js';
import { randomLayer } from './random-layer.js';
import { Random } from './random.js';

const RUNS = process.env['WHARFD_TEST_FULL'] === '1' ? 20_000 : 1500;
const LIMITS: ApplyLimits = { ...DEFAULT_LIMITS, maxEntries: 25, maxPathDepth: 3, maxPathBytes: 95 };
const CHARACTER = 0o020000;
const TYPE_BITS = 0o170000;

const kernel = createKernel();
/** How many entries were made all at once. */
let taken = 0;

const withRuns: DirectoryFiles = {
  ...kernel.files,
  openQueue() {
    const queue = kernel.files.openQueue();
    const openEntries: typeof queue.openEntries = (limits) => {
      const entries = queue.openEntries(limits);
      assert.ok(entries, 'without ISA-L nothing here is tested');
      const take: typeof entries.take = (piece, at, left) => {
        const made = entries.take(piece, at, left);
        taken += made.entries;
        return made;
      };
      return { ...entries, take };
    };
    return { ...queue, openEntries };
  },
};
const without: DirectoryFiles = {
  ...kernel.files,
  openQueue: () => ({ ...kernel.files.openQueue(), openEntries: () => undefined }),
};

/** What became of a layer: its tree or why there is none, and what is told of it. */
async function outcomeOf(
  archive: Buffer,
  { directory, limits, files }: { directory: string; limits: ApplyLimits; files: DirectoryFiles },
  next: () => number,
) {
  await mkdir(directory);
  await utimes(directory, 1, 1);
  try {
    using writer = new LayerWriter(files, { directory, form: 'overlay', limits }, kernel.checksums.crc32);
    const parser = new TarParser(writer, limits.maxPaxBytes);
    for (let at = 0; at < archive.length;) {
      const size = next();
      // As its pieces come from a layer: each is good until the next one is asked for.
      const piece = Buffer.from(archive.subarray(at, at + size));
      parser.push(piece);
      piece.fill(0xff);
      at += size;
    }
    parser.finish();
    const told = { ...writer.finish(), entries: writer.entries };
    const tree = { files: kernel.files, directory, check: () => undefined };
    const listed = [...listTree(kernel.files, directory, tree.check)];
    const remembered = [...unpackInventory(inventoryOfTree(tree, writer.checksums)).values()];
    const members = listed.map(comparable).sort();
    assert.deepEqual(
      remembered.map(comparable).sort(),
      members,
      'what is remembered of the files is not what they are',
    );
    return { told, members };
  } catch (error) {
    if (error instanceof DaemonError) return `${error.kind}: ${error.message}`;
    throw error;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A mark of deletion has the time when it was made. */
function comparable(entry: { readonly mode: number; readonly mtime: unknown }): string {
  return JSON.stringify((entry.mode & TYPE_BITS) === CHARACTER ? { ...entry, mtime: 'of a mark' } : entry);
}

async function assertSame(archive: Buffer, home: string, step: () => number, what: string, limits = LIMITS) {
  const alone = await outcomeOf(archive, { directory: join(home, 'alone'), limits, files: without }, step);
  const atOnce = await outcomeOf(archive, { directory: join(home, 'at-once'), limits, files: withRuns }, step);
  assert.deepEqual(atOnce, alone, what);
  return typeof alone === 'string' ? alone : 'written';
}

const openDescriptors = async () => (await readdir('/proc/self/fd')).length;

test(`${RUNS} random layers: plain entries made all at once are as those made one by one`, async (t) => {
  const { path } = await tempDir(t);
  const endings = new Map<string, number>();
  const before = await openDescriptors();
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const archive = randomLayer(new Random(seed));
    const splits = new Random(seed ^ 0x55555555);
    const size = splits.pick([archive.length, 128 * 1024, 1536, 700]);
    const step = () => (size === 700 ? 1 + splits.below(size) : size);
    const outcome = await assertSame(archive, path, step, `seed ${seed}`);
    const ending = outcome.split(':')[0] ?? '';
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
  }
  t.diagnostic(`${taken} entries at once; ${JSON.stringify(Object.fromEntries(endings))}`);
  assert.ok(taken > RUNS, 'hardly any entry is made at once: the generator is off');
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
  const before = taken;
  const archive = rawTar(...parts);
  assert.equal(await assertSame(archive, path, () => archive.length, 'long names', DEFAULT_LIMITS), 'written');
  assert.ok(taken - before > parts.length / 4, `${taken - before} of ${parts.length / 2} entries`);
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
