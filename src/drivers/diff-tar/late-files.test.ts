import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSmallDisk } from '../../../test/support/small-disk.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { inventory, type TreeMember } from '../../../test/support/tree.js';
import { DaemonError, isDiskFull, messageOf } from '../../base/errors.js';
import type { DirectoryFiles, Fd } from '../../core/kernel/directory-files.js';
import type { FileQueue } from '../../core/kernel/file-queue.js';
import { SyscallError } from '../../core/kernel/syscall-error.js';
import { DEFAULT_LIMITS } from '../../core/diff/applier.js';
import { rawTar, type TarPart } from '../../selftest/raw-tar.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { createKernel } from '../../sys/kernel.js';
import { applyLayer } from './apply-layer.js';
import { LateFiles } from './late-files.js';
import type { TarEntry } from './tar-entry.js';

const kernel = createKernel();

async function apply(
  home: string,
  parts: readonly TarPart[],
  check: () => void = () => undefined,
  files = kernel.files,
): Promise<string> {
  await using spool = await tempDir();
  const [directory, blobPath] = [join(home, 'fs'), join(spool.path, 'blob')];
  await mkdir(directory);
  await writeFile(blobPath, rawTar(...parts));
  await applyLayer(
    { ...kernel, files },
    { blobPath, mediaType: MEDIA_TYPES.ociLayer, directory, form: 'overlay', limits: DEFAULT_LIMITS },
    { report: () => undefined, check },
  );
  return directory;
}

const openDescriptors = async () => (await readdir('/proc/self/fd')).length;
const threads = async () => (await readdir('/proc/self/task')).length;

test('a disk that is full is told of the first file that had no room, and nothing stays open', async () => {
  await using disk = await openSmallDisk(8 << 20);
  const parts: TarPart[] = Array.from({ length: 400 }, (_, at) => ({
    name: `file-${at}`,
    data: String(at).padEnd(60_000),
  }));
  const before = [await openDescriptors(), await threads()];
  let error: unknown;
  await apply(disk.path, parts).catch((cause: unknown) => {
    error = cause;
  });
  assert.ok(error instanceof DaemonError && error.kind === 'resource-exhausted', String(error));
  assert.ok(isDiskFull(error));
  const named = /^layer entry "file-(\d+)": .*ENOSPC/.exec(error.message)?.[1];
  assert.ok(named !== undefined, error.message);
  const made = await readdir(join(disk.path, 'fs'));
  assert.ok(made.includes(`file-${Number(named) - 1}`), 'the one before it is there');
  const size = made.includes(`file-${named}`) ? (await stat(join(disk.path, 'fs', `file-${named}`))).size : 0;
  assert.ok(size < 60_000, 'and it is not, at least not whole');
  assert.deepEqual([await openDescriptors(), await threads()], before);
});

for (const [what, parts] of [
  ['a file that comes in pieces', [{ name: 'big', data: 'x'.repeat(12 << 20) }]],
  [
    'one that is too large to wait',
    Array.from({ length: 30 }, (_, at) => ({ name: `f${at}`, data: 'x'.repeat(500_000) })),
  ],
] satisfies [string, TarPart[]][]) {
  test(`a disk that is full is told of ${what} by its name, once`, async () => {
    await using disk = await openSmallDisk(8 << 20);
    await assert.rejects(apply(disk.path, [{ name: 'small', data: 'x' }, ...parts]), (error) => {
      assert.ok(error instanceof DaemonError && isDiskFull(error), String(error));
      assert.match(error.message, /^layer entry "(big|f\d+)": (?!layer entry)/);
      return true;
    });
  });
}

test('files by the thousand, more in one directory than may wait, then what stands on them', async (t) => {
  const { path } = await tempDir(t);
  const count = 3000;
  const files = Array.from({ length: count }, (_, at): TarPart => ({ name: `f${at}`, data: String(at) }));
  const links = Array.from({ length: 20 }, (_, at): TarPart => ({
    name: `l${at}`,
    type: '1',
    link: `f${count - 1 - at}`,
  }));
  const directory = await apply(path, [
    ...files,
    ...links,
    { name: 'f7/', type: '5' },
    { name: 'f7/inner', data: 'x' },
  ]);
  assert.equal((await readdir(directory)).length, count + links.length);
  assert.deepEqual(await readdir(join(directory, 'f7')), ['inner']);
});

/** Members with few names, so that they meet: small and large files, directories, links. */
const MEMBER: fc.Arbitrary<TarPart> = fc
  .record({
    kind: fc.constantFrom('small', 'small', 'small', 'large', 'directory', 'symlink', 'hardlink', 'deletion'),
    folder: fc.constantFrom('', 'd/', 'd/e/'),
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    other: fc.constantFrom('a', 'b', 'd/a', 'd/e/c'),
    letter: fc.constantFrom('x', 'y', 'z'),
    mode: fc.constantFrom(0o644, 0o4755, 0o2775),
  })
  .map(({ kind, folder, name, other, letter, mode }) => {
    const shared = { name: `${folder}${name}`, mode, uid: mode & 7, mtime: letter.charCodeAt(0) };
    switch (kind) {
      case 'directory':
        return { ...shared, name: `${shared.name}/`, type: '5' };
      case 'symlink':
        return { ...shared, type: '2', link: letter };
      case 'hardlink':
        return { ...shared, type: '1', link: other };
      case 'deletion':
        return { ...shared, name: `${folder}.wh.${name}` };
      default:
        return { ...shared, data: letter.repeat(kind === 'large' ? 80_000 : 3) };
    }
  });

