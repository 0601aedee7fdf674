import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { layerOf, tarOf } from '../../../test/support/image.js';
import { base256, paxEntry, rawTar } from '../../selftest/raw-tar.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { inventory } from '../../../test/support/tree.js';
import { DaemonError } from '../../base/errors.js';
import { DEFAULT_LIMITS, type ApplyLimits, type ApplyProgress } from '../../core/diff/applier.js';
import { digestOf } from '../../spec/digest.js';
import { MEDIA_TYPES } from '../../spec/media-types.js';
import { createKernel } from '../../sys/kernel.js';
import { applyLayer, type Supervision } from './apply-layer.js';

const kernel = createKernel();
const QUIET: Supervision = { report: () => undefined, check: () => undefined };

interface Wishes {
  readonly form?: 'overlay' | 'plain';
  readonly limits?: Partial<ApplyLimits>;
  readonly watch?: Supervision;
  readonly mediaType?: string;
  readonly kernel?: typeof kernel;
}

interface Bench {
  readonly dir: string;
  readonly apply: (blob: Uint8Array, wishes?: Wishes) => ReturnType<typeof applyLayer>;
}

async function bench(t: TestContext): Promise<Bench> {
  const { path: home } = await tempDir(t);
  const dir = join(home, 'fs');
  await mkdir(dir);
  return {
    dir,
    async apply(
      blob,
      { form = 'overlay', limits, watch = QUIET, mediaType = MEDIA_TYPES.ociLayer, kernel: own = kernel } = {},
    ) {
      const blobPath = join(home, 'blob');
      await writeFile(blobPath, blob);
      return await applyLayer(
        own,
        { blobPath, mediaType, directory: dir, form, limits: { ...DEFAULT_LIMITS, ...limits } },
        watch,
      );
    },
  };
}

const small = () => tarOf([{ path: 'file', data: 'small' }]);
/** Too large for zlib's being the better choice, whatever the packing. */
const large = () =>
  tarOf([
    { path: 'file', data: randomBytes(3 << 20) },
    { path: 'other', data: 'x' },
  ]);

for (const [size, make] of Object.entries({ small, large })) {
  test(`${size}: every packing gives one diff ID, over all bytes to the last`, async (t) => {
    const tar = Buffer.concat([await make(), Buffer.from('what follows the end marker')]);
    const half = tar.length >> 1;
    const forms = {
      plain: tar,
      gzip: gzipSync(tar),
      'gzip of two members': Buffer.concat([gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))]),
      zstd: layerOf(tar, 'zstd').bytes,
      'zstd of two frames': Buffer.concat([
        layerOf(tar.subarray(0, half), 'zstd').bytes,
        layerOf(tar.subarray(half), 'zstd').bytes,
      ]),
    };
    for (const [form, blob] of Object.entries(forms)) {
      await t.test(form, async (inner) => {
        const { apply } = await bench(inner);
        const { diffId, tarBytes } = await apply(blob);
        assert.equal(diffId, digestOf(tar));
        assert.equal(tarBytes, tar.length);
      });
    }
  });

  test(`${size}: what is cut or broken is data loss`, async (t) => {
    const tar = await make();
    for (const packing of ['gzip', 'zstd', 'none'] as const) {
      const { bytes } = layerOf(tar, packing);
      const cut = bytes.subarray(0, packing === 'none' ? 600 : bytes.length - 20);
      await assertRejectsWithKind((await bench(t)).apply(cut), 'data-loss');
      if (packing === 'none') continue;
      const broken = Buffer.from(bytes);
      for (let at = bytes.length >> 1; at < (bytes.length >> 1) + 16; at += 1) broken[at] = 0xff ^ (broken[at] ?? 0);
      await assertRejectsWithKind((await bench(t)).apply(broken), 'data-loss', new RegExp(packing));
    }
  });
}

