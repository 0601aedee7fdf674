import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import type { Logger } from '../../src/base/logger.js';
import { SILENT } from '../../src/base/logger.js';
import type { Labels } from '../../src/spec/labels.js';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { openLocalStores, type LocalStores } from '../support/stores.js';
import { tempDir } from '../support/temp-dir.js';

const SCOPE = { namespace: 'testing' };
const SLOW = { collectDelayMs: 3_600_000 };
const IMAGES = 300;
const BLOBS = 20;

async function putBlob({ content }: LocalStores, bytes: Buffer): Promise<Digest> {
  await using writer = await content(SCOPE).writer(digestOf(bytes));
  await writer.write(bytes);
  return (await writer.commit({}, { 'containerd.io/gc.root': 'x' })).digest;
}

/** Stores with something of everything, closed again. */
async function fill(root: string): Promise<readonly Digest[]> {
  await using stores = await openLocalStores(root, SLOW);
  const digests: Digest[] = [];
  for (let at = 0; at < BLOBS; at += 1) digests.push(await putBlob(stores, randomBytes(10_000)));
  for (let at = 0; at < IMAGES; at += 1) {
    const target = { mediaType: 'm', digest: digests[at % BLOBS] ?? digestOf(''), size: 10_000 };
    await stores.images(SCOPE).create({ name: `image-${at}`, labels: { filler: 'x'.repeat(500) }, target });
  }
  await stores.snapshots(SCOPE).prepare('base', '');
  await stores.snapshots(SCOPE).commit('layer', 'base');
  await stores.snapshots(SCOPE).prepare('writable', 'layer');
  return digests;
}

function recording(): { readonly log: Logger; readonly messages: string[] } {
  const messages: string[] = [];
  const note = (_: object, message: string) => void messages.push(message);
  return { log: { ...SILENT, warn: note, error: note }, messages };
}

async function contentOf(stores: LocalStores, namespace: string): Promise<Map<string, Labels>> {
  const found = new Map<string, Labels>();
  for await (const { digest, labels } of stores.content({ namespace }).list()) found.set(digest, labels);
  return found;
}

async function brokenFiles(root: string): Promise<readonly string[]> {
  return (await readdir(root)).filter((name) => /^meta\.db\.broken-\d{8}T\d{6}Z$/.test(name));
}

async function damaged(t: TestContext, damage: (database: string) => Promise<void>) {
  const root = await tempDir(t);
  const digests = await fill(root.path);
  await damage(join(root.path, 'meta.db'));
  return { root: root.path, digests };
}

test('a database with broken pages is set aside, and all that can be read of it is there again', async (t) => {
  const { root, digests } = await damaged(t, async (database) => {
    const { size } = await stat(database);
    await using file = await open(database, 'r+');
    // Somewhere in the middle, where the many images lie.
    await file.write(randomBytes(3 * 4096), 0, 3 * 4096, Math.floor(size / 2 / 4096) * 4096);
  });
  const { log, messages } = recording();
  await using stores = await openLocalStores(root, { ...SLOW, log });
  assert.equal((await brokenFiles(root)).length, 1);
  assert.match(messages.join('\n'), /the database is broken: it was set aside/);
  const all = new Set([...(await contentOf(stores, 'testing')).keys(), ...(await contentOf(stores, 'default')).keys()]);
  assert.deepEqual(all, new Set(digests));
  for (const image of await stores.images(SCOPE).list()) assert.match(image.name, /^image-\d+$/);
  await stores.images(SCOPE).create({
    name: 'new',
    labels: {},
    target: { mediaType: 'm', digest: digests[0] ?? digestOf(''), size: 10_000 },
  });
});

for (const [how, damage] of [
  ['garbage', (database: string) => writeFile(database, randomBytes(100_000))],
  ['truncated', async (database: string) => truncate(database, 6000)],
  ['empty', async (database: string) => truncate(database, 0)],
  ['gone', async (database: string) => rm(database)],
] as const) {
  test(`a database that is ${how}: content is verified and kept for a week, altered bytes are not, nothing is made up`, async (t) => {
    const { root, digests } = await damaged(t, damage);
    const [altered = digestOf('')] = digests;
    await rm(join(root, 'content/blobs', altered.replace(':', '/')));
    await writeFile(join(root, 'content/blobs', altered.replace(':', '/')), randomBytes(10_000));
    const { log, messages } = recording();
    {
      await using stores = await openLocalStores(root, { ...SLOW, log });
      const found = await contentOf(stores, 'default');
      assert.deepEqual([...found.keys()], digests.filter((digest) => digest !== altered).sort());
      for (const labels of found.values()) assert.ok(Date.parse(labels['containerd.io/gc.expire'] ?? '') > Date.now());
      assert.deepEqual(await stores.images(SCOPE).list(), []);
      assert.deepEqual(await stores.snapshots(SCOPE).list(), []);
      await stores.metadata.collector.run();
      assert.equal((await contentOf(stores, 'default')).size, BLOBS - 1);
      await stores.snapshots(SCOPE).prepare('new', '');
    }
    assert.match(messages.join('\n'), /content found on disk was verified and taken in/);
    assert.match(messages.join('\n'), /directories whose names are lost were set aside/);
    await using again = await openLocalStores(root, SLOW);
    assert.equal((await contentOf(again, 'default')).size, BLOBS - 1);
    assert.equal((await brokenFiles(root)).length, how === 'garbage' || how === 'truncated' ? 1 : 0);
  });
}

test('a daemon starts on a garbage database, and pulls the image again without its layers', async () => {
  await using registry = await openRegistry();
  const image = makeImage({ layers: [await makeLayer([{ path: 'file', data: randomBytes(500_000) }])] });
  const reference = await registry.push(image, 'lost');
  await using daemon = await openDaemon();
  const pull = ['pull', '--plain-http', reference];
  assert.equal((await runCommand(dist, daemon, pull)).code, 0);
  assert.equal(await daemon.stop(), 0);
  await writeFile(join(daemon.root, 'meta.db'), randomBytes(50_000));
  await daemon.start();
  await daemon.logged(({ msg }) => msg.startsWith('the database is broken: it was set aside'));
  const asked = registry.answered.length;
  const told = await runCommand(dist, daemon, ['--namespace', 'default', ...pull]);
  assert.equal(told.code, 0, told.stderr);
  const blobs = registry.answered.slice(asked).filter(({ method, uri }) => method === 'GET' && uri.includes('/blobs/'));
  assert.deepEqual(blobs, []);
});
