import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { Teardown } from '../../src/base/teardown.js';
import { dist } from '../../src/cli/dist/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { type CommandOptions, runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { type Image, makeImage, makeIndex, makeLayer, tarOf } from '../support/image.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { run as runProcess } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;

before(async () => {
  registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
});

after(() => down.run());

function run(args: readonly string[], options?: CommandOptions): Promise<Told> {
  return runCommand(dist, daemon, args, options);
}

/** The command must end by 0 and say nothing on stderr; returns its stdout. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `dist ${args.join(' ')}`);
  return stdout;
}

async function imageOf(text: string): Promise<Image> {
  return makeImage({ layers: [await makeLayer([{ path: 'file', data: text }])] });
}

/** What a push of the image would send: manifest, config and layers. */
function packedSize(image: Image): number {
  return [...image.manifests.map(({ bytes }) => bytes), ...image.blobs.values()].reduce(
    (sum, { length }) => sum + length,
    0,
  );
}

test('dist pull: progress by lines, a second one fetches nothing, images shows what a push would send', async () => {
  const image = await imageOf('first');
  const reference = await registry.push(image, 'first');
  const lines = (await ok('pull', reference)).trimEnd().split('\n');
  assert.equal(lines[0], `${reference}: resolving`);
  for (const digest of image.blobs.keys())
    assert.ok(
      lines.some((line) => line.includes(digest)),
      digest,
    );
  assert.match(lines.at(-2) ?? '', /^elapsed: \d+\.\d s +total: +\S+ B +\(\S+ \S+\/s\)$/);
  assert.equal(lines.at(-1), `${reference} ${image.target.digest}`);

  const before = registry.answered.length;
  assert.match(await ok('pull', reference), /\(0 B\/s\)/);
  const again = registry.answered.slice(before).filter(({ uri }) => uri.includes('/blobs/'));
  assert.deepEqual(again, []);
  const row = (await ok('images')).split('\n')[1]?.split(/ {2,}/) ?? [];
  const { mediaType, digest } = image.target;
  assert.deepEqual(row.slice(0, 4), [reference, mediaType, digest, `${packedSize(image)} B`]);
  assert.equal(await ok('images', '-q'), `${reference}\n`);
});

test('dist fetch and fetch-object: content without a name, an object without content', async () => {
  const image = await imageOf('fetched');
  const reference = await registry.push(makeIndex([image]), 'fetched');
  const object = await run(['fetch-object', reference]);
  assert.equal(object.code, 0, object.stderr);
  assert.equal(digestOf(object.bytes.stdout), makeIndex([image]).target.digest);
  assert.equal(await ok('list', '-q', image.target.digest), '');
  const [layer, bytes] = [...image.blobs][0] ?? assert.fail('no blob');
  const blob = await run(['fetch-object', `${registry.host}/fetched@${layer}`]);
  assert.equal(blob.code, 0, blob.stderr);
  assert.ok(blob.bytes.stdout.equals(bytes));

  await ok('fetch', reference);
  for (const digest of image.blobs.keys()) assert.equal(await ok('list', '-q', digest), `${digest}\n`);
  assert.doesNotMatch(await ok('images', '-q'), /fetched/);
});

