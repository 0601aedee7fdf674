import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { Channel } from '../../src/rpc/channel.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { makeBusyboxTree } from '../support/busybox-tree.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { run as runProgram } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

// Daemon, bridges and rules are in a network namespace of the test's own; nothing else of the machine is touched.
const down = new Teardown();
let holder: ChildProcess;
let daemon: TestDaemon;
let config: string;
let tree: string;
let leases: string;

before(async () => {
  const { path } = down.own(await tempDir());
  config = join(path, 'net.d');
  leases = join(path, 'leases');
  await mkdir(config);
  tree = await makeBusyboxTree(join(path, 'tree'));
  holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  down.add(() => void holder.kill('SIGKILL'));
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  daemon = down.own(await openDaemon({ config: { network: { config_dir: config } }, wrapper: inNetwork() }));
});

after(() => down.run());

function inNetwork(): string[] {
  return ['nsenter', `--net=/proc/${holder.pid ?? 0}/ns/net`, '--'];
}

/** What a program in the daemon's network says. */
async function beside(...command: readonly string[]): Promise<string> {
  const [file = '', ...args] = [...inNetwork(), ...command];
  return (await runProgram(file, args)).stdout.toString();
}

function run(id: string, options: readonly string[], ...command: readonly string[]): Promise<Told> {
  return runCommand(ctr, daemon, ['run', '--id', id, ...options, '--rootfs', tree, ...command]);
}

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '));
  return stdout;
}

/** Addresses that are given out, by the plugin's own files. */
async function given(): Promise<string[]> {
  const names = await readdir(join(leases, 'lan')).catch(() => []);
  return names.filter((name) => /^\d/.test(name));
}

const SERVE = ['sh', '-c', 'while :; do echo hello | nc -l -p 80; done'];

test('ctr run --net: without a configuration there is a message, and the loopback device', async () => {
  const told = await run('a', ['--net', 'lan', '-p', '8080:80'], 'ip', '-o', 'link');
  assert.equal(told.code, 0);
  assert.match(
    told.stderr,
    /^ctr: no network is configured in .*net\.d, so container a has its loopback device only, and no port is published; put/,
  );
  assert.match(told.stdout, /^1: lo: [^\n]*\n$/);
  const none = await run('a', ['--net', 'none'], 'ip', '-o', 'link');
  assert.deepEqual([none.code, none.stderr], [0, '']);
});

