import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage({ settings: { StopSignal: 'SIGUSR1' } }), 'busybox');
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

/** Resolves when the process has said that its traps are set. */
async function ready(id: string): Promise<void> {
  await eventually(async () => assert.match(await ok('logs', '--tail', '1', id), /ready/));
}

/** Ends by its own status at a signal. */
function trapping(signal: string, status: number): string {
  return `trap "exit ${status}" ${signal}; echo ready; while :; do sleep 0.05; done`;
}

test('create, start, stop: a container goes on with its file system and log, over a restart of the daemon', async () => {
  const script = 'echo x >> /count; wc -l < /count; exit 3';
  assert.equal(await ok('create', '--id', 'twice', image, 'sh', '-c', script), 'twice\n');
  assert.match(await ok('list'), /^twice .*DEFINED/m);
  assert.match(await refused('create', '--id', 'twice', image), /already exists/);
  await daemon.stop();
  await daemon.start();
  for (const count of ['1\n', '1\n2\n']) {
    await ok('start', 'twice');
    assert.equal(await ok('wait', 'twice'), '3\n');
    assert.equal(await ok('logs', '--follow', 'twice'), count);
  }
  assert.equal(await ok('stop', 'twice'), 'twice\n');
  assert.equal(await ok('prune', '--dry-run'), 'twice\n');
  assert.equal(await ok('prune'), 'twice\n');
  assert.equal(await ok('list', '-q'), '');
});

test("stop: by the image's signal, by that of the run, by that of the command; killed when nothing helps", async () => {
  const cases: [string[], string, string[], string][] = [
    [[], trapping('USR1', 11), [], '11'],
    [['--stop-signal', 'INT'], trapping('INT', 12), [], '12'],
    [['--stop-signal', 'INT'], trapping('TERM', 13), ['-s', '15'], '13'],
    [['--stop-timeout', '0'], 'trap "" USR1; echo ready; while :; do sleep 0.05; done', [], '137'],
  ];
  for (const [options, script, how, status] of cases) {
    await ok('run', '-d', ...options, '--id', 's', image, 'sh', '-c', script);
    await ready('s');
    await ok('stop', ...how, 's');
    assert.equal(await ok('wait', 's'), `${status}\n`);
    await ok('delete', 's');
  }
  assert.match(await refused('stop', 'nothing'), /not found/);
});

test('stop and start of one that is frozen, one with --rm, and one that runs', async () => {
  await ok('run', '-d', '--id', 'ice', image, 'sh', '-c', trapping('USR1', 14));
  await ready('ice');
  assert.match(await refused('start', 'ice'), /is running already/);
  await ok('pause', 'ice');
  assert.match(await ok('list'), /^ice .*PAUSED/m);
  await ok('resume', 'ice');
  await ok('pause', 'ice');
  await ok('stop', 'ice');
  assert.equal(await ok('wait', 'ice'), '14\n');
  await ok('restart', 'ice');
  assert.match(await ok('list'), /^ice .*RUNNING/m);
  await ok('delete', '-f', 'ice');
  await ok('run', '-d', '--rm', '--id', 'gone', image, 'sh', '-c', trapping('USR1', 0));
  await ready('gone');
  await ok('stop', 'gone');
  assert.equal(await ok('list', '-q'), '');
});

test('rename: file system, log, host name and cgroup go along; what runs or is taken is refused', async () => {
  const script = 'echo x >> /count; wc -l < /count; cat /proc/sys/kernel/hostname; cat /proc/self/cgroup; exit 5';
  await ok('run', '-d', '--id', 'old', image, 'sh', '-c', trapping('USR1', 5));
  await ready('old');
  assert.match(await refused('rename', 'old', 'new'), /old is running: end it first/);
  await ok('stop', 'old');
  await ok('create', '--id', 'other', image, 'sh', '-c', script);
  assert.match(await refused('rename', 'old', 'other'), /other already exists/);
  assert.match(await refused('rename', 'nothing', 'new'), /not found/);
  assert.match(await refused('rename', 'old', '../new'), /id/);
  assert.equal(await ok('rename', 'old', 'new'), 'new\n');
  assert.equal(await ok('logs', 'new'), 'ready\n');
  assert.match(await refused('logs', 'old'), /not found/);
  assert.match(await refused('create', '--id', 'old', image), /container new was called old before/);

  await ok('start', 'other');
  await ok('wait', 'other');
  await ok('rename', 'other', 'another');
  await daemon.kill();
  await daemon.start();
  assert.deepEqual((await ok('list', '-q')).split('\n'), ['another', 'new', '']);
  await ok('start', 'another');
  assert.equal(await ok('wait', 'another'), '5\n');
  const lines = (await ok('logs', '--follow', 'another')).split('\n');
  assert.deepEqual([lines[0], lines[1]], ['1', 'other']);
  const again = lines.slice(lines.indexOf('2'));
  assert.equal(again[1], 'another');
  assert.match(again.join('\n'), new RegExp(`/${daemon.namespace}/another$`, 'm'));
  assert.doesNotMatch(again.join('\n'), new RegExp(`/${daemon.namespace}/other$`, 'm'));
  const both = await Promise.all([1, 2].map(() => runCommand(ctr, daemon, ['rename', 'new', 'newer'])));
  assert.deepEqual(both.map(({ code }) => code).sort(), [0, 1]);
  assert.equal(await ok('logs', 'newer'), 'ready\n');
  await ok('delete', 'another', 'newer');
  assert.equal(await ok('create', '--id', 'old', image), 'old\n');
  await ok('delete', 'old');
  await assertNothingLeft(daemon.mine);
});

test('rename and run of one id at once: one of them has it, and each container its own log', async () => {
  for (let round = 0; round < 10; round += 1) {
    await ok('run', '-d', '--id', 'from', image, 'echo', 'renamed');
    await ok('wait', 'from');
    const [renamed, ran] = await Promise.all([
      runCommand(ctr, daemon, ['rename', 'from', 'to']),
      runCommand(ctr, daemon, ['run', '-d', '--id', 'to', image, 'echo', 'ran']),
    ]);
    const isRenamed = renamed.code === 0;
    const loser = isRenamed ? ran : renamed;
    assert.deepEqual([isRenamed || ran.code === 0, loser.code], [true, isRenamed ? 125 : 1]);
    assert.match(loser.stderr, /container to already exists/u);
    assert.equal(await ok('logs', '--follow', 'to'), isRenamed ? 'renamed\n' : 'ran\n');
    if (!isRenamed) assert.equal(await ok('logs', 'from'), 'renamed\n');
    if (!isRenamed) await ok('wait', 'to');
    await ok('delete', 'to', ...(isRenamed ? [] : ['from']));
  }
});

test('a start that fails leaves a container that can be started again or deleted', async () => {
  await ok('create', '--id', 'bad', image, '/nothing');
  assert.match(await refused('start', 'bad'), /no such file/);
  assert.match(await refused('start', 'bad'), /no such file/);
  assert.match(await ok('list'), /^bad .*DEFINED/m);
  await ok('delete', 'bad');
  await assertNothingLeft(daemon.mine);
});
