import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { Program } from '../../src/cli/shared/program.js';
import type { CollectionReport, Explanation, UsageReport } from '../../src/client/disk-usage.js';
import { ingestContent } from '../../src/client/content.js';
import { openSession } from '../../src/client/open-session.js';
import { chainIdOf } from '../../src/spec/chain-id.js';
import { digestOf } from '../../src/spec/digest.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { assertUsageTrue, onDisk } from '../support/disk-truth.js';
import { makeImage, makeLayer, type Image, type Layer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';

async function told(daemon: TestDaemon, program: Program, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

const json = async <T>(daemon: TestDaemon, ...args: string[]): Promise<T> =>
  JSON.parse(await told(daemon, dist, ...args, '--json')) as T;

function imageOf(report: UsageReport, name: string): UsageReport['images'][number] {
  const found = report.images.find((image) => image.name === name);
  assert.ok(found, name);
  return found;
}

function packedOf(image: Image): number {
  const blobs = [...image.manifests.map(({ bytes }) => bytes), ...image.blobs.values()];
  return blobs.reduce((sum, { length }) => sum + length, 0);
}

async function ownLayer(name: string): Promise<Layer> {
  return await makeLayer([
    { path: `${name}.bin`, data: randomBytes(300_000) },
    { path: `${name}.again`, type: 'link', target: `${name}.bin` },
    ...Array.from({ length: 50 }, (_, at) => ({ path: `${name}-${at}`, data: 'x' })),
  ]);
}

test('df equals what is on disk, why tells the owners, and what goes is what was told', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const base = await makeLayer(await busyboxEntries());
  const settings = { Cmd: ['sh'], Env: ['PATH=/bin'] };
  const [one, two] = [await ownLayer('one'), await ownLayer('two')];
  const images = [one, two].map((layer) => makeImage({ layers: [base, layer], settings }));
  const [first, second] = images as [Image, Image];
  const names = [await registry.push(first, 'first'), await registry.push(second, 'second')] as const;
  for (const name of names) await told(daemon, dist, 'pull', name);
  await told(daemon, dist, 'gc');

  const before = await assertUsageTrue(daemon);
  const usages = names.map((name) => imageOf(before, name));
  assert.deepEqual(
    usages.map(({ packed }) => packed),
    images.map(packedOf),
  );
  for (const { unique, reclaimable } of usages) assert.equal(reclaimable, unique);
  assert.equal(before.total.shared, usages[0]?.shared);
  assert.equal(before.total.reclaimable, before.total.shared + before.total.unique);
  assert.deepEqual([before.garbage, before.disk.writable.count, before.disk.layers.count], [0, 0, 3]);

  await told(daemon, ctr, 'run', '-d', '--id', 'box', names[0], 'sh', '-c', 'echo hello > /file; exec sleep 1000');
  const running = await assertUsageTrue(daemon);
  const used = imageOf(running, names[0]);
  assert.deepEqual(used.containers, ['box']);
  assert.ok(running.disk.writable.count >= 1);
  // Its layers stay with the container, so only what is packed would go.
  assert.equal(used.reclaimable, packedOf(first) - base.bytes.length);
  assert.equal(running.total.reclaimable, imageOf(running, names[1]).reclaimable);

  const chain = chainIdOf([base.diffId]) ?? '';
  const [explained] = await json<readonly Explanation[]>(daemon, 'why', chain);
  assert.deepEqual(
    explained?.chains.map(({ links }) => [links[0]?.kind, links[0]?.key]),
    [
      ['image', names[0]],
      ['image', names[1]],
      ['container', 'box'],
    ],
  );
  assert.deepEqual(
    explained.chains[0]?.links.map(({ kind, relation }) => [kind, relation]),
    [
      ['image', ''],
      ['content', 'target'],
      ['content', 'containerd.io/gc.ref.content.config'],
      ['snapshot', 'containerd.io/gc.ref.snapshot.overlayfs'],
      ['snapshot', 'parent'],
    ],
  );
  const text = await told(daemon, dist, 'why', digestOf(two.bytes).slice(7, 20));
  assert.match(
    text,
    /^content sha256:\w{64}, 29\d\.\d KiB of its own\n {2}kept by image \S+second:latest\n {4}target -> content/,
  );
  const missing = await runCommand(dist, daemon, ['why', 'nobody']);
  assert.deepEqual([missing.code, /nobody: no content, snapshot, image or ingest/.test(missing.stderr)], [1, true]);

  const { content, layers } = await onDisk(daemon);
  await told(daemon, dist, 'rmi', '--sync', names[1]);
  const after = await onDisk(daemon);
  assert.equal(content + layers - after.content - after.layers, imageOf(running, names[1]).reclaimable);
  await assertUsageTrue(daemon);
  await told(daemon, ctr, 'delete', '--force', 'box');
  await told(daemon, dist, 'rmi', '--sync', names[0]);
  await told(daemon, dist, 'gc');
  assert.deepEqual(await onDisk(daemon), { content: 0, layers: 0, count: 0 });
  assert.equal((await assertUsageTrue(daemon)).total.packed, 0);
});

test('a dry run tells what goes, and leaves it; the run itself takes just that', async () => {
  await using daemon = await openDaemon();
  await told(daemon, dist, 'gc');
  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  const bytes = randomBytes(10_000);
  // Not by `dist ingest`: that keeps it. Nothing is collected before the timer or a deletion asks for it.
  const digest = await ingestContent(
    session,
    { ref: 'loose' },
    (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  );
  const loose = { kind: 'content', namespace: daemon.namespace, key: digest };
  const { durationMs: _, ...foretold } = await json<CollectionReport>(daemon, 'gc', '--dry-run');
  assert.deepEqual(foretold, { removed: [loose], files: 1, layers: 0, size: bytes.length });
  assert.equal((await assertUsageTrue(daemon)).garbage, bytes.length);
  const [explained] = await json<readonly Explanation[]>(daemon, 'why', digest);
  assert.deepEqual(explained?.chains, []);
  assert.match(await told(daemon, dist, 'why', digest), /nothing keeps it: the next collection takes it/);
  const lines = await told(daemon, dist, 'gc');
  assert.equal(lines, `${daemon.namespace} content ${digest}\n1 names, 1 files and 0 layers went: 9.8 KiB\n`);
  assert.deepEqual(await onDisk(daemon), { content: 0, layers: 0, count: 0 });
});
