import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const MS = 1_000_000;
const CHECK = ['CMD-SHELL', 'echo looked; test -e /well'];
const SLEEP = ['sleep', '1000'];

const down = new Teardown();
let daemon: TestDaemon;
let image: string;
let strange: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  const layers = [await makeLayer(await busyboxEntries())];
  const settings = { Env: ['PATH=/bin'], Cmd: SLEEP };
  const times = { Interval: 150 * MS, Timeout: 2000 * MS, Retries: 2 };
  const named = async (name: string, Healthcheck: object) =>
    await registry.push(makeImage({ layers, settings: { ...settings, Healthcheck } }), name);
  image = await named('checked', { Test: CHECK, ...times });
  strange = await named('strange', { Test: ['RUN', 'x'], Interval: -1 });
  for (const name of [image, strange]) await ok(dist, 'pull', name);
});

after(() => down.run());

async function ok(program: typeof ctr, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, daemon, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[];
}

async function healthOf(id: string): Promise<Health | undefined> {
  return (JSON.parse(await ok(ctr, 'info', id)) as { Task?: { Health?: Health } }).Task?.Health;
}

const becomes = async (id: string, status: string): Promise<void> => {
  await eventually(async () => assert.match(await ok(ctr, 'list'), new RegExp(`${id} .*RUNNING \\(${status}\\)`)));
};

test("an image's check: starting, unhealthy after its failures in a row, healthy at the first success, over a restart too", async () => {
  await ok(ctr, 'run', '-d', '--id', 'well', image);
  assert.equal((await healthOf('well'))?.Status, 'starting');
  await becomes('well', 'unhealthy');
  const ill = await healthOf('well');
  assert.ok(ill && ill.FailingStreak >= 2 && ill.Log.length >= 2);
  assert.deepEqual([ill.Log.at(-1)?.ExitCode, ill.Log.at(-1)?.Output], [1, 'looked\n']);
  await ok(ctr, 'exec', 'well', 'touch', '/well');
  await becomes('well', 'healthy');
  assert.equal((await healthOf('well'))?.FailingStreak, 0);
  await eventually(async () => assert.equal((await healthOf('well'))?.Log.length, 5));

  await daemon.kill();
  await daemon.start();
  await becomes('well', 'healthy');
  await ok(ctr, 'pause', 'well');
  const before = (await healthOf('well'))?.Log.at(-1);
  await ok(ctr, 'resume', 'well');
  assert.ok(before);
  await becomes('well', 'healthy');
  await ok(ctr, 'stop', '-t', '0', 'well');
  assert.equal(await healthOf('well'), undefined);
  await ok(ctr, 'start', 'well');
  await becomes('well', 'healthy');
  await ok(ctr, 'delete', '--force', 'well');
  const told = (await ok(ctr, 'events', '--from', '1', '--until-now', '--json'))
    .split('\n')
    .filter((line) => line.includes('/wharfd/health'))
    .map((line) => (JSON.parse(line) as { fields: { container_id: string; status: string } }).fields);
  assert.deepEqual(
    told.map((fields) => fields.status),
    ['unhealthy', 'healthy', 'healthy', 'healthy'],
  );
  await assertNothingLeft(daemon.mine);
});

test('what the user says of it: another command, other times, none; one that never ends, and one that can not be run', async () => {
  const often = ['--health-interval', '150ms', '--health-retries', '1'];
  await ok(ctr, 'run', '-d', '--id', 'none', '--no-healthcheck', image);
  await ok(ctr, 'run', '-d', '--id', 'own', '--health-cmd', 'test "$WORD" = yes', '-e', 'WORD=yes', ...often, strange);
  await ok(
    ctr,
    'run',
    '-d',
    '--id',
    'late',
    '--health-cmd',
    'echo begun; sleep 1000',
    '--health-timeout',
    '300ms',
    ...often,
    strange,
  );
  await ok(
    ctr,
    'run',
    '-d',
    '--id',
    'grace',
    '--health-cmd',
    'false',
    '--health-start-period',
    '1000s',
    '--health-start-interval',
    '150ms',
    ...often,
    strange,
  );
  await becomes('own', 'healthy');
  await becomes('late', 'unhealthy');
  const late = (await healthOf('late'))?.Log.at(-1);
  assert.deepEqual([late?.ExitCode, late?.Output], [-1, 'begun\nno end within 300 ms']);
  await eventually(async () => assert.ok(((await healthOf('grace'))?.Log.length ?? 0) >= 3));
  assert.deepEqual([(await healthOf('grace'))?.Status, (await healthOf('grace'))?.FailingStreak], ['starting', 0]);
  assert.equal(await healthOf('none'), undefined);
  for (const words of [
    ['--no-healthcheck', '--health-cmd', 'true'],
    ['--health-interval', '1s'],
    ['--health-cmd', 'true', '--health-retries', '0'],
  ]) {
    const { code, stderr } = await runCommand(ctr, daemon, ['run', '-d', '--id', 'wrong', ...words, strange]);
    assert.equal(code, 125, stderr);
    assert.match(stderr, /health check/);
  }
  for (const id of ['none', 'own', 'late', 'grace']) await ok(ctr, 'delete', '--force', id);
  await assertNothingLeft(daemon.mine);
});
