import assert from 'node:assert/strict';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonError } from '../../src/base/errors.js';
import { DEFAULT_LIMITS, type ApplyLimits } from '../../src/core/diff/applier.js';
import { inventoryOfTree, listTree, unpackInventory } from '../../src/core/fsck/inventory.js';
import type { DirectoryFiles } from '../../src/core/kernel/directory-files.js';
import { LayerWriter } from '../../src/drivers/diff-tar/layer-writer.js';
import { TarParser } from '../../src/drivers/diff-tar/tar-parser.js';
import { createKernel } from '../../src/sys/kernel.js';
import { randomLayer } from './random-layer.js';
import { Random } from './random.js';

const LIMITS: ApplyLimits = { ...DEFAULT_LIMITS, maxEntries: 25, maxPathDepth: 3, maxPathBytes: 95 };
const CHARACTER = 0o020000;
const TYPE_BITS = 0o170000;

const kernel = createKernel();
let taken = 0;

/** How many entries were made all at once, in all. */
export const takenAtOnce = (): number => taken;

/** Files by which plain entries are made all at once, as the daemon has them. */
export const withRuns: DirectoryFiles = {
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
export async function outcomeOf(
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

/** @returns How the layer ended, either way. @throws An error that begins with `what`, where the ways differ. */
export async function assertSame(archive: Buffer, home: string, step: () => number, what: string, limits = LIMITS) {
  const alone = await outcomeOf(archive, { directory: join(home, 'alone'), limits, files: without }, step);
  const atOnce = await outcomeOf(archive, { directory: join(home, 'at-once'), limits, files: withRuns }, step);
  assert.deepEqual(atOnce, alone, what);
  return typeof alone === 'string' ? alone : 'written';
}

/**
 * One run: applies the layer of `seed` both ways.
 *
 * @param home An empty directory.
 * @returns How the layer ended, for counting.
 * @throws An error that names the seed.
 */
export async function fuzzPlain(seed: number, home: string): Promise<string> {
  const archive = randomLayer(new Random(seed));
  const splits = new Random(seed ^ 0x55555555);
  const size = splits.pick([archive.length, 128 * 1024, 1536, 700]);
  const step = () => (size === 700 ? 1 + splits.below(size) : size);
  const outcome = await assertSame(archive, home, step, `plain entries, seed ${seed}`);
  return outcome.split(':')[0] ?? '';
}