test('a zstd layer without the program says what to install', async (t) => {
  const { apply } = await bench(t);
  const programs = { ...kernel.programs, find: () => Promise.resolve(undefined) };
  const { bytes } = layerOf(await small(), 'zstd');
  await assertRejectsWithKind(
    apply(bytes, { kernel: { ...kernel, programs } }),
    'failed-precondition',
    /install the package zstd/,
  );
});

test('only layers are applied, and one packing is taken off', async (t) => {
  const { apply } = await bench(t);
  const tar = await small();
  await assertRejectsWithKind(
    apply(tar, { mediaType: 'application/vnd.erofs.layer.v1' }),
    'invalid-argument',
    /media type/,
  );
  await assertRejectsWithKind(apply(gzipSync(gzipSync(await large()))), 'invalid-argument', /not a tar/);
});

test('limits stop a layer while it is written', async (t) => {
  const zeros = gzipSync(await tarOf([{ path: 'zeros', data: Buffer.alloc(40 << 20) }]));
  const over: Partial<ApplyLimits>[] = [
    { maxBytes: 1 << 20 },
    { maxRatio: 100, ratioFloorBytes: 1 << 20 },
    { maxEntries: 0 },
  ];
  for (const limits of over) {
    const { dir, apply } = await bench(t);
    await assertRejectsWithKind(apply(zeros, { limits }), 'resource-exhausted', /limit/);
    const { size } = await stat(join(dir, 'zeros')).catch(() => ({ size: 0 }));
    assert.ok(size < 20 << 20, 'most of it was not written');
  }
  const { apply } = await bench(t);
  await apply(zeros, { limits: { maxRatio: 100 } });
});

test('progress rises to the end, and a check that throws stops', async (t) => {
  const blob = gzipSync(await large(), { level: 1 });
  const seen: ApplyProgress[] = [];
  const first = await bench(t);
  await first.apply(blob, { watch: { report: (progress) => void seen.push(progress), check: () => undefined } });
  assert.equal(seen.at(-1)?.bytes, blob.length);
  assert.equal(seen.at(-1)?.entries, 2);
  assert.ok(seen.every(({ bytes }, at) => at === 0 || bytes >= (seen[at - 1]?.bytes ?? 0)));
  let checks = 0;
  const stop = () => {
    checks += 1;
    if (checks === 3) throw new DaemonError('canceled', 'stopped');
  };
  await assertRejectsWithKind(
    (await bench(t)).apply(blob, { watch: { report: () => undefined, check: stop } }),
    'canceled',
  );
  assert.equal(checks, 3);
});

test('owners, times and modes are exact', async (t) => {
  const { dir, apply } = await bench(t);
  const umask = process.umask(0o077);
  try {
    const highest = base256(2n ** 32n - 2n, 8);
    await apply(
      rawTar(
        { name: 'dir', type: '5', mode: 0o3777, uid: highest, mtime: 7 },
        paxEntry([
          ['mtime', '1.000000001'],
          ['atime', '2.5'],
        ]),
        { name: 'dir/file', mode: 0o6711, uid: highest, gid: highest },
        paxEntry([['mtime', '-1.5']]),
        { name: 'dir/link', type: '2', link: 'x', gid: 9 },
      ),
    );
  } finally {
    process.umask(umask);
  }
  // Before anybody reads it.
  assert.equal((await stat(join(dir, 'dir/file'))).atimeMs, 2500);
  const tree = await inventory(dir);
  const looks = (path: string) => [tree[path]?.mode, tree[path]?.owner, tree[path]?.mtime];
  assert.deepEqual(looks('dir'), ['0o43777', '4294967294:0', '7000000000']);
  assert.deepEqual(looks('dir/file'), ['0o106711', '4294967294:4294967294', '1000000001']);
  assert.deepEqual(looks('dir/link'), ['0o120777', '0:9', '-1500000000']);
});