test('made beside others or one after another, files come out the same', async () => {
  const alone = {
    ...kernel.files,
    openQueue: () => {
      throw new SyscallError('pthread_create', 'a queue of files', 'EAGAIN');
    },
  };
  const outcome = async (parts: readonly TarPart[], files: DirectoryFiles) => {
    await using home = await tempDir();
    try {
      const directory = await apply(home.path, parts, () => undefined, files);
      const marks = (member: TreeMember) => (member.device === '0:0' ? { ...member, mtime: 'of a mark' } : member);
      const members = Object.entries(await inventory(directory));
      return Object.fromEntries(members.map(([path, member]) => [path, marks(member)]));
    } catch (error) {
      return messageOf(error);
    }
  };
  const root: TarPart = { name: './', type: '5', mode: 0o755, mtime: 1 };
  await fc.assert(
    fc.asyncProperty(fc.array(MEMBER, { maxLength: 40 }), async (members) => {
      const parts = [root, ...members];
      assert.deepEqual(await outcome(parts, kernel.files), await outcome(parts, alone));
    }),
    { seed: Number(process.env['WHARFD_SEED'] ?? 1), numRuns: 40 },
  );
});

test('only what is called about a file that waits, or about all of a directory, waits', async (t) => {
  const { path } = await tempDir(t);
  let settled = 0;
  using queue = kernel.files.openQueue();
  const counted: FileQueue = { ...queue, settle: () => (settled++, queue.settle()) };
  const calls = Object.keys(kernel.files).map((name) => [name, () => undefined]);
  const quiet = { ...(Object.fromEntries(calls) as unknown as DirectoryFiles), openQueue: () => counted };
  using late = new LateFiles(quiet);
  const [dir, other] = [kernel.files.openDirectory(path), kernel.files.openDirectory(path)] as [Fd, Fd];
  t.after(() => {
    for (const fd of [dir, other]) kernel.files.close(fd);
  });
  const name = Buffer.from('waits');
  const entry = { type: 'file', name, mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } } as TarEntry;
  const waits = (call: (files: DirectoryFiles) => void): boolean => {
    assert.ok(late.takes(entry, name));
    late.create(dir, name, entry, name);
    const before = settled;
    call(late.files);
    const waited = settled > before;
    late.settle();
    return waited;
  };
  const metadata = { mode: 0o755 };
  for (const free of [
    (files) => files.makeDirectory(dir, Buffer.from('another'), 0o755),
    (files) => files.makeDirectory(other, name, 0o755),
    (files) => files.makeSymlink(name, dir, Buffer.from('another')),
    (files) => files.setMetadata(dir, 'another', metadata),
    (files) => files.createForWriting(dir, 'another'),
    (files) => files.write(other, name),
    (files) => files.close(other),
  ] satisfies ((files: DirectoryFiles) => unknown)[]) {
    assert.equal(waits(free), false, String(free));
  }
  for (const bound of [
    (files) => files.makeDirectory(dir, name, 0o755),
    (files) => files.makeDirectory(dir, 'waits', 0o755),
    (files) => files.makeSymlink('another', dir, name),
    (files) => files.statIfExists(dir, name),
    (files) => files.setMetadata(dir, '.', metadata),
    (files) => files.stat(dir, 'down/there'),
    (files) => files.stat(other, 'down/there'),
    (files) => files.open(other, '..', 0, 0),
    (files) => files.list(dir),
    (files) => files.link(dir, 'another', dir, 'third'),
    (files) => files.removeTree(dir, 'another'),
    (files) => files.close(dir),
    () => late.create(dir, name, entry, name),
  ] satisfies ((files: DirectoryFiles) => unknown)[]) {
    assert.equal(waits(bound), true, String(bound));
  }
});

test('where there is no thread to spare, files are made all the same', async (t) => {
  const { path } = await tempDir(t);
  const openQueue = () => {
    throw new SyscallError('pthread_create', 'a queue of files', 'EAGAIN');
  };
  const files = { ...kernel.files, openQueue };
  const twice: TarPart[] = [
    { name: 'a', data: 'first' },
    { name: 'b', data: 'b' },
    { name: 'a', data: 'second' },
  ];
  const directory = await apply(path, twice, () => undefined, files);
  assert.equal(await readFile(join(directory, 'a'), 'utf8'), 'second');
  assert.deepEqual((await readdir(directory)).sort(), ['a', 'b']);
});

test('what is stopped in the middle leaves no thread and no descriptor', async (t) => {
  const { path } = await tempDir(t);
  const before = [await openDescriptors(), await threads()];
  const stop = new DaemonError('canceled', 'stopped');
  let pieces = 0;
  const parts = Array.from({ length: 600 }, (_, at): TarPart => ({ name: `f${at}`, data: 'x'.repeat(16_000) }));
  await assert.rejects(
    apply(path, parts, () => {
      pieces += 1;
      if (pieces > 3) throw stop;
    }),
    stop,
  );
  assert.ok((await readdir(join(path, 'fs'))).length < 600);
  assert.deepEqual([await openDescriptors(), await threads()], before);
});
