import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../support/temp-dir.js';
import { Random } from './random.js';
import { parseInPieces } from './tar-run.js';

const FORMATS = ['gnu', 'oldgnu', 'pax', 'ustar', 'v7'] as const;
const TREES = 4;
const LETTERS = ['a', 'b', 'c', 'x', 'y', 'z', 'ä', 'ß', ' '];

/** A few directories, files, sparse files and links, with names of up to 200 bytes where the format has room for them. */
function makeTree(root: string, random: Random, longNames: boolean): void {
  mkdirSync(root);
  const name = () => {
    const length = longNames && random.oneIn(3) ? 200 : 1 + random.below(20);
    return Array.from({ length }, () => random.pick(LETTERS))
      .join('')
      .slice(0, longNames ? 120 : 20);
  };
  let dir = root;
  for (let at = 0; at < 12; at += 1) {
    const path = join(dir, `${at}${name()}`);
    if (random.oneIn(4) && !dir.slice(root.length).includes('/')) mkdirSync((dir = path));
    else if (random.oneIn(4)) symlinkSync(name(), path);
    else {
      writeFileSync(path, random.bytes(2000), { mode: random.pick([0o644, 0o755, 0o4711]) });
      if (longNames && random.oneIn(2)) truncateSync(path, 1_000_000 + random.below(1000));
      if (random.oneIn(3)) linkSync(path, `${path}-hard`);
      utimesSync(path, 0, 1_000_000_000 + random.below(1000));
    }
  }
}

test('GNU tar: what it writes in each of its formats is read as it lies on disk', async (t) => {
  await using temp = await tempDir(t);
  for (const format of FORMATS) {
    let sparseFiles = 0;
    for (let seed = 1; seed <= TREES; seed += 1) {
      const random = new Random(seed);
      const long = format !== 'v7' && format !== 'ustar';
      const root = join(temp.path, `${format}-${seed}`);
      makeTree(root, random, long);
      const sparse = long
        ? [random.pick(['--sparse-version=0.0', '--sparse-version=0.1', '--sparse-version=1.0']), '--sparse']
        : [];
      const archive = execFileSync(
        'tar',
        [`--format=${format}`, ...(format === 'pax' ? sparse : sparse.slice(1)), '-C', root, '-c', '.'],
        {
          maxBuffer: 1 << 28,
        },
      );
      sparseFiles += checkArchive(archive, root, random, `${format}, seed ${seed}`);
    }
    assert.equal(sparseFiles > 0, format !== 'v7' && format !== 'ustar', `${format}: ${sparseFiles} sparse files`);
  }
});

const PYTHON = `
import sys, tarfile
formats = {'gnu': tarfile.GNU_FORMAT, 'pax': tarfile.PAX_FORMAT, 'ustar': tarfile.USTAR_FORMAT}
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=formats[sys.argv[1]]) as archive:
    archive.add(sys.argv[2], arcname='.')
`;

test("Python's tarfile: what it writes in each of its formats is read as it lies on disk", async (t) => {
  await using temp = await tempDir(t);
  for (const format of ['gnu', 'pax', 'ustar']) {
    for (let seed = 101; seed < 101 + TREES; seed += 1) {
      const random = new Random(seed);
      const root = join(temp.path, `${format}-${seed}`);
      makeTree(root, random, format !== 'ustar');
      const archive = execFileSync('python3', ['-c', PYTHON, format, root], { maxBuffer: 1 << 28 });
      checkArchive(archive, root, random, `Python, ${format}, seed ${seed}`);
    }
  }
});

test('bsdtar: what it writes in each of its formats is read as it lies on disk', async (t) => {
  await using temp = await tempDir(t);
  for (const format of ['ustar', 'pax', 'gnutar', 'v7']) {
    for (let seed = 201; seed < 201 + TREES; seed += 1) {
      const random = new Random(seed);
      const root = join(temp.path, `${format}-${seed}`);
      makeTree(root, random, format === 'pax' || format === 'gnutar');
      const archive = execFileSync('bsdtar', [`--format=${format}`, '-C', root, '-cf', '-', '.'], {
        maxBuffer: 1 << 28,
      });
      checkArchive(archive, root, random, `bsdtar, ${format}, seed ${seed}`);
    }
  }
});

/** Compares what is read of the archive with the tree that it was made of. @returns How many sparse files are in it. */
function checkArchive(archive: Buffer, root: string, random: Random, what: string): number {
  let sparseFiles = 0;
  const { members, error } = parseInPieces(archive, () => 1 + random.below(5000), 1 << 20);
  assert.equal(error, undefined, what);
  const listed = execFileSync('find', [root, '-printf', '.']).length;
  assert.equal(members.length, listed, `${what}: number of members`);
  for (const { entry, content } of members) {
    if (entry.sparse !== undefined) sparseFiles += 1;
    const path = join(root, entry.name.toString());
    const stat = lstatSync(path, { bigint: true });
    const where = `${what}, ${entry.name.toString()}`;
    assert.deepEqual([entry.uid, entry.gid], [Number(stat.uid), Number(stat.gid)], where);
    if (entry.type === 'hardlink')
      assert.equal(lstatSync(join(root, entry.link.toString()), { bigint: true }).ino, stat.ino, where);
    else if (entry.type === 'symlink') assert.equal(entry.link.toString(), readlinkSync(path), where);
    else assert.equal(entry.mode, Number(stat.mode) & 0o7777, where);
    assert.equal(entry.mtime.seconds, Number(stat.mtimeNs / 1_000_000_000n), where);
    if (entry.type === 'file')
      assert.ok(expanded(entry.sizeBytes, content, entry.sparse).equals(readFileSync(path)), where);
  }
  return sparseFiles;
}

/** The bytes of the file, holes filled with zeros. */
function expanded(
  size: number,
  content: Buffer,
  sparse: readonly { offset: number; length: number }[] | undefined,
): Buffer {
  if (!sparse) return content;
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (const { offset, length } of sparse) {
    content.copy(bytes, offset, at, at + length);
    at += length;
  }
  return bytes;
}
