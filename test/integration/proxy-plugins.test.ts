import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { collectGarbage } from '../../src/client/index.js';
import { chainIds } from '../../src/spec/chain-id.js';
import { digestOf } from '../../src/spec/digest.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { type FarSnapshotter, openFarSnapshotter } from '../support/far-snapshotter.js';
import { type Entry, type Image, makeImage, makeLayer } from '../support/image.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { tempDir } from '../support/temp-dir.js';
import { keptBy, sessionOf } from '../support/whole-stores.js';

const FAR = ['--snapshotter', 'far'];

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;
let far: FarSnapshotter;

before(async () => {
  registry = down.own(await openRegistry());
  const home = down.own(await tempDir());
  far = down.own(await openFarSnapshotter(home.path, 'far'));
  const plugins = { far: { type: 'snapshot', address: far.address } };
  daemon = down.own(await openDaemon({ config: { proxy_plugins: plugins } }));
});

after(() => down.run());

async function ok(program: typeof dist, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Busybox, and a layer over it with a file that says `text`. */
async function imageWith(
  text: string,
  entries?: readonly Entry[],
): Promise<{ readonly image: Image; readonly chain: readonly string[] }> {
  const layers = [
    await makeLayer(entries ?? (await busyboxEntries())),
    await makeLayer([{ path: 'etc/told', data: `${text}\n` }]),
  ];
  const chain = chainIds(layers.map(({ diffId }) => diffId));
  return { image: makeImage({ layers, settings: { Cmd: ['cat', '/etc/told'], Env: ['PATH=/bin'] } }), chain };
}

async function names(): Promise<readonly string[]> {
  return (await far.list(daemon.namespace)).map(({ name }) => name);
}

test('an image is unpacked into a snapshotter of another program, runs on it, and leaves nothing in it', async () => {
  const { image, chain } = await imageWith('by hand');
  const name = await registry.push(image, 'far');
  await ok(dist, 'pull', ...FAR, name);
  assert.equal((await names()).length, 2);
  for (const key of await names()) assert.match(key, new RegExp(`^${daemon.namespace}/\\d+/sha256:`));
  assert.equal(await ok(ctr, 'run', ...FAR, name), 'by hand\n');
  assert.equal(
    await ok(ctr, 'run', '--id', 'box', ...FAR, name, 'sh', '-c', 'echo more >> /etc/told; cat /etc/told'),
    'by hand\nmore\n',
  );
  const listed = await ok(ctr, 'snapshots', 'ls', ...FAR);
  for (const each of chain) assert.ok(listed.includes(each), listed);
  using session = sessionOf(daemon);
  const { plugins } = await session
    .service('containerd.services.introspection.v1.Introspection')
    .plugins({ filters: ['type==io.containerd.snapshotter.v1,id==far'] });
  assert.deepEqual(plugins[0]?.exports, { address: far.address });
  await ok(dist, 'rmi', name);
  await collectGarbage(session);
  assert.deepEqual(await names(), []);
});

test('a layer that the snapshotter has by itself is not fetched; it is told which image and layer are meant', async () => {
  const { image, chain } = await imageWith('never fetched', [
    { path: 'etc', type: 'directory' },
    { path: 'etc/by-itself' },
  ]);
  const [lowest = ''] = chain;
  far.has(lowest, async (directory) => {
    await mkdir(join(directory, 'etc'));
    await writeFile(join(directory, 'etc/by-itself'), 'here');
  });
  const before = far.asked.length;
  const name = await registry.push(image, 'lazy');
  await ok(dist, 'pull', ...FAR, name);
  const manifest = JSON.parse(String(image.manifests[0]?.bytes)) as { layers: { digest: string }[] };
  const [below = '', above = ''] = manifest.layers.map(({ digest }) => digest);
  const told = far.asked[before];
  assert.deepEqual(told, {
    'containerd.io/snapshot.ref': lowest,
    'containerd.io/snapshot/cri.image-ref': name,
    'containerd.io/snapshot/cri.manifest-digest': image.target.digest,
    'containerd.io/snapshot/cri.layer-digest': below,
    'containerd.io/snapshot/cri.image-layers': `${below},${above}`,
  });
  using session = sessionOf(daemon);
  const { digests, images } = await keptBy(session);
  assert.ok(images.includes(name));
  assert.deepEqual([digests.includes(below), digests.includes(above)], [false, true]);
  assert.ok((await names()).includes(lowest), 'the key is the one that the snapshotter has chosen');
  const directory = join(daemon.dir, 'mounted');
  await mkdir(directory);
  await ok(dist, 'mount', ...FAR, name, directory);
  await ok(dist, 'unmount', directory);
  await ok(dist, 'pull', ...FAR, name);
  await ok(dist, 'rmi', name);
  await collectGarbage(session);
  assert.deepEqual(await names(), []);
});

test('a snapshotter that is away is named with its socket; when it is back, all goes on', async () => {
  const { image } = await imageWith('again');
  const name = await registry.push(image, 'away');
  await far.stop();
  const { code, stderr } = await runCommand(dist, daemon, ['pull', ...FAR, name]);
  assert.equal(code, 1);
  assert.ok(stderr.includes(`snapshotter far does not answer at ${far.address}`), stderr);
  assert.equal((await runCommand(dist, daemon, ['pull', '--snapshotter', 'overlayfs', name])).code, 0);
  await far.start();
  await eventually(() => ok(dist, 'pull', ...FAR, name));
  await far.stop();
  assert.equal(await daemon.stop(), 0);
  await daemon.start();
  await far.start();
  assert.equal(await eventually(() => ok(ctr, 'run', ...FAR, name)), 'again\n');
});

test('layers of another digest than the config says are refused, and nothing of them stays', async () => {
  const layers = [await makeLayer([{ path: 'a' }])];
  const image = makeImage({ layers, diffIds: [digestOf('another')] });
  const name = await registry.push(image, 'wrong');
  const { code, stderr } = await runCommand(dist, daemon, ['pull', ...FAR, name]);
  assert.equal(code, 1);
  assert.match(stderr, /the image is broken/);
  using session = sessionOf(daemon);
  await collectGarbage(session);
  const listed = await ok(ctr, 'snapshots', 'ls', ...FAR);
  assert.doesNotMatch(listed, /extract-/);
  assert.ok((await names()).every((key) => !key.includes('extract-')));
});