test('sparse files keep their holes, as GNU tar writes them', async (t) => {
  const { path: home } = await tempDir(t);
  const script = 'truncate -s 30M f; printf a | dd of=f bs=1 seek=9000000 conv=notrunc; printf end >>f';
  spawnSync('sh', ['-c', script], { cwd: home });
  for (const format of [
    ['--format=gnu'],
    ...['0.0', '0.1', '1.0'].map((each) => ['--format=pax', `--sparse-version=${each}`]),
  ]) {
    const { stdout } = spawnSync('tar', ['-c', '-S', ...format, 'f'], { cwd: home, maxBuffer: 1 << 26 });
    assert.ok(stdout.length < 1 << 20, 'the archive is sparse');
    const { dir, apply } = await bench(t);
    await apply(stdout);
    assert.ok((await readFile(join(dir, 'f'))).equals(await readFile(join(home, 'f'))), format.join(' '));
    assert.ok((await stat(join(dir, 'f'))).blocks < 200, format.join(' '));
  }
});

test('the last of several entries of one name counts, whatever their types', async (t) => {
  const { dir, apply } = await bench(t);
  await apply(
    await tarOf([
      { path: 'a', data: 'first' },
      { path: 'a', type: 'directory', mode: 0o700 },
      { path: 'a/inside', data: 'x' },
      { path: 'b', type: 'directory', mtime: 5, xattrs: { 'user.old': '1' } },
      { path: 'b/kept', data: 'x' },
      { path: 'b', type: 'directory', mode: 0o711, mtime: 6 },
      { path: 'c', type: 'directory' },
      { path: 'c/gone', data: 'x' },
      { path: 'c', type: 'symlink', target: 'b' },
      { path: 'd', data: 'first' },
      { path: 'd', data: 'second' },
    ]),
  );
  const tree = await inventory(dir);
  assert.deepEqual(Object.keys(tree), ['.', 'a', 'a/inside', 'b', 'b/kept', 'c', 'd']);
  assert.deepEqual(tree['a']?.xattrs, { 'trusted.overlay.opaque': '79' }, 'it hides what was a directory below');
  assert.deepEqual([tree['b']?.mode, tree['b']?.mtime, tree['b']?.xattrs], ['0o40711', '6000000000', {}]);
  assert.equal(tree['c']?.target, 'b');
  assert.equal(await readFile(join(dir, 'd'), 'utf8'), 'second');
});

test('an empty layer, and one that is only an end marker', async (t) => {
  for (const tar of [Buffer.alloc(0), Buffer.alloc(1024), Buffer.alloc(10_240)]) {
    const { dir, apply } = await bench(t);
    const { entries, diffId } = await apply(tar);
    assert.deepEqual([entries, diffId], [0, digestOf(tar)]);
    assert.deepEqual(await readdir(dir), []);
  }
});

test('no descriptor stays open, whatever happens', async (t) => {
  const before = (await readdir('/proc/self/fd')).length;
  const blob = gzipSync(await large());
  const { apply } = await bench(t);
  await apply(blob);
  await assert.rejects((await bench(t)).apply(blob.subarray(0, 2 << 20)));
  await assert.rejects((await bench(t)).apply(rawTar({ name: 'a' }, { name: '../b' })));
  await assert.rejects((await bench(t)).apply(blob, { limits: { maxBytes: 1 << 20 } }));
  assert.equal((await readdir('/proc/self/fd')).length, before);
});

test('a full disk is told as such', async (t) => {
  const { dir, apply } = await bench(t);
  const mount = { type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] };
  for (const tar of [
    await large(),
    await tarOf([
      { path: 'a', data: Buffer.alloc(600_000, 1) },
      { path: 'b', data: Buffer.alloc(600_000, 2) },
    ]),
  ]) {
    await using _ = await kernel.mounts.mountAll([mount], dir);
    await assertRejectsWithKind(apply(tar), 'resource-exhausted', /no space left/);
  }
});
