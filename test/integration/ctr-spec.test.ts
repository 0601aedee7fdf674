import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, readlink, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { RuntimeSpec } from '../../src/spec/runtime-spec.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { type CommandOptions, runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openRegistry } from '../support/registry.js';
import { makeBusyboxTree } from '../support/busybox-tree.js';
import { run as runProgram } from '../support/run.js';
import { assertNothingLeft } from '../support/leftovers.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage({ settings: { Env: ['PATH=/bin'] } }), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

function run(args: readonly string[], options?: CommandOptions): Promise<Told> {
  return runCommand(ctr, daemon, ['run', '--id', 'x', ...args], options);
}

/** What a shell script in a container with these options writes. */
async function inside(options: readonly string[], script: string): Promise<string> {
  const { code, stdout, stderr } = await run([...options, image, 'sh', '-c', script]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, options.join(' '));
  return stdout;
}

/** The command must fail before anything runs, and say so. */
async function refused(options: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await run([...options, image, 'true']);
  assert.deepEqual({ code, stdout }, { code: 125, stdout: '' }, options.join(' '));
  assert.match(stderr, message);
}

async function specOf(...options: readonly string[]): Promise<RuntimeSpec> {
  const { code, stdout, stderr } = await run(['--print-spec', ...options, image, 'true']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout) as RuntimeSpec;
}

/** Bits of /proc/self/status, by capabilities(7). */
const CAP = { netAdmin: 1n << 12n, netRaw: 1n << 13n };
const capabilities = (status: string, row: string): bigint => {
  return BigInt(`0x${new RegExp(`^${row}:\\s*(\\w+)$`, 'm').exec(status)?.[1] ?? ''}`);
};

test('ctr run: capabilities are given and taken, as the process itself has them', async () => {
  const status = 'cat /proc/self/status';
  const added = await inside(['--cap-add', 'net_admin', '--cap-drop', 'CAP_NET_RAW'], status);
  for (const row of ['CapEff', 'CapPrm', 'CapBnd']) {
    assert.equal(capabilities(added, row) & (CAP.netAdmin | CAP.netRaw), CAP.netAdmin, row);
  }
  for (const row of ['CapInh', 'CapAmb']) assert.equal(capabilities(added, row), 0n, row);
  const none = await inside(['--cap-drop', 'ALL'], status);
  assert.equal(capabilities(none, 'CapBnd'), 0n);
  assert.equal(capabilities(await inside(['--cap-drop', 'all', '--cap-add', 'NET_RAW'], status), 'CapEff'), CAP.netRaw);
  const other = await inside(['--cap-add', 'NET_ADMIN', '--user', '1000'], status);
  assert.equal(capabilities(other, 'CapEff'), 0n);
  assert.match(added, /^NoNewPrivs:\s*1$/m);
  assert.match(await inside(['--allow-new-privs'], status), /^NoNewPrivs:\s*0$/m);
  await refused(['--cap-add', 'FLY'], /capability "FLY" is none/);
});

