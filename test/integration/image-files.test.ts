import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { type CommandOptions, runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

const runner = (daemon: TestDaemon) => (args: readonly string[], options?: CommandOptions) =>
  runCommand(dist, daemon, args, options);

/** Runs what has to go well. @returns Its output. */
const succeeding =
  (daemon: TestDaemon) =>
  async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommand(dist, daemon, args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

const small = async (text: string) => makeImage({ layers: [await makeLayer([{ path: 'f', data: text }])] });

test('save and load: a file or a pipe, whole or not at all, and no name taken away unasked', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const [one, two] = [await registry.push(await small('1'), 'one'), await registry.push(await small('2'), 'two')];
  assert.equal((await run(['pull', '--quiet', one, two])).code, 0);
  const digestOf = async (ref: string) => {
    const { stdout } = await run(['inspect', ref]);
    return (JSON.parse(stdout) as { digest: string }).digest;
  };
  const [digest, other] = [await digestOf(one), await digestOf(two)];
  const file = join(daemon.dir, 'both.tar');
  const saved = await run(['save', '-o', file, one, two]);
  assert.deepEqual([saved.code, saved.stdout, saved.stderr], [0, '', '']);
  assert.match(await output('skopeo', ['inspect', '--raw', `docker-archive:${file}:${one}`]), /schemaVersion/);

  const missing = await run(['save', '-o', file, 'nothing.example/x:latest']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^dist: image .*nothing\.example\/x:latest.*not found\n$/);
  assert.ok((await readFile(file)).length > 0, 'what was there stays');
  assert.deepEqual(
    (await readdir(daemon.dir)).filter((name) => name.endsWith('.partial')),
    [],
  );

  assert.equal((await run(['rmi', '--sync', one, two])).code, 0);
  const loaded = await run(['load', '-i', file]);
  assert.deepEqual([loaded.code, loaded.stdout, loaded.stderr], [0, `${one}\n${two}\n`, '']);
  assert.deepEqual([await digestOf(one), await digestOf(two)], [digest, other]);
  const again = await run(['load'], { stdin: await readFile(file) });
  assert.equal(again.code, 0, again.stderr);

  assert.equal((await run(['tag', '--force', two, one])).code, 0);
  assert.equal((await run(['rmi', '--sync', two])).code, 0);
  const taken = await run(['load', '-i', file]);
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, new RegExp(`^dist: image ${one} is there already, as ${other}; --force takes`));
  assert.equal(await digestOf(one), other);
  assert.doesNotMatch((await run(['images', '-q'])).stdout, /two/, 'none is named');
  assert.equal((await run(['load', '--force', '-i', file])).code, 0);
  assert.equal(await digestOf(one), digest);

  await writeFile(file, 'no archive');
  const broken = await run(['load', '-i', file]);
  assert.equal(broken.code, 1);
  const absent = await run(['load', '-i', join(daemon.dir, 'absent.tar')]);
  assert.match(absent.stderr, /^dist: archive .*absent\.tar can't be opened: .*\n$/);
});

test('an image of an archive that says no name, or a tag alone, is found by the name that load tells', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const pushed = await registry.push(await small('1'), 'one');
  for (const tag of ['', ':7.2']) {
    const file = join(daemon.dir, `one${tag.length}.tar`);
    await output('skopeo', ['copy', '--src-tls-verify=false', `docker://${pushed}`, `oci-archive:${file}${tag}`]);
    const { code, stdout, stderr } = await run(['load', '-i', file]);
    assert.equal(code, 0, stderr);
    const name = stdout.trim();
    assert.match(
      name,
      tag === '' ? /^docker\.io\/library\/loaded@sha256:[0-9a-f]{64}$/ : /^docker\.io\/library\/loaded:7\.2$/,
    );
    for (const typed of [name, name.replace('docker.io/library/', '')]) {
      const inspected = await run(['inspect', typed]);
      assert.equal(inspected.code, 0, inspected.stderr);
    }
    assert.equal((await run(['tag', name, 'other:1'])).code, 0);
    assert.equal((await run(['rmi', name, 'other:1'])).code, 0);
  }
});

test('names that other clients have given are found as they are, after what a short name stands for', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const ok = succeeding(daemon);
  const pushed = await registry.push(await small('1'), 'one');
  await ok('pull', '--quiet', pushed);
  const name = async (...names: readonly string[]) => {
    for (const each of names)
      await output('ctr', ['-a', daemon.address, '-n', daemon.namespace, 'i', 'tag', pushed, each]);
  };
  await name('short', 'Not A Reference', 'docker.io/library/both:latest', 'both');
  const saved = join(daemon.dir, 'saved.tar');
  for (const typed of ['short', 'Not A Reference']) {
    assert.match(await ok('inspect', typed), /"digest"/);
    await ok('save', '-o', saved, typed);
    await ok('tag', typed, 'copy:1');
    assert.equal(await ok('rmi', typed), `${typed}\n`);
    const gone = await run(['rmi', typed]);
    assert.equal(gone.code, 1);
    assert.match(
      gone.stderr,
      /^dist: .*(docker\.io\/library\/short:latest.*not found|Not A Reference.*has upper-case)/s,
    );
  }
  assert.equal(await ok('rmi', 'both'), 'docker.io/library/both:latest\n');
  assert.equal(await ok('rmi', 'both'), 'both\n');
});

