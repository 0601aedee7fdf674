import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertThrowsWithKind } from '../../test/support/assert-kind.js';
import type { ImageProcess } from './image-config.js';
import { DaemonError } from '../base/errors.js';
import { PLAIN_HOST } from '../../test/support/execution-fakes.js';
import { NO_SPEC_OPTIONS } from './spec-options.js';
import { hostnameOf, type ProcessOptions } from './process-options.js';
import { buildSpec, execProcess, withUser, type SpecRequest } from './runtime-spec-builder.js';
import { DEFAULT_CAPABILITIES } from './runtime-spec-defaults.js';
import { defaultSeccomp } from './runtime-spec-seccomp.js';

const IMAGE: ImageProcess = {
  ...{ user: '', env: ['PATH=/opt/bin', 'A=image'], entrypoint: ['/entry'], cmd: ['serve'], workingDir: 'srv' },
  ...{ stopSignal: '', exposedPorts: [], volumes: [], labels: {} },
};
const PLAIN: ProcessOptions = {
  ...{ args: [], replaceEntrypoint: false, env: [], cwd: '', user: '', terminal: false, hostname: '' },
};
const HOST = PLAIN_HOST;
const NO_DEVICES = { find: noDevice, all: () => [] };

function noDevice(path: string): never {
  throw new DaemonError('not-found', path);
}

function request(change: Partial<SpecRequest> & { readonly wish?: Partial<ProcessOptions> } = {}): SpecRequest {
  const { wish, ...rest } = change;
  return {
    ...{ namespace: 'ns', id: 'foo', image: IMAGE, host: HOST, readonlyRootfs: false, mounts: [] },
    ...{ options: NO_SPEC_OPTIONS, namespaces: new Map(), devices: NO_DEVICES },
    process: { ...PLAIN, ...wish },
    ...rest,
  };
}

test('the image says what runs, the caller what is otherwise', () => {
  const asIs = buildSpec(request()).process;
  assert.deepEqual(asIs.args, ['/entry', 'serve']);
  assert.deepEqual(asIs.env, ['PATH=/opt/bin', 'A=image']);
  assert.equal(asIs.cwd, '/srv');
  const wished = buildSpec(
    request({ wish: { args: ['x', ''], env: ['A=mine', 'B=', 'PATH'], cwd: '/a//b/../c/', terminal: true } }),
  ).process;
  assert.deepEqual(wished.args, ['/entry', 'x', '']);
  assert.deepEqual(wished.env, ['TERM=xterm', 'A=mine', 'B=']);
  assert.equal(wished.cwd, '/a/c');
  assert.equal(wished.terminal, true);
  assert.deepEqual(buildSpec(request({ wish: { args: ['sh'], replaceEntrypoint: true } })).process.args, ['sh']);
  const bare = request({ image: { ...IMAGE, env: [], entrypoint: [], cmd: [] } });
  assertThrowsWithKind(() => buildSpec(bare), 'invalid-argument', /neither Entrypoint nor Cmd/);
  assert.match(
    buildSpec({ ...bare, process: { ...PLAIN, args: ['sh'] } }).process.env.join(),
    /^PATH=\/usr\/local\/sbin:/,
  );
});

test('values that a container must not have are refused by name', () => {
  const refuse = (wish: Partial<ProcessOptions>, message: RegExp) => {
    assertThrowsWithKind(() => buildSpec(request({ wish })), 'invalid-argument', message);
  };
  for (const cwd of ['/proc/self/fd/8', '/proc', '/x/../proc/1', '/dev/fd/8']) refuse({ cwd }, /not allowed/);
  refuse({ cwd: 'relative' }, /no absolute path/);
  refuse({ env: ['HOME=/root\nevil::0:0'] }, /newline/);
  refuse({ env: ['A\nB=1'] }, /name .* not allowed/);
  refuse({ env: ['=1'] }, /not allowed/);
  refuse({ env: ['A=\0'] }, /NUL/);
  refuse({ hostname: 'a\nb' }, /hostname/);
  refuse({ hostname: 'a'.repeat(64) }, /at most 63/);
  refuse({ args: ['a\0b'], replaceEntrypoint: true }, /NUL/);
  const hostile = request({ image: { ...IMAGE, workingDir: '/proc/self/fd/7' } });
  assertThrowsWithKind(() => buildSpec(hostile), 'invalid-argument', /not allowed/);
});

test('an id becomes a hostname that the kernel takes', () => {
  assert.equal(hostnameOf('foo_bar'), 'foo-bar');
  const long = hostnameOf(`${'a'.repeat(62)}.${'b'.repeat(13)}`);
  assert.equal(long, 'a'.repeat(62));
});

test('capabilities: root has the default set, others nothing effective, nobody ambient or inheritable ones', () => {
  const root = buildSpec(request()).process.capabilities;
  assert.equal(root.bounding.length, 14);
  assert.deepEqual([root.effective, root.permitted], [root.bounding, root.bounding]);
  const other = withUser(buildSpec(request()), { uid: 1000, gid: 1000 }).process.capabilities;
  assert.deepEqual([other.effective, other.permitted], [[], []]);
  assert.deepEqual(other.bounding, DEFAULT_CAPABILITIES);
  for (const { inheritable, ambient } of [root, other]) assert.deepEqual([inheritable, ambient], [[], []]);
});

