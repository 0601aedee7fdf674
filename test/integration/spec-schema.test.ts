import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Schema, Validator } from 'jsonschema';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { debianPackage } from '../support/debian-package.js';
import { openRegistry } from '../support/registry.js';

/** Debian's package of the specification, with its schema. */
const PACKAGE = 'golang-github-opencontainers-specs-dev';
const PLACE = 'usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  const settings = { Env: ['PATH=/bin'], User: '7:8', Volumes: { '/data': {} }, ExposedPorts: { '80/tcp': {} } };
  image = await registry.push(await makeBusyboxImage({ settings }), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

/** Every option that changes the spec, at least once. */
const CASES: readonly (readonly string[])[] = [
  [],
  ['-t', '-d', '--hostname', 'h', '-e', 'A=b', '--cwd', '/tmp', '-u', '1:2', '--group-add', '3'],
  ['-m', '64m', '--memory-swap', '-1', '--memory-reservation', '32m', '--cpus', '1.5', '--cpu-shares', '512'],
  [
    '--cpu-quota',
    '50000',
    '--cpu-period',
    '100000',
    '--cpuset-cpus',
    '0',
    '--pids-limit',
    '100',
    '--blkio-weight',
    '300',
  ],
  ['--device', '/dev/null', '--device-read-bps', '/dev/loop0:1m', '--device-write-iops', '/dev/loop0:100'],
  ['--cap-add', 'SYS_ADMIN', '--cap-drop', 'ALL', '--allow-new-privs', '--seccomp', 'unconfined'],
  ['--privileged'],
  [
    '--read-only',
    '--tmpfs',
    '/run:size=1m',
    '-v',
    '/tmp:/host:ro',
    '-v',
    'named:/vol',
    '--mount',
    'type=bind,src=/tmp,dst=/b',
  ],
  ['--ulimit', 'nofile=1024:2048', '--sysctl', 'net.ipv4.ip_forward=1', '--oom-score-adj', '100', '--init'],
  ['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--cgroupns', 'private', '--net', 'host'],
  ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'],
  ['--annotation', 'a=b', '--cgroup-parent', '/somewhere', '--net', 'none', '--stop-signal', 'INT'],
];

test('the config.json of containers is what the schema of the runtime specification allows', async (t) => {
  const found = await debianPackage(PACKAGE);
  if ('missing' in found) {
    t.skip(found.missing);
    return;
  }
  const folder = join(found.root, PLACE);
  const validator = new Validator();
  const schemas = new Map<string, Schema>();
  for (const name of await readdir(folder)) {
    const schema = JSON.parse(await readFile(join(folder, name), 'utf8')) as Schema;
    schemas.set(name, schema);
    validator.addSchema(schema, `/${name}`);
  }
  const whole = { ...schemas.get('config-schema.json'), id: '/config-schema.json' } as Schema;
  const faultsIn = (spec: unknown): readonly string[] =>
    validator.validate(spec, whole).errors.map((each) => each.stack);

  const profile = join(daemon.dir, 'seccomp.json');
  await mkdir(join(daemon.dir, 'rootfs'));
  await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }));
  for (const options of [...CASES, ['--seccomp', profile]]) {
    const told = await runCommand(ctr, daemon, ['run', '--id', 'x', '--print-spec', ...options, image, 'true']);
    assert.equal(told.code, 0, `${options.join(' ')}: ${told.stderr}`);
    const spec = JSON.parse(told.stdout) as Record<string, unknown>;
    assert.deepEqual(faultsIn(spec), [], options.join(' '));
    // The schema does see what is wrong.
    assert.notDeepEqual(faultsIn({ ...spec, process: { ...(spec['process'] as object), args: 'true' } }), []);
    const linux = { ...(spec['linux'] as object), namespaces: [{ type: 'nonsense' }] };
    assert.notDeepEqual(faultsIn({ ...spec, linux }), []);
    assert.notDeepEqual(faultsIn({ ...spec, ociVersion: undefined }), []);
  }
});