test('two loads at once of different images by the same names: one is named whole, and the other not at all', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const ok = succeeding(daemon);
  const names = ['first.example/x:1', 'second.example/x:1'];
  const files = await Promise.all(
    ['1', '2'].map(async (text) => {
      const pulled = await registry.push(await small(text), `made-${text}`);
      await ok('pull', '--quiet', pulled);
      // Each file has the names in another order, so that none is decided by the first name alone.
      const ordered = text === '1' ? names : names.toReversed();
      return { pulled, ordered, file: join(daemon.dir, `${text}.tar`) };
    }),
  );
  for (const { pulled, ordered, file } of files) {
    for (const name of ordered) await ok('tag', '--force', pulled, name);
    await ok('save', '-o', file, ...ordered);
  }
  for (let round = 0; round < 5; round += 1) {
    await ok('rmi', ...names);
    const told = await Promise.all(files.map(({ file }) => run(['load', '-i', file])));
    assert.deepEqual(told.map(({ code }) => code).sort(), [0, 1], told.map(({ stderr }) => stderr).join(''));
    const digests = await Promise.all(
      names.map(async (name) => (await ok('inspect', name)).match(/"digest": "[^"]*"/u)?.[0]),
    );
    assert.equal(digests[0], digests[1]);
  }
});

test('history: every step, newest first, with the sizes of its layer', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const created = new Date(Date.now() - 3 * 86_400_000 - 1000).toISOString();
  const layers = [await makeLayer([{ path: 'a', data: 'x' }]), await makeLayer([{ path: 'b', data: 'y' }])];
  const history = [
    { created, created_by: 'ADD base' },
    { created, created_by: 'ENV A=\u001b[31m1', empty_layer: true },
    { created, created_by: `RUN ${'x'.repeat(100)}`, comment: 'by hand' },
  ];
  const reference = await registry.push(makeImage({ layers, history }), 'made');
  const remote = await run(['history', '--remote', reference]);
  assert.equal(remote.code, 0, remote.stderr);
  const [head = '', ...rows] = remote.stdout.trimEnd().split('\n');
  assert.match(head, /^CREATED +CREATED BY +SIZE +COMMENT$/);
  assert.match(rows[0] ?? '', /^3 days ago +RUN x{55}… +\d+ B +by hand$/);
  assert.match(rows[1] ?? '', /^3 days ago +ENV A=.*1 +0 B +-$/);
  assert.ok(!remote.stdout.includes('\u001b'));
  assert.match(rows[2] ?? '', /^3 days ago +ADD base +\d+ B +-$/);
  assert.equal((await run(['pull', '--quiet', reference])).code, 0);
  const told = JSON.parse((await run(['history', '--json', reference])).stdout) as {
    createdBy: string;
    size: number;
  }[];
  assert.deepEqual(
    told.map(({ size }) => size),
    [layers[1]?.bytes.length, 0, layers[0]?.bytes.length],
  );
  assert.match((await run(['history', '--no-trunc', reference])).stdout, /x{100}/);
});

test('prune: what no container uses, told first and then removed', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = runner(daemon);
  const used = await registry.push(await makeBusyboxImage(), 'used');
  const [a, b] = [await registry.push(await small('a'), 'a'), await registry.push(await small('b'), 'b')];
  assert.equal((await run(['pull', '--quiet', used, a, b])).code, 0);
  assert.equal((await runCommand(ctr, daemon, ['run', '-d', '--id', 'box', used, 'sleep', '1000'])).code, 0);
  const told = await run(['prune']);
  assert.deepEqual(
    [told.code, told.stdout, told.stderr],
    [0, `${a}\n${b}\n`, 'dist: 2 images are used by no container; --force removes them\n'],
  );
  assert.equal((await run(['images', '-q'])).stdout, `${a}\n${b}\n${used}\n`);
  const gone = await run(['prune', '--force']);
  assert.deepEqual([gone.code, gone.stdout], [0, `${a}\n${b}\n`]);
  assert.match(gone.stderr, /^dist: 2 images went, and .* with them\n$/);
  assert.equal((await run(['images', '-q'])).stdout, `${used}\n`);
  assert.equal((await runCommand(ctr, daemon, ['exec', 'box', 'true'])).code, 0);
  assert.match((await run(['prune'])).stderr, /every image is used/);
});
