import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { RESTART_LABELS } from '../../src/spec/restart-policy.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `ctr ${args.join(' ')}`);
  return stdout;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await runCommand(ctr, daemon, args);
  assert.notEqual(code, 0, `ctr ${args.join(' ')}`);
  return stderr;
}

async function countOf(id: string): Promise<number> {
  const { Labels: labels } = JSON.parse(await ok('info', id)) as { Labels: Record<string, string> };
  return Number(labels[RESTART_LABELS.count] ?? 0);
}

async function statusOf(id: string): Promise<string> {
  return new RegExp(`^${id} +\\d+ +(\\w+)`, 'm').exec(await ok('list'))?.[1] ?? 'none';
}

async function pidOf(id: string): Promise<number> {
  return Number(new RegExp(`^${id} +(\\d+) `, 'm').exec(await ok('list'))?.[1] ?? 0);
}

test('on-failure: again until it succeeds, or as often as it may; its file system and its log go on', async () => {
  const script = 'echo x >> /count; n=$(wc -l < /count); echo "turn $n"; [ $n -ge 3 ]';
  await ok('run', '-d', '--id', 'thrice', '--restart', 'on-failure', image, 'sh', '-c', script);
  await eventually(async () => assert.equal(await ok('logs', 'thrice'), 'turn 1\nturn 2\nturn 3\n'));
  await eventually(async () => assert.equal(await statusOf('thrice'), 'STOPPED'));
  assert.equal(await countOf('thrice'), 2);

  await ok('run', '-d', '--id', 'limited', '--restart', 'on-failure:2', image, 'sh', '-c', 'echo y; exit 4');
  await eventually(async () => assert.equal(await ok('logs', 'limited'), 'y\ny\ny\n'));
  await eventually(async () => assert.equal(await statusOf('limited'), 'STOPPED'));
  assert.equal(await countOf('limited'), 2);
  await ok('start', 'limited'); // a user's start counts from nothing
  await eventually(async () => assert.equal(await ok('logs', 'limited'), 'y\n'.repeat(6)));
  await ok('delete', 'thrice');
  await ok('delete', 'limited');
});

test('a policy in the foreground: the client ends with the first end of the process, and the daemon goes on', async () => {
  const script =
    'echo x >> /count; n=$(wc -l < /count); echo "turn $n"; [ $n -ge 2 ] && exit; read line; echo "got $line"; exit 1';
  const command = ['run', '--id', 'front', '--restart', 'on-failure', image, 'sh', '-c', script];
  const { code, stdout } = await runCommand(ctr, daemon, command, { stdin: 'typed\n' });
  assert.deepEqual([code, stdout], [1, 'turn 1\ngot typed\n']);
  await eventually(async () => assert.equal(await ok('logs', 'front'), 'turn 1\ngot typed\nturn 2\n'));
  await eventually(async () => assert.equal(await statusOf('front'), 'STOPPED'));
  assert.equal(await countOf('front'), 1);
  await ok('delete', 'front');
});

test('always: after each end, not after a stop by the user; a removal ends it', async () => {
  await ok('run', '-d', '--id', 'on', '--restart', 'always', image, 'sleep', '1000');
  const first = await pidOf('on');
  await ok('kill', 'on', 'KILL');
  await eventually(async () => {
    const pid = await pidOf('on');
    assert.ok(pid !== 0 && pid !== first);
  });
  assert.equal(await countOf('on'), 1);
  await ok('stop', '-t', '0', 'on');
  assert.equal(await statusOf('on'), 'STOPPED');
  await ok('start', 'on');
  assert.deepEqual([await statusOf('on'), await countOf('on')], ['RUNNING', 0]);
  await ok('delete', '-f', 'on');
  // Of what comes to its end all the time nothing comes back either.
  await ok('run', '-d', '--id', 'on', '--restart', 'always', image, 'false');
  await eventually(async () => assert.ok((await countOf('on')) > 1));
  await ok('delete', '-f', 'on');
  await ok('run', '-d', '--id', 'on', image, 'sleep', '1000');
  assert.deepEqual([await statusOf('on'), await countOf('on')], ['RUNNING', 0]);
  await ok('delete', '-f', 'on');
});

