import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { FsckReport } from '../../src/client/fsck.js';
import { digestOf } from '../../src/spec/digest.js';
import { createKernel } from '../../src/sys/kernel.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeLayer, type Entry, type Image } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

const FILES = 1200;

const told = (daemon: TestDaemon, ...args: string[]): Promise<Told> => runCommand(dist, daemon, args);

async function report(daemon: TestDaemon, code: number, ...args: string[]): Promise<FsckReport> {
  const { code: got, stdout, stderr } = await told(daemon, 'fsck', '--json', ...args);
  assert.equal(got, code, stderr + stdout);
  return JSON.parse(stdout) as FsckReport;
}

async function imageOfFiles(): Promise<Image> {
  const entry = (at: number): Entry => ({ path: `data/d${at % 20}/f${at}`, data: randomBytes(300), mtime: 1e9 + at });
  const folders = [{ path: 'data', type: 'directory' } as const].concat();
  const inner = Array.from(
    { length: 20 },
    (_, at) => ({ path: `data/d${at}`, type: 'directory', mode: 0o750 }) as const,
  );
  const upper = Array.from({ length: FILES }, (_, at) => entry(at));
  const links: Entry[] = [{ path: 'data/hard', type: 'link', target: 'data/d0/f0' }];
  return makeImage({
    layers: [await makeLayer(await busyboxEntries()), await makeLayer([...folders, ...inner, ...upper, ...links])],
    settings: { Cmd: ['sh'], Env: ['PATH=/bin'] },
  });
}

/** Everything that tar sees of the layers' trees, to the nanosecond. */
async function treesOf(daemon: TestDaemon): Promise<string> {
  const root = join(daemon.root, 'overlayfs/snapshots');
  const script = `cd '${root}' && for id in 1 2; do tar --sort=name --format=pax --xattrs --pax-option=delete=atime,delete=ctime -c $id/fs | sha256sum; done`;
  return output('sh', ['-c', script]);
}

async function filesOf(daemon: TestDaemon): Promise<string[]> {
  const root = join(daemon.root, 'overlayfs/snapshots');
  const found: string[] = [];
  for (const id of ['1', '2']) {
    const entries = await readdir(join(root, id, 'fs/data'), { recursive: true, withFileTypes: true }).catch(() => []);
    found.push(...entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)));
  }
  return found;
}

test('a thousand zeroed files in unpacked layers are found, and repaired to the last bit beneath a running container', async () => {
  await using registry = await openRegistry();
  const reference = await registry.push(await imageOfFiles(), 'files');
  await using daemon = await openDaemon();
  assert.equal((await told(daemon, 'pull', '--plain-http', reference)).code, 0);
  assert.equal((await runCommand(ctr, daemon, ['run', '-d', '--id', 'box', reference, 'sleep', '1000'])).code, 0);
  const before = await treesOf(daemon);
  const sound = await report(daemon, 0);
  assert.deepEqual([sound.findings, sound.layers, sound.uncheckedLayers], [[], 2, 0]);

  const files = await filesOf(daemon);
  for (const [at, path] of files.slice(0, 1000).entries()) {
    const { size, atime, mtime } = await stat(path);
    await writeFile(path, Buffer.alloc(size));
    // Some in a way that only the bytes tell.
    if (at % 2 === 0) await utimes(path, atime, mtime);
  }
  await rm(files[1001] ?? '');
  await rm(join(files[1002] ?? '', '..'), { recursive: true });
  await writeFile(`${files[1003] ?? ''}.stray`, 'nobody knows it').catch(() => undefined);

  const { findings } = await report(daemon, 1);
  assert.deepEqual(
    findings.map(({ kind, problem }) => `${kind} ${problem}`),
    ['layer altered'],
  );
  assert.ok((findings[0]?.pathCount ?? 0) > 1000);
  assert.equal(findings[0]?.paths.length, 20);
  const text = await told(daemon, 'fsck');
  assert.match(
    text.stdout,
    /layer overlayfs sha256:.*: altered \(\d+ paths\)\n {2}\/data.*\n(.*\n)* {2}and \d+ more\n.* 1 broken, 0 of them repaired/,
  );

  const repaired = await report(daemon, 0, '--repair');
  assert.deepEqual(
    repaired.findings.map((finding) => finding.repaired),
    [true],
  );
  assert.equal(await treesOf(daemon), before);
  assert.deepEqual((await report(daemon, 0)).findings, []);
  const seen = await runCommand(ctr, daemon, ['exec', 'box', 'sh', '-c', 'cat /data/d*/f* | wc -c']);
  assert.equal(seen.code, 0, seen.stderr);
  assert.match((await runCommand(ctr, daemon, ['ls'])).stdout, /box.*running/i);
});