test('dist ingest, get, list, edit, delete: content by hand', async () => {
  const bytes = randomBytes(3 << 20);
  const digest = digestOf(bytes);
  const expected = ['--expected-size', String(bytes.length), '--expected-digest', digest];
  const stored = await run(['ingest', ...expected, 'by-hand'], { stdin: bytes });
  assert.deepEqual([stored.code, stored.stdout, stored.stderr], [0, `${digest}\n`, '']);
  const got = await run(['get', digest]);
  assert.ok(got.bytes.stdout.equals(bytes));
  assert.match(await ok('ls', digest.slice(7, 20)), new RegExp(`^${digest} +3\\.0 MiB +`, 'm'));
  for (const wrong of [
    ['--expected-size', '5'],
    ['--expected-digest', digestOf('other')],
  ]) {
    const refused = await run(['ingest', ...wrong, `wrong${wrong[0] ?? ''}`], { stdin: 'four' });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^dist: [^\n]+\n$/);
  }
  const text = await run(['ingest', 'text'], { stdin: '{"a": 1}' });
  const edited = await run(['edit', text.stdout.trim()], {
    env: { EDITOR: 'sed -i s/1/2/' },
    spawn: (file, args) => Promise.resolve({ code: spawnSync(file, [...args]).status ?? 1 }),
  });
  assert.deepEqual([edited.code, edited.stdout, edited.stderr], [0, `${digestOf('{"a": 2}')}\n`, '']);
  assert.equal(await ok('get', edited.stdout.trim()), '{"a": 2}');

  assert.equal(await ok('delete', digest), `${digest}\n`);
  assert.equal((await run(['delete', digest])).code, 0);
  const mixed = await run(['del', 'nonsense', text.stdout.trim()]);
  assert.deepEqual([mixed.code, mixed.stdout], [1, text.stdout]);
  assert.match(mixed.stderr, /^dist: [^\n]*nonsense[^\n]*\n$/);
  assert.equal((await run(['get', digest])).code, 1);
});

test('a command reads no certificates at its start, and what it starts has the environment as the user gave it', async (t) => {
  const { path: home } = await tempDir(t);
  const [missing, told] = [join(home, 'no-certificates'), join(home, 'told')];
  const text = await run(['ingest', 'for the editor'], { stdin: '{"b": 1}' });
  const environmentFrom = async (extra: Record<string, string>) => {
    const edited = await runProcess(join(PACKAGE_ROOT, 'bin/dist'), ['edit', text.stdout.trim()], {
      env: {
        ...{ PATH: process.env['PATH'], WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace },
        ...{ EDITOR: `env >${told}; sed -i s/1/2/`, ...extra },
      },
    });
    // Node warns of certificates that it can't read.
    assert.deepEqual([edited.code, edited.stderr.toString()], [0, '']);
    return (await readFile(told, 'utf8')).split('\n').filter((line) => line.includes('CA_CERTS'));
  };
  assert.deepEqual(await environmentFrom({ NODE_EXTRA_CA_CERTS: missing }), [`NODE_EXTRA_CA_CERTS=${missing}`]);
  assert.deepEqual(await environmentFrom({}), []);
});

test('dist rmi: each name by itself, and the first error is the exit code', async () => {
  const names = [await registry.push(await imageOf('one'), 'one'), await registry.push(await imageOf('two'), 'two')];
  for (const name of names) await ok('pull', name);
  const missing = `${registry.host}/none:latest`;
  const { code, stdout, stderr } = await run(['rmi', names[0] ?? '', missing, names[1] ?? '']);
  assert.deepEqual([code, stdout], [1, `${names.join('\n')}\n`]);
  assert.match(stderr, /^dist: [^\n]*none:latest[^\n]*not found[^\n]*\n$/);
  const left = await ok('images', '-q');
  for (const name of names) assert.ok(!left.includes(name));
});

test('dist apply: a layer on stdin becomes a folder', async (t) => {
  const dir = await tempDir(t);
  const tar = await tarOf([{ path: 'deep/file', data: 'applied\n', mode: 0o640 }]);
  for (const packing of ['none', 'gzip', 'zstd'] as const) {
    const layer = await makeLayer([{ path: 'deep/file', data: 'applied\n', mode: 0o640 }], packing);
    const { code, stdout, stderr } = await run(['apply', dir.path], { stdin: layer.bytes });
    assert.deepEqual([code, stdout, stderr], [0, `${digestOf(tar)}\n`, ''], packing);
    assert.equal(await readFile(join(dir.path, 'deep/file'), 'utf8'), 'applied\n');
  }
});

test('dist: what is asked for wrongly is told with the usage, and help is no error', async () => {
  for (const args of [[], ['pull'], ['get', 'a', 'b'], ['images', '--frobnicate']]) {
    const { code, stderr } = await run(args);
    assert.equal(code, 1, args.join(' '));
    assert.notEqual(stderr, '');
  }
  assert.match(await ok('--help'), /^Usage: dist /);
  assert.match(await ok('pull', '--help'), /^Usage: dist pull /);
});
