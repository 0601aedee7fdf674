import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { makeBusyboxTree } from '../support/busybox-tree.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { adviceOnVersion } from '../../src/drivers/runtime-oci/runtime-version.js';
import { output } from '../support/run.js';
import { assertNothingLeft } from '../support/leftovers.js';

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

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await asked(...args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, args.join(' '));
  return stdout;
}

test('ctr run -v, ctr volume: a named volume outlives its containers, and is not removed under one', async () => {
  await ok('run', '--id', 'a', '-v', 'data:/data', '--rootfs', tree, 'sh', '-c', 'echo kept > /data/file');
  assert.equal(
    await ok('run', '--id', 'b', '--mount', 'type=volume,src=data,dst=/other', '--rootfs', tree, 'cat', '/other/file'),
    'kept\n',
  );
  const readOnly = await asked(
    'run',
    '--id',
    'c',
    '-v',
    'data:/data:ro',
    '--rootfs',
    tree,
    'sh',
    '-c',
    'echo x > /data/file',
  );
  assert.match(readOnly.stderr, /Read-only file system/);
  await ok('run', '-d', '--id', 'user', '-v', 'data:/data', '-v', 'more:/more', '--rootfs', tree, 'sleep', '1000');
  assert.equal(await ok('volume', 'ls', '-q'), 'data\nmore\n');
  assert.match(await ok('volume', 'ls'), /^NAME +CREATED AT +PATH\ndata +\S+ +\/.*\/volumes\/.*\/data\n/);
  const used = await asked('volume', 'rm', 'data', 'nothing');
  assert.equal(used.code, 1);
  assert.match(
    used.stderr,
    /^ctr: volume data is in use by container user: delete that first\nctr: volume "nothing" is not there/,
  );
  await ok('delete', '-f', 'user');
  await ok('volume', 'rm', 'data', 'more');
  assert.equal(await ok('volume', 'ls', '-q'), '');
  for (const [options, message] of [
    [['-v', '../x:/data'], /src of a volume must be its name/],
    [['-v', 'data:relative'], /not of the form/],
    [['--mount', 'type=volume,dst=/x'], /src of a volume must be its name/],
    [['-v', '.hidden:/x'], /volume name: identifier/],
  ] as const) {
    const { code, stderr } = await asked('run', '--id', 'x', ...options, '--rootfs', tree, 'sh');
    assert.equal(code, 125);
    assert.match(stderr, message);
  }
  await assertNothingLeft(daemon.mine);
});

test('ctr run --runtime: by name, by path, and what is none; an old one is warned of once', async () => {
  const run = (runtime: string): Promise<Told> =>
    asked('run', '--id', 'r', '--runtime', runtime, '--rootfs', tree, 'echo', 'ran');
  for (const runtime of ['runc', '/usr/sbin/runc', 'io.containerd.runc.v2']) {
    const { code, stdout, stderr } = await run(runtime);
    assert.deepEqual([code, stdout, stderr], [0, 'ran\n', ''], runtime);
  }
  assert.match((await run('no-such-runtime')).stderr, /"no-such-runtime": executable file not found/);
  assert.match((await run('io.containerd.kata.v2')).stderr, /io\.containerd\.kata\.v2/);
  const advice = adviceOnVersion(await output('/usr/sbin/runc', ['--version']));
  if (advice !== undefined) await daemon.logged(({ msg }) => msg === advice);
  const advised = daemon.log.filter(
    ({ binary, msg }) => binary === '/usr/sbin/runc' && msg.includes('ways out of a container'),
  );
  assert.deepEqual(
    advised.map(({ msg }) => msg),
    advice === undefined ? [] : [advice],
  );
});
