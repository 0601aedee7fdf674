import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSmallDisk } from '../../../test/support/small-disk.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { DaemonError, isDiskFull } from '../../base/errors.js';
import { SyscallError } from '../../core/kernel/syscall-error.js';
import { DEFAULT_LIMITS } from '../../core/diff/applier.js';
import { rawTar, type TarPart } from '../../selftest/raw-tar.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { createKernel } from '../../sys/kernel.js';
import { applyLayer } from './apply-layer.js';

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
  assert.ok(!made.includes(`file-${named}`), 'and it is not');
  assert.deepEqual([await openDescriptors(), await threads()], before);
});

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
