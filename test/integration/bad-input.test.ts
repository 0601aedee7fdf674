import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { Program } from '../../src/cli/shared/program.js';
import { digestOf } from '../../src/spec/digest.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type Target } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { type Image, makeImage, makeIndex, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry, type Registry } from '../support/registry.js';

const NO_DIGEST = `sha256:${'0'.repeat(64)}`;

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;
let good: string;

before(async () => {
  registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  good = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', good])).code, 0);
});

after(() => down.run());

/** The command must fail by one line on stderr that matches all of `says`. */
async function fails(
  program: Program,
  args: readonly string[],
  says: readonly RegExp[],
  target: Target = daemon,
): Promise<void> {
  const { code, stderr } = await runCommand(program, target, args);
  assert.notEqual(code, 0, `${program.name} ${args.join(' ')} has exit code 0`);
  const lines = stderr.split('\n').filter(Boolean);
  assert.equal(lines.length, 1, `not one line: ${stderr}`);
  assert.match(lines[0] ?? '', new RegExp(`^${program.name}: `));
  for (const what of says) assert.match(lines[0] ?? '', what);
}

async function pullFails(reference: string, says: readonly RegExp[], options: readonly string[] = []): Promise<void> {
  const before = await state();
  await fails(dist, ['pull', ...options, reference], says);
  assert.deepEqual(await state(), before);
}

/** What a pull that went wrong must not have changed: names, snapshots, unfinished ingests. */
async function state(): Promise<unknown> {
  const { stdout: images } = await runCommand(dist, daemon, ['images', '-q']);
  const { stdout: active } = await runCommand(dist, daemon, ['active']);
  return { images, active: active.trim(), snapshots: await readdir(join(daemon.root, 'overlayfs/snapshots')) };
}

async function imageOf(text: string, more: Partial<Parameters<typeof makeImage>[0]> = {}): Promise<Image> {
  return makeImage({ layers: [await makeLayer([{ path: 'file', data: text }])], ...more });
}

test('bad input: names, tags, digests and platforms that the registry does not have', async () => {
  await pullFails(`${registry.host}/none:latest`, [/none/, /not found|unknown/i]);
  await pullFails(`${registry.host}/busybox:nope`, [/nope/, /not found|unknown/i]);
  await pullFails(`${registry.host}/busybox@${NO_DIGEST}`, [new RegExp(NO_DIGEST), /not found|unknown/i]);
  const other = await imageOf('other', { platform: { os: 'plan9', architecture: 'mips' } });
  const index = await registry.push(makeIndex([other]), 'index');
  await pullFails(index, [/platform/, /plan9\/mips/]);
  await pullFails(index, [/platform/, /linux\/s390x/], ['--platform', 'linux/s390x']);
});

test('bad input: registries that do not answer or do not let us in', async () => {
  await pullFails('127.0.0.1:1/x:latest', [/127\.0\.0\.1:1/, /refused|reach/i]);
  await using locked = await openRegistry({ auth: 'basic' });
  const secret = await locked.push(await imageOf('secret'), 'secret');
  await pullFails(secret, [/denied|unauthori[sz]ed|authenti|log ?in|credentials/i]);
});

test('bad input: content that is not what it is said to be', async () => {
  const layerOfImage = (image: Image) => [...image.blobs.keys()][0] ?? assert.fail('an image without blobs');
  const changed = await imageOf('changed');
  const changedName = await registry.push(changed, 'changed');
  const file = registry.fileOf(layerOfImage(changed));
  await writeFile(file, Buffer.alloc((await readFile(file)).length, 'x'));
  await pullFails(changedName, [/digest|differs|content/i, new RegExp(layerOfImage(changed))]);

  const short = await imageOf('short'.repeat(500));
  const shortName = await registry.push(short, 'short');
  await truncate(registry.fileOf(layerOfImage(short)), 20);
  await pullFails(shortName, [new RegExp(layerOfImage(short)), /\d+ (?:of \d+ )?bytes|size|short|ends/i]);

  const layer = await makeLayer([{ path: 'file', data: 'cut off inside' }], 'none');
  const cut = { ...layer, bytes: layer.bytes.subarray(0, 700), diffId: digestOf(layer.bytes.subarray(0, 700)) };
  await pullFails(await registry.push(makeImage({ layers: [cut] }), 'cut'), [/layer|tar/i]);

  const lying = await imageOf('lying', { diffIds: [digestOf('something else')] });
  await pullFails(await registry.push(lying, 'lying'), [/layer/, new RegExp(digestOf('something else'))]);
});

test('bad input: references, digests and ids of the wrong grammar', async () => {
  for (const reference of [
    'http://127.0.0.1/x',
    '127.0.0.1:5000/UPPER CASE',
    `${registry.host}/busybox@sha256:12`,
    '',
  ]) {
    await fails(dist, ['pull', reference], [/reference|name|digest/i]);
  }
  await fails(dist, ['get', 'nonsense'], [/nonsense/, /sha256:/]);
  await fails(dist, ['get', NO_DIGEST], [new RegExp(NO_DIGEST), /not found/]);
  for (const id of ['../up', 'a/b', '', 'x'.repeat(200)]) {
    await fails(ctr, ['run', '--rm', '--id', id, good, 'true'], [/id/]);
  }
});

test('bad input: containers and images that are not there', async () => {
  const missing = `${registry.host}/missing:latest`;
  await fails(ctr, ['run', '--rm', '--id', 'x', missing, 'true'], [/missing:latest/, /not found/, /dist pull/]);
  for (const command of ['info', 'kill', 'delete']) await fails(ctr, [command, 'ghost'], [/ghost/, /not found/]);
  await fails(ctr, ['exec', 'ghost', 'true'], [/ghost/, /not found/]);
  await fails(dist, ['rmi', missing], [/missing:latest/, /not found/]);
  await fails(dist, ['frobnicate'], [/frobnicate/]);
});

test('bad input: programs that can not be run leave nothing, and their id is free at once', async () => {
  const codes: number[] = [];
  for (const command of [['/no/such/program'], ['/etc/passwd'], ['sh', '-c', 'exit 5']]) {
    const { code } = await runCommand(ctr, daemon, ['run', '--rm', '--id', 'again', good, ...command]);
    codes.push(code);
  }
  assert.deepEqual(codes, [127, 126, 5]);
  await assertNothingLeft(daemon.mine);
});

test('bad input: a daemon that is not there, a runtime that is not there, a root that is taken', async () => {
  const nowhere = { address: join(daemon.dir, 'nobody.sock'), namespace: 'default' };
  for (const [program, args] of [
    [dist, ['images']],
    [ctr, ['list']],
  ] as const) {
    await fails(program, [...args, '--connect-timeout', '5s'], [/nobody\.sock/, /wharfd/], nowhere);
  }
  await using lame = await openDaemon({ config: { runtime: { binary: '/no/such/runc' } } });
  assert.equal((await runCommand(dist, lame, ['pull', good])).code, 0);
  await fails(ctr, ['run', '--rm', '--id', 'x', good, 'true'], [/\/no\/such\/runc/], lame);
  await assertNothingLeft(lame.mine);
  await assert.rejects(
    openDaemon({ config: { root: daemon.root } }),
    new RegExp(`${daemon.root} is in use by another wharfd`),
  );
});