test('what every container is given', () => {
  const spec = buildSpec(request({ readonlyRootfs: true }));
  assert.equal(spec.process.noNewPrivileges, true);
  assert.deepEqual(spec.process.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 20_000 }]);
  assert.deepEqual(spec.root, { path: 'rootfs', readonly: true });
  assert.equal(spec.linux.cgroupsPath, '/ns/foo');
  assert.deepEqual(spec.linux.resources.devices, [{ allow: false, access: 'rwm' }]);
  assert.ok(spec.linux.resources.pids.limit > 0);
  assert.deepEqual(
    spec.linux.namespaces.map(({ type }) => type),
    ['mount', 'pid', 'ipc', 'uts', 'network'],
  );
  assert.ok(spec.linux.maskedPaths.includes('/sys/devices/virtual/powercap'));
  const sys = spec.mounts.find(({ destination }) => destination === '/sys');
  assert.ok(sys?.options.includes('ro') && sys.type === 'sysfs');
  const v2 = buildSpec(request({ host: { ...HOST, cgroups: { ...HOST.cgroups, v2: true } } }));
  assert.ok(v2.linux.namespaces.some(({ type }) => type === 'cgroup'));
});

test('the host network: no network namespace, its files read-only, and the sysfs of the host', () => {
  const spec = buildSpec(request({ namespaces: new Map([['network', 'host']]) }));
  assert.ok(!spec.linux.namespaces.some(({ type }) => type === 'network'));
  const hosts = spec.mounts.find(({ destination }) => destination === '/etc/hosts');
  assert.deepEqual(hosts?.options, ['rbind', 'ro']);
  assert.equal(spec.mounts.find(({ destination }) => destination === '/sys')?.type, 'bind');
});

test('mounts of the caller: bind by default, and absolute both ways', () => {
  const mount = { destination: '/data', type: '', source: '/srv', options: ['ro'] };
  const spec = buildSpec(request({ mounts: [mount] }));
  assert.deepEqual(spec.mounts.at(-1), { ...mount, type: 'bind', options: ['rbind', 'ro'] });
  for (const bad of [{ destination: 'data' }, { destination: '/' }, { destination: '/a/../..' }, { source: 'srv' }]) {
    assertThrowsWithKind(
      () => buildSpec(request({ mounts: [{ ...mount, ...bad }] })),
      'invalid-argument',
      /no absolute path/,
    );
  }
});

test('seccomp: what reaches out of a container is not allowed, clone3 is said not to exist', () => {
  const profile = defaultSeccomp('amd64', DEFAULT_CAPABILITIES);
  assert.ok(profile);
  const allowed = new Set(
    profile.syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && !args).flatMap(({ names }) => names),
  );
  const refused = [
    'unshare',
    'setns',
    'mount',
    'io_uring_setup',
    'bpf',
    'kexec_load',
    'keyctl',
    'userfaultfd',
    'init_module',
    'socket',
    'clone',
  ];
  for (const name of refused) assert.ok(!allowed.has(name), name);
  for (const name of ['read', 'execve', 'futex', 'chroot', 'epoll_wait', 'arch_prctl'])
    assert.ok(allowed.has(name), name);
  assert.equal(profile.syscalls.find(({ names }) => names.includes('clone3'))?.errnoRet, 38);
  assert.equal(profile.syscalls.find(({ names }) => names.includes('clone'))?.args?.[0]?.value, 0x7e020000);
  assert.ok(!defaultSeccomp('amd64', [])?.syscalls[0]?.names.includes('chroot'));
  assert.equal(defaultSeccomp('vax', []), undefined);
  const names = profile.syscalls[0]?.names ?? [];
  assert.equal(new Set(names).size, names.length);
});

test('an exec is like its container but for what is asked', () => {
  const container = { ...buildSpec(request()).process, apparmorProfile: 'kept' };
  const same = execProcess(container, { ...PLAIN, args: ['id'], env: ['B=2'] }, undefined);
  assert.deepEqual(same, { ...container, args: ['id'], env: [...container.env, 'B=2'] });
  const user = execProcess(container, { ...PLAIN, args: ['id'] }, { uid: 5, gid: 5 });
  assert.deepEqual(user.capabilities?.effective, []);
  const narrow = { ...container, capabilities: { ...container.capabilities, bounding: ['CAP_KILL'] } };
  assert.deepEqual(execProcess(narrow, { ...PLAIN, args: ['id'] }, { uid: 0, gid: 0 }).capabilities?.effective, [
    'CAP_KILL',
  ]);
  assertThrowsWithKind(() => execProcess(container, PLAIN, undefined), 'invalid-argument', /name the command/);
  assertThrowsWithKind(
    () => execProcess(container, { ...PLAIN, args: ['id'], cwd: '/proc/1/cwd' }, undefined),
    'invalid-argument',
  );
});