test('the daemon holds to it over its own death: what ended meanwhile, and what a user has stopped', async () => {
  const make = (id: string, policy: string) => ok('run', '-d', '--id', id, '--restart', policy, image, 'sleep', '1000');
  await make('a', 'always');
  await make('b', 'unless-stopped');
  await make('c', 'unless-stopped');
  await ok('run', '-d', '--id', 'd', image, 'sleep', '1000');
  await ok('create', '--id', 'e', '--restart', 'always', image, 'sleep', '1000');
  const [lives, dies] = [await pidOf('c'), await pidOf('b')];
  await ok('stop', '-t', '0', 'a');
  await ok('stop', '-t', '0', 'd');
  await daemon.kill();
  process.kill(dies, 'SIGKILL');
  await daemon.start();
  await eventually(async () => {
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(statusOf)), ['RUNNING', 'RUNNING', 'RUNNING']);
  });
  assert.equal(await pidOf('c'), lives);
  assert.deepEqual([await statusOf('d'), await statusOf('e')], ['STOPPED', 'DEFINED']);
  await ok('stop', '-t', '0', 'b');
  await daemon.stop();
  await daemon.start();
  assert.deepEqual([await statusOf('a'), await statusOf('b')], ['RUNNING', 'STOPPED']);
  for (const id of ['a', 'b', 'c', 'd', 'e']) await ok('delete', '-f', id);
});

test('a policy can be changed; what can not be is refused', async () => {
  await ok('run', '-d', '--id', 'later', image, 'sleep', '1000');
  await ok('update', '--restart', 'on-failure', 'later');
  const first = await pidOf('later');
  await ok('kill', 'later', 'KILL');
  await eventually(async () => assert.ok(![0, first].includes(await pidOf('later'))));
  await ok('update', '--restart', 'no', 'later');
  await ok('kill', 'later', 'KILL');
  await eventually(async () => assert.equal(await statusOf('later'), 'STOPPED'));
  assert.match(await refused('update', '--restart', 'sometimes', 'later'), /"sometimes" is no restart policy/);
  assert.match(await refused('update', '--restart', 'always', 'nobody'), /nobody.*not found/);
  await ok('delete', 'later');
  const run = (...args: string[]) => refused('run', '--id', 'x', ...args, image, 'true');
  assert.match(await run('--rm', '--restart', 'always'), /removed at its end/);
  assert.match(await run('--ephemeral', '--restart', 'always'), /--ephemeral goes with none of/);
  assert.match(await run('-d', '--rm', '--restart', 'always'), /removed at its end/);
  assert.match(await run('-d', '--label', `${RESTART_LABELS.policy}=x`), /no restart policy/);
  assert.equal(await statusOf('x'), 'none');
});

test("another client's container, labelled for it: again after a while, at once by a daemon that starts, not when it was stopped", async () => {
  const log = join(daemon.dir, 'again.log');
  const labels = {
    [RESTART_LABELS.status]: 'running',
    [RESTART_LABELS.policy]: 'unless-stopped',
    [RESTART_LABELS.logUri]: `file://${log}`,
  };
  const client = ['--address', daemon.address, '--namespace', daemon.namespace];
  const labelled = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
  const script = ['sh', '-c', 'echo up; exec sleep 1000'];
  await output('ctr', [...client, 'run', '-d', ...labelled, image, 'foreign', ...script]);
  await output('ctr', [...client, 'run', '-d', image, 'plain', 'sleep', '1000']);
  const ups = async (count: number): Promise<void> => {
    await eventually(
      async () => assert.equal(await readFile(log, 'utf8').catch(() => ''), 'up\n'.repeat(count)),
      30_000,
    );
    await eventually(async () => assert.equal(await statusOf('foreign'), 'RUNNING'));
  };
  const end = async (id: string): Promise<void> => {
    process.kill(await pidOf(id), 'SIGKILL');
    await eventually(async () => assert.equal(await statusOf(id), 'STOPPED'));
  };
  await end('foreign');
  await end('plain');
  await ups(1);
  const pid = await pidOf('foreign');
  await daemon.stop();
  process.kill(pid, 'SIGKILL');
  await daemon.start();
  await ups(2);
  assert.equal(await statusOf('plain'), 'STOPPED');

  await output('ctr', [...client, 'containers', 'label', 'foreign', `${RESTART_LABELS.explicitlyStopped}=true`]);
  await end('foreign');
  await daemon.stop();
  await daemon.start();
  assert.equal(await statusOf('foreign'), 'STOPPED');
  for (const id of ['foreign', 'plain']) {
    await output('ctr', [...client, 'tasks', 'delete', id]).catch(() => '');
    await output('ctr', [...client, 'containers', 'delete', id]);
  }
  await assertNothingLeft(daemon.mine);
});
