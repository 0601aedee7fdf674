import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { makeBusyboxTree } from '../support/busybox-tree.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { run as runProgram } from '../support/run.js';

const down = new Teardown();
let daemon: TestDaemon;
let tree: string;

before(async () => {
  daemon = down.own(await openDaemon());
  tree = await makeBusyboxTree(join(daemon.dir, 'tree'));
});

after(() => down.run());

function asked(...args: readonly string[]): Promise<Told> {
  return runCommand(ctr, daemon, args);
}

function inside(options: readonly string[], script: string): Promise<Told> {
  return asked('run', '--id', 'x', ...options, '--rootfs', tree, 'sh', '-c', script);
}

test('S22: no id or name becomes a path', async () => {
  for (const id of ['../x', 'a/b', '.', '..', 'a\0b', 'x'.repeat(4096), '']) {
    const { code } = await asked('run', '--id', id, '--rootfs', tree, 'sh', '-c', 'true');
    assert.equal(code, 125, JSON.stringify(id.slice(0, 20)));
    for (const command of [
      ['kill', '--id', id],
      ['info', '--id', id],
      ['delete', id],
      ['volume', 'rm', id],
    ]) {
      assert.notEqual((await asked(...command)).code, 0, command.join(' ').slice(0, 40));
    }
  }
  assert.notEqual((await asked('run', '--id', 'x', '--net', 'container:../x', '--rootfs', tree, 'sh')).code, 0);
});

test('S32: a container on the network of the host finds no socket of ours that it can talk to', async () => {
  const { code, stdout } = await inside(['--net', 'host'], 'cat /proc/net/unix');
  assert.equal(code, 0);
  const ours = stdout.split('\n').filter((row) => row.includes(daemon.dir) || /wharfd|containerd-shim/.test(row));
  assert.ok(ours.length > 0, 'the table of sockets is read');
  assert.deepEqual(
    ours.filter((row) => /\s@[^\s]*$/.test(row)),
    [],
    'none is abstract: those are reached by their network namespace',
  );
});

test('S38: a fork bomb is held by the limit of processes, and the daemon answers', async () => {
  const bomb = 'i=0; while [ $i -lt 200 ]; do sleep 100 & i=$((i+1)); done; wait';
  const { code, stderr } = await inside(['--pids-limit', '40'], bomb);
  assert.notEqual(code, 0);
  assert.match(stderr, /can't fork: Resource temporarily unavailable/);
  assert.deepEqual([(await asked('list', '-q')).stdout], ['']);
  const printed = await asked('run', '--print-spec', '--id', 'y', '--rootfs', tree, 'sh');
  const { linux } = JSON.parse(printed.stdout) as { linux: { resources: { pids: { limit: number } } } };
  assert.ok(linux.resources.pids.limit > 0, 'a limit is there without being asked for');
});

test('S40: nothing of one container is in the next', async () => {
  const first = [
    '-e',
    'SECRET=a',
    '--cap-add',
    'NET_ADMIN',
    '--annotation',
    'secret=a',
    '--ulimit',
    'nofile=77',
    '--group-add',
    '99',
  ];
  assert.equal((await inside(first, 'echo "$SECRET"')).stdout, 'a\n');
  const second = await inside(
    [],
    'echo "[$SECRET]"; ulimit -n; grep ^Groups: /proc/self/status; grep ^CapEff: /proc/self/status',
  );
  assert.match(second.stdout, /^\[\]\n1024\nGroups:\t0 \nCapEff:\t00000000a80425fb\n$/);
  const printed = await asked('run', '--print-spec', '--id', 'z', '--rootfs', tree, 'sh');
  assert.doesNotMatch(printed.stdout, /SECRET|"secret"/);
});

test('S41: who is not of the group can not connect', async () => {
  const connect = `require('net').connect(${JSON.stringify(daemon.address)}).on('error', (e) => console.log(e.code)).on('connect', () => process.exit(9))`;
  const { stdout, code } = await runProgram('setpriv', [
    '--reuid',
    '65534',
    '--regid',
    '65534',
    '--clear-groups',
    process.execPath,
    '-e',
    connect,
  ]);
  assert.deepEqual([code, stdout.toString()], [0, 'EACCES\n']);
  await assertNothingLeft(daemon.mine);
});
