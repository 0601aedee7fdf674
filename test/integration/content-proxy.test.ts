import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { collectGarbage } from '../../src/client/index.js';
import type { ContentStore } from '../../src/core/content/content-store.js';
import { remoteContent } from '../../src/remote/content.js';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openContainerd } from '../support/containerd.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { sessionOf } from '../support/whole-stores.js';

const MB = 1_000_000;

const using = (address: string) => ({ config: { proxy_plugins: { far: { type: 'content', address } } } });

/** What the store behind `address` has of ours. */
function farContent(address: string): ContentStore & Disposable {
  const channel = new Channel({ address, schema: wholeSchema });
  const content = remoteContent(channel)({ namespace: 'wharfd' });
  return Object.assign(content, { [Symbol.dispose]: () => channel.close() });
}

async function digestsIn(content: ContentStore): Promise<readonly string[]> {
  const digests: string[] = [];
  for await (const { digest } of content.list()) digests.push(digest);
  return digests.sort();
}

async function ok(program: typeof dist, daemon: TestDaemon, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Nothing of content lies in the daemon's own folders. */
async function assertNoFiles({ root }: TestDaemon): Promise<void> {
  for (const place of ['content/blobs/sha256', 'content/ingest', 'spool']) {
    assert.deepEqual(await readdir(join(root, place)).catch(() => []), [], place);
  }
}

test("containerd's content store behind ours: images are pulled, run, checked, repaired, exported and removed", async () => {
  await using containerd = await openContainerd();
  await using registry = await openRegistry();
  await using daemon = await openDaemon(using(containerd.address));
  using far = farContent(containerd.address);
  const image = await makeBusyboxImage();
  const name = await registry.push(image, 'busybox');
  await ok(dist, daemon, 'pull', name);
  const all = [image.target.digest, ...image.blobs.keys()].sort();
  assert.deepEqual(await digestsIn(far), all);
  assert.equal(await ok(ctr, daemon, 'run', '--rm', '--id', 'one', name, 'echo', 'from afar'), 'from afar\n');
  await assertNoFiles(daemon);

  using session = sessionOf(daemon);
  const { plugins } = await session
    .service('containerd.services.introspection.v1.Introspection')
    .plugins({ filters: ['type==io.containerd.content.v1'] });
  assert.deepEqual(
    plugins.map(({ id, exports }) => ({ id, exports })),
    [{ id: 'far', exports: { address: containerd.address } }],
  );

  const [layer = ''] = [...image.blobs.entries()].sort(([, a], [, b]) => b.length - a.length).map(([digest]) => digest);
  const blob = join(dirname(containerd.state), 'root/io.containerd.content.v1.content/blobs', layer.replace(':', '/'));
  const bytes = await readFile(blob);
  const [whole = 0] = bytes.subarray(100);
  bytes[100] = whole ^ 1;
  await writeFile(blob, bytes);
  const broken = await runCommand(dist, daemon, ['fsck']);
  assert.notEqual(broken.code, 0);
  assert.ok(broken.stdout.includes(layer) && broken.stdout.includes('altered'), broken.stdout);
  const repair = await runCommand(dist, daemon, ['fsck', '--repair', '--plain-http']);
  if (repair.code !== 0) {
    // containerd shares what it has not collected yet, whatever its bytes.
    assert.match(repair.stdout, /altered even after it was fetched anew/);
    bytes[100] = whole;
    await writeFile(blob, bytes);
  }
  await ok(dist, daemon, 'fsck');

  const archive = join(daemon.dir, 'saved.tar');
  await ok(dist, daemon, 'save', '-o', archive, name);
  await ok(dist, daemon, 'rmi', name);
  await collectGarbage(session);
  assert.deepEqual(await digestsIn(far), []);
  await ok(dist, daemon, 'load', '-i', archive);
  assert.equal(await ok(ctr, daemon, 'run', '--rm', '--id', 'two', name, 'echo', 'again'), 'again\n');
  await collectGarbage(session); // the index over all of the archive has no name
  assert.deepEqual(await digestsIn(far), all);
  await assertNoFiles(daemon);
});

test('a pull into a content store of another program goes on where it was when either daemon was killed', async () => {
  await using registry = await openFaultRegistry('127.0.0.1', { link: { total: 40 * MB } });
  await using other = await openDaemon();
  await using daemon = await openDaemon(using(other.address));
  const layers = await Promise.all(
    [0, 1, 2].map((at) => makeLayer([{ path: `file${at}`, data: randomBytes(20 * MB) }], 'none')),
  );
  const image = makeImage({ layers });
  const size = [...image.blobs.values()].reduce((sum, { length }) => sum + length, image.target.size);
  const reference = registry.add(image, 'a/b');
  const pull = () => runBuilt('dist', daemon, ['pull', reference]);
  const plan = [
    { share: 0.3, victim: daemon },
    { share: 0.6, victim: other },
  ];
  const kills: Promise<void>[] = [];
  registry.script = (_, answer) => {
    const { share, victim } = plan[0] ?? { share: Infinity, victim: daemon };
    if (registry.sentBytes > share * size) {
      plan.shift();
      kills.push(victim.kill());
    }
    return answer.body.length <= 5 * MB ? answer : { ...answer, cutAfter: 5 * MB };
  };
  assert.notEqual((await pull()).code, 0);
  await Promise.all(kills);
  await daemon.start();

  const away = await pull();
  assert.equal(away.code, 1);
  await Promise.all(kills);
  assert.match(away.stderr.toString(), /content store far|connection to content store/);
  const gone = await pull();
  assert.equal(gone.code, 1);
  assert.ok(
    gone.stderr.toString().includes(`content store far does not answer at ${other.address}`),
    gone.stderr.toString(),
  );
  await other.start();
  await eventually(async () => {
    const { code, stderr } = await pull();
    assert.equal(code, 0, stderr.toString());
  });
  assert.ok(registry.sentBytes <= 1.1 * size, `${registry.sentBytes} of ${size}`);
  await ok(dist, daemon, 'fsck');
  await assertNoFiles(daemon);
});

test('what the other program has by itself is not fetched', async () => {
  await using registry = await openFaultRegistry();
  await using other = await openDaemon();
  await using daemon = await openDaemon(using(other.address));
  using far = farContent(other.address);
  using session = sessionOf(daemon);
  await collectGarbage(session);
  const image = makeImage({ layers: [await makeLayer([{ path: 'f', data: randomBytes(MB) }])] });
  const [layer, bytes] = [...image.blobs].sort(([, a], [, b]) => b.length - a.length)[0] ?? assert.fail();
  {
    await using writer = await far.writer('by itself');
    await writer.write(bytes);
    await writer.commit({}, { 'containerd.io/gc.root': 'yes' });
  }
  await ok(dist, daemon, 'pull', registry.add(image, 'a/b'));
  assert.ok(registry.seen.every(({ method, uri }) => method !== 'GET' || !uri.includes(layer)));
  await ok(dist, daemon, 'fsck');
});

test('two content stores are too many', async () => {
  const plugins = { a: { type: 'content', address: '/a.sock' }, b: { type: 'content', address: '/b.sock' } };
  await assert.rejects(openDaemon({ config: { proxy_plugins: plugins } }), /only one content store can be used/);
});