test('ctr run --net: address, names, published ports; all of it goes with the container', async () => {
  const plugins = [
    {
      type: 'bridge',
      bridge: 'lan0',
      isGateway: true,
      ipMasq: true,
      ipam: { type: 'host-local', subnet: '10.87.0.0/24', dataDir: leases, routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ];
  await writeFile(join(config, '10-lan.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: 'lan', plugins }));
  await writeFile(
    join(config, '20-plain.conflist'),
    JSON.stringify({ cniVersion: '0.4.0', name: 'plain', plugins: plugins.slice(0, 1) }),
  );
  await ok(
    'run',
    '-d',
    '--id',
    'web',
    '--net',
    'lan',
    '-p',
    '18080:80',
    '--hostname',
    'web-host',
    '--rootfs',
    tree,
    ...SERVE,
  );
  const [address = ''] = await given();
  assert.match(address, /^10\.87\.0\.\d+$/);
  assert.match(
    await ok('exec', 'web', 'cat', '/etc/hosts'),
    new RegExp(`^127\\.0\\.0\\.1\\tlocalhost\\n[^]*^${address}\\tweb-host$`, 'm'),
  );
  assert.equal(await ok('exec', 'web', 'cat', '/etc/hostname'), 'web-host\n');
  assert.ok((await ok('exec', 'web', 'ls', '-l', '/etc/resolv.conf')).length > 0);
  assert.match(await ok('exec', 'web', 'ip', '-o', 'addr', 'show', 'eth0'), new RegExp(`inet ${address}/24 `));
  for (const place of [`${address} 80`, '10.87.0.1 18080']) {
    await eventually(async () =>
      assert.equal(await beside('busybox', 'nc', '-w', '2', ...place.split(' ')), 'hello\n'),
    );
  }
  const joined = await run('b', ['--net', 'container:web'], 'sh', '-c', 'ip -o -4 addr show eth0; cat /etc/hosts');
  assert.match(joined.stdout, new RegExp(`inet ${address}/24 [^]*${address}\tweb-host`));
  assert.match(await beside('iptables-save', '-t', 'nat'), /dport 18080/);

  await ok('stop', '--time', '0', 'web');
  const renamed = await runCommand(ctr, daemon, ['rename', 'web', 'site']);
  assert.match(renamed.stderr, /web has a network/);
  await ok('delete', '-f', 'web');
  assert.deepEqual(await given(), []);
  assert.doesNotMatch(await beside('iptables-save', '-t', 'nat'), /18080|10\.87\.0\.\d+\/32/);
  assert.doesNotMatch(await beside('ip', '-o', 'link'), /veth/);
  assert.deepEqual(await readdir(join(daemon.root, 'networks', daemon.namespace)), []);
});

test('ctr run --net: the network and the log go, too, when another client deletes the container by its parts', async () => {
  await ok('run', '-d', '--id', 'parts', '--net', 'lan', '--rootfs', tree, 'echo', 'said');
  await ok('wait', 'parts');
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const tasks = channel.service('containerd.services.tasks.v1.Tasks');
  const containers = channel.service('containerd.services.containers.v1.Containers');
  const folders = ['networks', 'logs'].map((name) => join(daemon.root, name, daemon.namespace));
  const kept = () => Promise.all(folders.map((folder) => readdir(folder)));
  assert.deepEqual(await kept(), [['parts'], ['parts']]);
  await tasks.delete({ container_id: 'parts' });
  assert.deepEqual(await kept(), [['parts'], ['parts']]);
  await containers.delete({ id: 'parts' });
  assert.deepEqual(await kept(), [[], []]);
  await assert.rejects(containers.delete({ id: 'parts' }), /container parts: not found/);
});

test('ctr run --net: what can not be is said, and leaves nothing', async () => {
  for (const [options, message] of [
    [['--net', 'wan'], /network "wan" is not configured in .*; there are: lan, plain/],
    [['--net', 'plain', '-p', '1:1'], /network plain publishes no ports/],
    [['--net', 'host', '-p', '1:1'], /--net host has none/],
    [['-p', '80'], /not of the form/],
    [['-p', '0:80'], /not of the form/],
    [['-p', '1.2.3:80:80'], /not of the form/],
  ] as const) {
    const { code, stderr } = await run('bad', options, 'ip', 'link');
    assert.equal(code, 125);
    assert.match(stderr, message);
  }
  const broken = {
    cniVersion: '0.4.0',
    name: 'broken',
    plugins: [{ type: 'bridge', bridge: 'lan1', ipam: { type: 'no-such-plugin' } }],
  };
  await writeFile(join(config, '30-broken.conflist'), JSON.stringify(broken));
  const { code, stderr } = await run('bad', ['--net', 'broken'], 'ip', 'link');
  assert.equal(code, 125);
  assert.match(stderr, /network broken: plugin bridge ADD failed: .*no-such-plugin/);
  assert.equal((await run('bad', ['--net', 'lan'], 'ip', 'link')).code, 0);
  assert.deepEqual(await given(), []);
});

test('ctr run --net: a daemon that was killed leaves the network to the next one, which takes it down', async () => {
  await ok('run', '-d', '--rm', '--id', 'gone', '--net', 'lan', '-p', '18081:80', '--rootfs', tree, 'sleep', '1000');
  const { Task: task } = JSON.parse(await ok('info', 'gone')) as { Task: { Pid: number } };
  assert.equal((await given()).length, 1);
  await daemon.kill();
  process.kill(task.Pid, 'SIGKILL');
  await daemon.start();
  await eventually(async () => assert.deepEqual(await given(), []));
  assert.doesNotMatch(await beside('iptables-save', '-t', 'nat'), /18081/);
  await assertNothingLeft(daemon.mine);
});
