import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { openRegistry } from '../support/registry.js';

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

async function list(): Promise<string> {
  return (await runCommand(ctr, daemon, ['list'])).stdout;
}

/** `ctr run --ephemeral` as a process of its own, once its container runs. */
async function owner(id: string) {
  const env = { ...process.env, WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace };
  const args = ['run', '--ephemeral', '--id', id, image, 'sh', '-c', 'echo ready; sleep 1000'];
  const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'build/cli/ctr.cjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('an ephemeral container ends as any other, output and exit status whole', async () => {
  const args = ['run', '--ephemeral', '--id', 'e', image, 'sh', '-c', 'seq 20000; exit 7'];
  const { code, stdout } = await runCommand(ctr, daemon, args);
  assert.equal(code, 7);
  assert.match(stdout, /^20000$/m);
  assert.equal(stdout.split('\n').length, 20_001);
  await eventually(async () => assert.doesNotMatch(await list(), /^e /m));
});

test('it dies with its owner, killed without warning', async () => {
  const child = await owner('victim');
  assert.match(await list(), /^victim .*RUNNING/m);
  child.kill('SIGKILL');
  await eventually(async () => assert.doesNotMatch(await list(), /victim/));
  await assertNothingLeft(daemon.mine);
});

test('it does not outlive its daemon', async () => {
  await owner('orphan');
  await daemon.kill();
  await daemon.start();
  assert.doesNotMatch(await list(), /orphan/);
  await assertNothingLeft(daemon.mine);
});

test('what can have no owner is refused', async () => {
  for (const args of [['run', '-d'], ['run', '--keep'], ['create']]) {
    const { code, stderr } = await runCommand(ctr, daemon, [...args, '--ephemeral', '--id', 'x', image, 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /--ephemeral/);
  }
  await assertNothingLeft(daemon.mine);
});
