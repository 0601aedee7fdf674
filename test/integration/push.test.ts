import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { runCommand, type CommandOptions, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { HOST_PLATFORM, type Image, layerOf, makeImage, makeIndex, makeLayer } from '../support/image.js';
import { openRegistry, type Registry, type RegistryOptions } from '../support/registry.js';
import { output } from '../support/run.js';

interface Fixture extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly from: Registry;
  readonly to: Registry;
  run(args: readonly string[], options?: CommandOptions): Promise<Told>;
  /** Runs it and expects that it works. */
  good(...args: readonly string[]): Promise<Told>;
}

async function open(auth?: RegistryOptions['auth']): Promise<Fixture> {
  const from = await openRegistry();
  const to = await openRegistry(auth ? { auth } : {});
  const daemon = await openDaemon();
  const run: Fixture['run'] = (args, options) => runCommand(dist, daemon, args, options);
  return {
    daemon,
    from,
    to,
    run,
    async good(...args) {
      const told = await run(args);
      assert.equal(told.code, 0, told.stderr);
      return told;
    },
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
}

const someImage = async (format: 'oci' | 'docker' = 'oci', architecture = HOST_PLATFORM.architecture): Promise<Image> =>
  makeImage({
    format,
    platform: { os: 'linux', architecture },
    layers: [
      await makeLayer([{ path: 'f', data: randomBytes(3_000_000) }]),
      await makeLayer([{ path: architecture, data: 'x' }]),
    ],
  });

/** The digest of what skopeo finds there; it also reads every blob, and checks it. */
async function readBack(reference: string, dir: string, all = false): Promise<string> {
  const raw = await output('skopeo', ['inspect', '--tls-verify=false', '--raw', `docker://${reference}`]);
  const copy = ['copy', '--quiet', '--src-tls-verify=false', ...(all ? ['--all', '--preserve-digests'] : [])];
  await output('skopeo', [...copy, `docker://${reference}`, `oci:${dir}:x`]);
  return digestOf(Buffer.from(raw));
}

const uploads = (registry: Registry): number =>
  registry.answered.filter(({ method, uri }) => method === 'POST' && uri.includes('/blobs/uploads/')).length;

for (const format of ['oci', 'docker'] as const) {
  test(`an image (${format}) is pushed, skopeo reads back the same; a second push sends nothing`, async () => {
    await using f = await open();
    const image = await someImage(format);
    const reference = await f.from.push(image, 'a/b');
    const target = `${f.to.host}/c/d:v1`;
    await f.good('pull', reference);
    const told = await f.good('push', reference, target);
    assert.match(told.stdout, /layer-sha256:[0-9a-f]{64}: uploading/);
    assert.equal(await readBack(target, `${f.daemon.dir}/oci`), image.target.digest);
    const before = uploads(f.to);
    assert.equal(before, 3);
    await f.good('push', reference, target);
    await f.good('tag', reference, `${f.to.host}/c/d:v2`);
    await f.good('push', `${f.to.host}/c/d:v2`);
    assert.equal(uploads(f.to), before);
    assert.equal(await readBack(`${f.to.host}/c/d:v2`, `${f.daemon.dir}/oci2`), image.target.digest);
  });
}

test('blobs of another repository are mounted; with tokens for both', async () => {
  await using f = await open('login');
  const image = await someImage();
  const reference = await f.from.push(image, 'a/b');
  await f.good('pull', reference);
  for (const name of ['one', 'two']) {
    const told = await f.run(['push', '-u', 'user', reference, `${f.to.host}/${name}:v1`], { stdin: 'right' });
    assert.equal(told.code, 0, told.stderr);
  }
  const mounts = f.to.answered.filter(({ uri }) => uri.includes('mount='));
  assert.deepEqual(
    mounts.map(({ method, status }) => [method, status]),
    mounts.map(() => ['POST', 201]),
  );
  assert.equal(mounts.length, 3);
  const denied = await f.run(['push', reference, `${f.to.host}/three:v1`]);
  assert.match(denied.stderr, /: token for repository:three:pull,push: .* denies access.*\n$/);
  const wrong = await f.run(['push', '-u', 'user', reference, `${f.to.host}/three:v1`], { stdin: 'wrong' });
  assert.match(wrong.stderr, /user or password are wrong/);
});

test('an index: this machine\u2019s part, a named one, or everything; what was not pulled is named', async () => {
  await using f = await open();
  const [mine, other] = [await someImage(), await someImage('oci', 'riscv64')];
  const index = makeIndex([mine, other]);
  const reference = await f.from.push(index, 'a/b');
  const target = `${f.to.host}/c/d:v1`;
  await f.good('pull', reference);
  await f.good('push', reference, target);
  assert.equal(await readBack(target, `${f.daemon.dir}/one`), mine.target.digest);
  const partial = await f.run(['push', '--all-platforms', reference, target]);
  assert.match(partial.stderr, /its part for linux\/riscv64 is missing; pull it with --all-platforms/);
  const absent = await f.run(['push', '--platform', 'linux/riscv64', reference, target]);
  assert.match(absent.stderr, /is not here for linux\/riscv64; pull it with --platform linux\/riscv64/);
  assert.equal(absent.code + partial.code, 2);
  await f.good('pull', '--all-platforms', '--no-unpack', reference);
  await f.good('push', '--platform', 'linux/riscv64', reference, target);
  assert.equal(await readBack(target, `${f.daemon.dir}/two`, true), other.target.digest);
  await f.good('push', '--all-platforms', reference, target);
  assert.equal(await readBack(target, `${f.daemon.dir}/all`, true), index.target.digest);
});

test('single objects are pushed by their digest', async () => {
  await using f = await open();
  const image = makeImage({ layers: [layerOf(randomBytes(1000), 'none')] });
  const reference = await f.from.push(image, 'a/b');
  const target = `${f.to.host}/c/d:v1`;
  await f.good('fetch', reference);
  const early = await f.run(['push-object', target, image.target.digest]);
  assert.match(early.stderr, /^dist: push of sha256:.*(unknown|invalid).*\n$/);
  for (const digest of image.blobs.keys()) {
    const { stdout } = await f.good('push-object', target, digest);
    assert.equal(stdout, `${digest} application/octet-stream pushed\n`);
  }
  const { stdout } = await f.good('push-object', target, image.target.digest);
  assert.equal(stdout, `${image.target.digest} ${image.target.mediaType} pushed\n`);
  assert.equal(await readBack(target, `${f.daemon.dir}/oci`), image.target.digest);
  const again = await f.good('push-object', target, image.target.digest);
  assert.match(again.stdout, / exists\n$/);
});

test('tag: a name that another image has is not taken away without --force', async () => {
  await using f = await open();
  const [one, two] = [await f.from.push(await someImage(), 'one'), await f.from.push(await someImage(), 'two')];
  await f.good('pull', one);
  await f.good('pull', two);
  const refused = await f.run(['tag', one, two, 'localhost/free']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is there already, as sha256:.*--force/);
  assert.match(refused.stdout, /^localhost\/free:latest\n$/);
  await f.good('tag', '--force', one, two);
  const images = (await f.good('images')).stdout.split('\n').slice(1).filter(Boolean);
  assert.equal(new Set(images.map((line) => line.split(/ +/)[2])).size, 1);
  const missing = await f.run(['tag', 'localhost/missing', 'localhost/other']);
  assert.match(missing.stderr, /not found/);
  assert.match((await f.run(['push', 'localhost/missing'])).stderr, /not found/);
});
