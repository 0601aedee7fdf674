import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { Program } from '../../src/cli/shared/program.js';
import { ingestContent } from '../../src/client/content.js';
import type { Explanation, UsageReport } from '../../src/client/disk-usage.js';
import { openSession } from '../../src/client/open-session.js';
import { digestOf } from '../../src/spec/digest.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type CommandOptions, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { openRegistry } from '../support/registry.js';

function run(daemon: TestDaemon, program: Program, args: readonly string[], options?: CommandOptions): Promise<Told> {
  return runCommand(program, daemon, args, options);
}

async function told(daemon: TestDaemon, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await run(daemon, dist, args, options);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

async function keepers(daemon: TestDaemon, name: string): Promise<readonly (string | undefined)[]> {
  const [found] = JSON.parse(await told(daemon, ['why', name, '--json'])) as Explanation[];
  assert.ok(found);
  for (const { keptBy, keptSince } of found.chains) {
    if (keptBy !== undefined) assert.ok(Math.abs(Date.parse(String(keptSince)) - Date.now()) < 60_000);
  }
  return found.chains.map(({ keptBy, links }) => keptBy ?? `${links[0]?.kind ?? ''} ${links[0]?.key ?? ''}`);
}

/** Count of blobs, of committed layers and of writable ones after a collection. */
async function leftAfterCollection(daemon: TestDaemon): Promise<readonly number[]> {
  await told(daemon, ['gc']);
  const { disk } = JSON.parse(await told(daemon, ['df', '--json'])) as UsageReport;
  return [disk.blobs.count, disk.layers.count, disk.writable.count];
}

test('what is fetched, unpacked and prepared by hand stays until it is let go', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await makeBusyboxImage();
  const reference = await registry.push(image, 'busybox');
  await told(daemon, ['fetch', reference]);
  const { digest } = image.target;
  const chain = await told(daemon, ['rootfs', 'unpack', digest]);
  await told(daemon, ['rootfs', 'prepare', chain, '/mnt/here']);
  assert.deepEqual(await leftAfterCollection(daemon), [3, 1, 1]);
  await daemon.kill();
  await daemon.start();
  assert.deepEqual(await leftAfterCollection(daemon), [3, 1, 1]);

  const [layer = ''] = image.blobs.keys();
  assert.deepEqual(await keepers(daemon, layer), [`dist fetch ${reference}`]);
  const prepared = `dist rootfs prepare ${chain} /mnt/here`;
  assert.deepEqual(await keepers(daemon, '/mnt/here'), [prepared]);
  const unpacked = `dist rootfs unpack ${digest}`;
  assert.deepEqual(await keepers(daemon, chain), [`dist fetch ${reference}`, prepared, unpacked].sort(byKind));

  const early = await run(daemon, dist, ['rootfs', 'rm', chain]);
  assert.match(early.stderr, /stays, as others need it: "dist why sha256:/);
  assert.deepEqual(await keepers(daemon, chain), [prepared]);
  assert.equal(await told(daemon, ['rootfs', 'rm', '--sync', '/mnt/here']), '/mnt/here');
  assert.deepEqual(await leftAfterCollection(daemon), [3, 0, 0]);
  await told(daemon, ['rootfs', 'unpack', digest]);
  assert.equal(await told(daemon, ['rootfs', 'rm', '--sync', chain]), chain);
  assert.deepEqual(await leftAfterCollection(daemon), [3, 0, 0]);
  await told(daemon, ['delete', digest]);
  assert.deepEqual(await leftAfterCollection(daemon), [0, 0, 0]);
});

/** As `why` sorts its roots: content, then snapshots by their names. */
function byKind(a: string, b: string): number {
  const rank = (text: string) =>
    ['dist fetch', 'dist rootfs prepare', 'dist rootfs unpack'].findIndex((each) => text.startsWith(each));
  return rank(a) - rank(b);
}

test('what an image or a container needs is not let go by hand', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await makeBusyboxImage();
  const reference = await registry.push(image, 'busybox');
  await told(daemon, ['pull', reference]);
  const chain = await told(daemon, ['rootfs', 'unpack', image.target.digest]);
  const { stdout, stderr } = await run(daemon, dist, ['rootfs', 'rm', '--sync', chain]);
  assert.deepEqual([stdout, /stays, as others need it/.test(stderr)], ['', true]);
  assert.deepEqual(await keepers(daemon, chain), [`image ${reference}`]);

  const started = await run(daemon, ctr, ['run', '-d', '--id', 'box', reference, 'sleep', '1000']);
  assert.equal(started.code, 0, started.stderr);
  const refused = await run(daemon, dist, ['rootfs', 'rm', 'box']);
  assert.deepEqual([refused.code, /container box stands on: .*"ctr delete box"/.test(refused.stderr)], [1, true]);
  const missing = await run(daemon, dist, ['rootfs', 'rm', 'nobody']);
  assert.deepEqual([missing.code, /nobody does not exist/.test(missing.stderr)], [1, true]);
  assert.equal((await run(daemon, ctr, ['delete', '--force', 'box'])).code, 0);
});

test('what is ingested or edited stays until it is deleted, also when it was there before', async () => {
  await using daemon = await openDaemon();
  const bytes = randomBytes(1000);
  const digest = await told(daemon, ['ingest', 'mine'], { stdin: bytes });
  const spawn: CommandOptions['spawn'] = async (_, args) => {
    const path = args.at(-1) ?? '';
    const { writeFile } = await import('node:fs/promises');
    await writeFile(path, '{"edited":true}');
    return { code: 0 };
  };
  const edited = await told(daemon, ['edit', digest], { spawn });
  assert.deepEqual(await leftAfterCollection(daemon), [2, 0, 0]);
  assert.deepEqual(await keepers(daemon, digest), ['dist ingest mine']);
  assert.deepEqual(await keepers(daemon, edited), [`dist edit ${digest}`]);

  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  const loose = randomBytes(500);
  await ingestContent(
    session,
    { ref: 'loose' },
    (async function* () {
      yield await Promise.resolve(loose);
    })(),
  );
  assert.equal(await told(daemon, ['ingest', 'again'], { stdin: loose }), digestOf(loose));
  assert.deepEqual(await keepers(daemon, digestOf(loose)), ['dist ingest again']);
  await told(daemon, ['ingest', 'a-third-time'], { stdin: loose });
  assert.deepEqual(await keepers(daemon, digestOf(loose)), ['dist ingest again']);
  assert.deepEqual(await leftAfterCollection(daemon), [3, 0, 0]);
  await told(daemon, ['delete', digest, edited, digestOf(loose)]);
  assert.deepEqual(await leftAfterCollection(daemon), [0, 0, 0]);
});