test('missing, truncated and altered content is found and fetched again; what can not be fetched is listed', async () => {
  await using registry = await openRegistry();
  const layers = await Promise.all([1, 2, 3].map(() => makeLayer([{ path: 'file', data: randomBytes(50_000) }])));
  const image = makeImage({ layers });
  const reference = await registry.push(image, 'blobs');
  await using daemon = await openDaemon();
  assert.equal((await told(daemon, 'pull', '--plain-http', reference)).code, 0);
  const digests = layers.map(({ bytes }) => digestOf(bytes));
  const paths = digests.map((digest) => join(daemon.root, 'content/blobs', digest.replace(':', '/')));
  const [missing = '', cut = '', flipped = ''] = paths;
  const damage = async () => {
    await rm(missing);
    await truncate(cut, 1000);
    await using file = await open(flipped, 'r+');
    await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, 20_000);
  };
  await damage();
  const { findings } = await report(daemon, 1);
  assert.deepEqual(
    new Map(findings.map(({ name, problem }) => [name, problem])),
    new Map(digests.map((digest, at) => [digest, ['missing', 'truncated', 'altered'][at]])),
  );
  const repaired = await report(daemon, 0, '--repair');
  assert.equal(repaired.repaired, 3);
  assert.deepEqual((await report(daemon, 0)).findings, []);

  await damage();
  await registry[Symbol.asyncDispose]();
  const lost = await report(daemon, 1, '--repair');
  assert.equal(lost.repaired, 0);
  for (const { reason } of lost.findings) assert.ok(reason);
});

test('attributes that were changed, lost or added are found and put back', async () => {
  await using registry = await openRegistry();
  const xattrs = {
    'user.mine': 'value',
    'security.capability': '\u0001\0\0\u0002\0\u0004\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  };
  const image = makeImage({
    layers: [
      await makeLayer([
        { path: 'changed', data: 'x', xattrs },
        { path: 'lost', data: 'x', xattrs },
        { path: 'added', data: 'x' },
        { path: 'folder', type: 'directory', xattrs: { 'user.mine': 'value' } },
        { path: 'plain', type: 'directory' },
      ]),
    ],
  });
  const reference = await registry.push(image, 'attributes');
  await using daemon = await openDaemon();
  assert.equal((await told(daemon, 'pull', '--plain-http', reference)).code, 0);
  assert.deepEqual((await report(daemon, 0)).findings, []);
  const { files } = createKernel();
  const root = files.openDirectory(join(daemon.root, 'overlayfs/snapshots/1/fs'));
  try {
    const all = () =>
      ['changed', 'lost', 'added', 'folder', 'plain'].map((name) =>
        files
          .listXattrs(root, name)
          .map((each) => [name, each.toString(), files.getXattr(root, name, each)?.toString()]),
      );
    const before = all();
    assert.deepEqual(
      before.map(({ length }) => length),
      [2, 2, 0, 1, 0],
    );
    files.setXattr(root, 'changed', 'user.mine', Buffer.from('other'));
    files.removeXattr(root, 'lost', 'security.capability');
    files.setXattr(root, 'added', 'user.stray', Buffer.from('x'));
    files.removeXattr(root, 'folder', 'user.mine');
    files.setXattr(root, 'plain', 'user.stray', Buffer.from('x'));
    const { findings } = await report(daemon, 1);
    assert.deepEqual([...(findings[0]?.paths ?? [])].sort(), ['added', 'changed', 'folder', 'lost', 'plain']);
    assert.equal((await report(daemon, 0, '--repair')).repaired, 1);
    assert.deepEqual(all(), before);
    assert.deepEqual((await report(daemon, 0)).findings, []);
  } finally {
    files.close(root);
  }
});

test('what a registry gives to its users only is fetched again with a login, and without one is listed', async () => {
  await using registry = await openRegistry({ auth: 'basic' });
  const layers = await Promise.all([1, 2].map(() => makeLayer([{ path: 'file', data: randomBytes(50_000) }])));
  const reference = await registry.push(makeImage({ layers }), 'private');
  await using daemon = await openDaemon();
  const env = { HOME: daemon.dir };
  const login = ['--user', 'user', '--plain-http'];
  const run = (args: readonly string[], stdin?: string) =>
    runCommand(dist, daemon, args, { env, ...(stdin === undefined ? {} : { stdin }) });
  const pulled = await run(['pull', ...login, reference], 'right\n');
  assert.equal(pulled.code, 0, pulled.stderr);
  for (const { bytes } of layers) {
    await rm(join(daemon.root, 'content/blobs', digestOf(bytes).replace(':', '/')));
  }
  const refused = await run(['fsck', '--repair', '--plain-http']);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /2 broken, 0 of them repaired/);
  assert.match(refused.stdout, /missing, not repaired: .*denies access/);
  const repaired = await run(['fsck', '--repair', ...login], 'right\n');
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
  assert.match(repaired.stdout, /2 broken, 2 of them repaired/);
  assert.equal((await run(['fsck'])).code, 0);
});

test('a layer whose inventory is damaged is told as altered, beside all others, and repaired with its tree', async () => {
  await using registry = await openRegistry();
  const layers = await Promise.all(['a', 'b'].map((path) => makeLayer([{ path, data: path }])));
  const reference = await registry.push(makeImage({ layers }), 'inventories');
  await using daemon = await openDaemon();
  assert.equal((await told(daemon, 'pull', '--plain-http', reference)).code, 0);
  const snapshots = join(daemon.root, 'overlayfs/snapshots');
  await truncate(join(snapshots, '1/inventory'), 0);
  const damaged = (await readdir(join(snapshots, '1/fs')))[0] ?? '';
  await writeFile(join(snapshots, '1/fs', damaged), 'other');
  await writeFile(join(snapshots, '2/fs/more'), '');
  const { findings } = await report(daemon, 1);
  assert.deepEqual(
    findings.map(({ problem, paths }) => [problem, paths]),
    [
      ['altered', []],
      ['altered', ['.', 'more']],
    ],
  );
  assert.equal((await report(daemon, 0, '--repair')).repaired, 2);
  assert.deepEqual((await report(daemon, 0)).findings, []);
});