test('ctr run: seccomp is on, off only by name, or a profile of the caller', async () => {
  const seccomp = 'grep ^Seccomp: /proc/self/status; unshare -U true 2>/dev/null && echo may || echo may not';
  assert.equal(await inside([], seccomp), 'Seccomp:\t2\nmay not\n');
  assert.equal(await inside(['--seccomp', 'unconfined'], seccomp), 'Seccomp:\t0\nmay\n');
  const profile = join(daemon.dir, 'profile.json');
  const rules = [
    { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
    { name: 'rmdir', action: 'SCMP_ACT_ERRNO', errnoRet: 28, excludes: { caps: ['CAP_SYS_TIME'] } },
    { names: ['unlink'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_TIME'] }, args: [] },
  ];
  await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', archMap: [], syscalls: rules }));
  const told = await inside(['--seccomp', profile], 'mkdir /x 2>&1; rmdir /tmp 2>&1; > /y; rm /y && echo gone');
  assert.match(told, /mkdir.*No space left[^]*rmdir.*No space left[^]*gone/);
  await writeFile(profile, '{"syscalls":[]}');
  await refused(['--seccomp', profile], /no defaultAction/);
  await refused(['--seccomp', '/nothing/here'], /--seccomp \/nothing\/here: can't be read/);
});

test('ctr run --privileged: all that the daemon may do, nothing masked, devices', async () => {
  const status = await inside(['--privileged'], 'cat /proc/self/status; ls /dev/loop-control');
  const ours = /^CapBnd:\s*(\w+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '';
  assert.equal(capabilities(status, 'CapEff'), BigInt(`0x${ours}`));
  assert.match(status, /^Seccomp:\t0$/m);
  const { linux, mounts } = await specOf('--privileged');
  assert.deepEqual([linux.maskedPaths, linux.readonlyPaths, linux.seccomp], [[], [], undefined]);
  assert.ok(mounts.find(({ destination }) => destination === '/sys')?.options.includes('rw'));
  assert.match(
    await inside(
      [],
      'cat /proc/timer_list | wc -c; ls /sys/firmware | wc -l; (echo 1 > /proc/sys/vm/swappiness) 2>/dev/null; echo $?',
    ),
    /^0\n0\n1\n/,
  );
});

test('ctr run: devices, by name and with what may be done to them', async () => {
  assert.equal(
    await inside(['--device', '/dev/loop-control:/dev/mine:r'], 'test -c /dev/mine && stat -c %t:%T /dev/mine'),
    'a:ed\n',
  );
  const told = await inside(['--device', '/dev/null:/dev/other:w'], 'echo x > /dev/other && echo written');
  assert.equal(told, 'written\n');
  const { linux } = await specOf('--device', '/dev/loop-control:/dev/mine:r');
  assert.deepEqual(linux.resources.devices, [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 237, access: 'r' },
  ]);
  await refused(['--device', 'vendor.com/none=0'], /CDI device vendor\.com\/none=0 is not described/);
  await refused(['--device', '/dev/nothing'], /device \/dev\/nothing is not there/);
  await refused(['--device', '/etc/passwd'], /is no device file/);
  await refused(['--device', '/dev/null:/dev/../etc/x'], /not of the form/);
});

test('ctr run: groups, variables of a file, file systems in memory, limits of the process', async () => {
  assert.equal(await inside(['--group-add', 'friends', '--group-add', '77', '--user', '5:6'], 'id -G'), '6 77 2000\n');
  await refused(['--group-add', 'nobody-knows'], /group "nobody-knows" is not in/);
  await writeFile(join(daemon.dir, 'env'), '# a comment\n\n  A=from the file\nB=2\r\nFROM_HERE\n');
  const args = ['--env-file', join(daemon.dir, 'env'), '-e', 'B=3', image, 'sh', '-c', 'echo "$A,$B,$FROM_HERE"'];
  assert.equal((await run(args, { env: { FROM_HERE: 'here' } })).stdout, 'from the file,3,here\n');
  assert.match(
    await inside(['--tmpfs', '/data:size=64k,mode=700'], 'grep " /data " /proc/mounts'),
    /tmpfs rw,nosuid,nodev,noexec.*size=64k,mode=700/,
  );
  assert.equal(
    await inside(['--ulimit', 'nofile=100:200', '--ulimit', 'core=0'], 'ulimit -n; ulimit -Hn; ulimit -c'),
    '100\n200\n0\n',
  );
  await refused(['--ulimit', 'nofile=200:100'], /soft limit above/);
  await refused(['--ulimit', 'files=1'], /not of the form/);
  assert.match(await inside(['--oom-score-adj', '500'], 'cat /proc/self/oom_score_adj'), /^500$/m);
  await refused(['--oom-score-adj', '1001'], /not from -1000 to 1000/);
});

test('ctr run: settings of the kernel that belong to the container, and no others', async () => {
  const told = await inside(
    ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=0', '--sysctl', 'kernel.shmmax=65536'],
    'sysctl -n net.ipv4.ip_unprivileged_port_start kernel.shmmax',
  );
  assert.equal(told, '0\n65536\n');
  await refused(['--sysctl', 'kernel.core_pattern=x'], /belongs to no namespace/);
  await refused(['--sysctl', 'net.ipv4.ip_forward=1+kernel.core_pattern=x'], /which none may have/);
  await refused(['--net-host', '--sysctl', 'net.ipv4.ip_forward=1'], /no network namespace of its own/);
});

test('ctr run: limits of resources, as the cgroups have them', async () => {
  const limits = ['-m', '64m', '--cpus', '1.5', '--cpuset-cpus', '0', '--pids-limit', '50', '--cpu-shares', '512'];
  const parent = `/${daemon.namespace}/deep`;
  const files = 'memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpuset/cpuset.cpus pids/pids.max cpu/cpu.shares';
  const told = await inside(
    [...limits, '--cgroup-parent', parent],
    `cd /sys/fs/cgroup; cat ${files}; cat /proc/self/cgroup`,
  );
  assert.match(told, /^67108864\n150000\n0\n50\n512\n/);
  const { linux } = await specOf(...limits, '--cgroup-parent', parent);
  assert.equal(linux.cgroupsPath, `${parent}/x`);
  assert.deepEqual(linux.resources.memory, { limit: 67108864 });
  for (const controller of await readdir('/sys/fs/cgroup'))
    await rmdir(`/sys/fs/cgroup/${controller}${parent}`).catch(() => undefined);
  await refused(['-m', '1k'], /below 6291456/);
  await refused(['-m', 'much'], /no number of bytes/);
  await refused(['--memory-swap', '64m'], /needs one of memory too/);
  await refused(['--cpuset-cpus', 'all'], /no list of processors/);
  await refused(['--cgroup-parent', '/../../x'], /no absolute path below/);
});

test('ctr run: namespaces of the host, and of another container', async () => {
  const kinds = ['pid', 'ipc', 'uts', 'net'];
  const list = `for kind in ${kinds.join(' ')}; do readlink /proc/self/ns/$kind; done`;
  const first = ['run', '-d', '--id', 'first', image, 'sh', '-c', `${list} > /first; exec sleep 1000`];
  assert.equal((await runCommand(ctr, daemon, first)).code, 0);
  const its = await runCommand(ctr, daemon, ['exec', 'first', 'sh', '-c', list]);
  const join = [
    '--pid',
    'container:first',
    '--ipc',
    'container:first',
    '--uts',
    'container:first',
    '--net',
    'container:first',
  ];
  assert.equal(await inside(join, list), its.stdout);
  assert.equal(await inside(['--pid', 'container:first'], 'cat /proc/1/comm'), 'sleep\n');
  const own = await inside([], list);
  for (const line of own.trim().split('\n')) assert.ok(!its.stdout.includes(line), line);
  const hosts = await Promise.all(kinds.map((kind) => readlink(`/proc/self/ns/${kind}`)));
  assert.equal(
    await inside(['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--net', 'host'], list),
    `${hosts.join('\n')}\n`,
  );
  await refused(['--uts', 'host', '--hostname', 'mine'], /uts namespace is shared/);
  await refused(['--pid', 'container:nobody'], /nobody/);
  await refused(['--pid', 'theirs'], /is not host, private/);
  assert.equal((await runCommand(ctr, daemon, ['delete', '-f', 'first'])).code, 0);
});

test('ctr run --rootfs, --spec and --print-spec', async () => {
  const root = join(daemon.dir, 'tree');
  await mkdir(join(root, 'bin'), { recursive: true });
  for (const name of ['proc', 'sys', 'dev', 'etc']) await mkdir(join(root, name));
  await writeFile(join(root, 'bin/sh'), await readFile('/bin/busybox'), { mode: 0o755 });
  const told = await run(['--rootfs', root, 'sh', '-c', 'echo in "$PWD"; echo kept > /etc/file']);
  assert.deepEqual([told.code, told.stdout, told.stderr], [0, 'in /\n', '']);
  assert.equal(await readFile(join(root, 'etc/file'), 'utf8'), 'kept\n');
  const missing = await run(['--rootfs', '/nothing/here', 'sh']);
  assert.match(missing.stderr, /is no directory of the host/);

  const spec = await specOf('--annotation', 'a.b=c');
  assert.deepEqual(spec.annotations, { 'a.b': 'c' });
  const file = join(daemon.dir, 'spec.json');
  await writeFile(file, JSON.stringify({ ...spec, process: { ...spec.process, args: ['echo', 'by the spec'] } }));
  assert.equal((await run(['--spec', file, image])).stdout, 'by the spec\n');
  await assertNothingLeft(daemon.mine);
});

test('ctr run --uidmap: a user namespace, whose root is nobody on the host', async () => {
  const root = join(daemon.dir, 'mapped');
  // The container's root is another user, who must get through to its root file system.
  await chmod(daemon.dir, 0o711);
  await makeBusyboxTree(root);
  await runProgram('chown', ['-R', '100000:200000', root]);
  const told = await run([
    '--uidmap',
    '0:100000:65536',
    '--gidmap',
    '0:200000:65536',
    '--rootfs',
    root,
    'sh',
    '-c',
    'cat /proc/self/uid_map /proc/self/gid_map',
  ]);
  assert.equal(told.stderr, '');
  assert.match(told.stdout, /^ +0 +100000 +65536\n +0 +200000 +65536\n$/);
  const wrong = await run(['--uidmap', '1:100000:10', '--rootfs', root, 'sh']);
  assert.match(wrong.stderr, /must have 0/);
});

test('ctr run --init: signals are passed on, orphans reaped, the end is that of the program', async () => {
  const started = [
    'run',
    '-d',
    '--init',
    '--id',
    'init',
    image,
    'sh',
    '-c',
    'trap "exit 9" USR1; (sleep 0 & exec true) & while :; do sleep 0.1; done',
  ];
  assert.equal((await runCommand(ctr, daemon, started)).code, 0);
  const told = await runCommand(ctr, daemon, [
    'exec',
    'init',
    'sh',
    '-c',
    'cat /proc/1/comm; ls -l /run/wharfd-init | cut -c1-10',
  ]);
  assert.equal(told.stdout, 'wharfd-init\n-rwxr-xr-x\n');
  await eventually(async () => {
    const states = await runCommand(ctr, daemon, ['exec', 'init', 'sh', '-c', 'grep -h ^State /proc/[0-9]*/status']);
    assert.doesNotMatch(states.stdout, /zombie/);
  });
  assert.equal((await runCommand(ctr, daemon, ['kill', 'init', 'USR1'])).code, 0);
  await eventually(async () => {
    const { stdout } = await runCommand(ctr, daemon, ['info', 'init']);
    assert.equal((JSON.parse(stdout) as { Task: { ExitStatus?: number } }).Task.ExitStatus, 9);
  });
  assert.equal((await runCommand(ctr, daemon, ['delete', 'init'])).code, 0);
  assert.equal((await run(['--init', image, 'sh', '-c', 'kill -9 $$'])).code, 137);
  const missing = await run(['--init', image, '/no/such/program']);
  assert.deepEqual([missing.code, missing.stderr], [127, 'wharfd-init: /no/such/program: No such file or directory\n']);
});

test('ctr update: limits change at once, and in the spec', async () => {
  assert.equal(
    (
      await runCommand(ctr, daemon, [
        'run',
        '-d',
        '--id',
        'u',
        '-m',
        '64m',
        '--cpu-shares',
        '512',
        image,
        'sleep',
        '1000',
      ])
    ).code,
    0,
  );
  const limits = async (): Promise<string> => {
    const files = 'memory/memory.limit_in_bytes pids/pids.max cpu/cpu.shares cpu/cpu.cfs_quota_us';
    return (await runCommand(ctr, daemon, ['exec', 'u', 'sh', '-c', `cd /sys/fs/cgroup; cat ${files}`])).stdout;
  };
  assert.equal(await limits(), '67108864\n4096\n512\n-1\n');
  const told = await runCommand(ctr, daemon, ['update', 'u', '-m', '32m', '--pids-limit', '77', '--cpus', '0.5']);
  assert.deepEqual([told.code, told.stdout, told.stderr], [0, '', '']);
  assert.equal(await limits(), '33554432\n77\n512\n50000\n');
  const { Spec: spec } = JSON.parse((await runCommand(ctr, daemon, ['info', 'u'])).stdout) as { Spec: RuntimeSpec };
  const { memory, pids, cpu } = spec.linux.resources;
  assert.deepEqual(
    [memory, pids, cpu],
    [{ limit: 33554432 }, { limit: 77 }, { shares: 512, quota: 50_000, period: 100_000 }],
  );
  const refusal = await runCommand(ctr, daemon, ['update', 'u', '-m', '1k']);
  assert.deepEqual([refusal.code, refusal.stderr], [1, 'ctr: memory limit in bytes 1024 is below 6291456\n']);
  assert.equal((await runCommand(ctr, daemon, ['update', 'nobody', '-m', '32m'])).code, 1);
  assert.equal((await runCommand(ctr, daemon, ['delete', '-f', 'u'])).code, 0);
});
