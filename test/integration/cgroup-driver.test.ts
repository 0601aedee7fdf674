import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import type { RuntimeSpec } from '../../src/spec/runtime-spec.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

test("systemd's cgroup driver: paths are units, the runtime is told, and without systemd it says so and leaves nothing", async (t) => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon({ config: { runtime: { cgroup_driver: 'systemd' } } });
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
  const run = (...words: readonly string[]) => runCommand(ctr, daemon, ['run', '--id', 'x', ...words, image, 'true']);
  const pathWith = async (...options: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('--print-spec', ...options);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as RuntimeSpec).linux.cgroupsPath;
  };
  assert.equal(await pathWith(), `system.slice:wharfd-${daemon.namespace}:x`);
  assert.equal(await pathWith('--cgroup-parent', 'user-1.slice'), `user-1.slice:wharfd-${daemon.namespace}:x`);
  const wrong = await run('--cgroup-parent', '/somewhere');
  assert.deepEqual([wrong.code, /is no slice/.test(wrong.stderr)], [125, true], wrong.stderr);

  const manager = await output('cat', ['/proc/1/comm']);
  const ran = await run();
  if (manager.trim() === 'systemd') {
    assert.equal(ran.code, 0, ran.stderr);
  } else {
    t.diagnostic('systemd does not run here: only its absence is tried');
    assert.equal(ran.code, 125);
    assert.match(ran.stderr, /systemd not running on this host/);
  }
  await assertNothingLeft(daemon.mine);
});

test('a slice as cgroup parent is for systemd under either driver', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
  const told = await runCommand(ctr, daemon, ['run', '--id', 'x', '--cgroup-parent', 'a.slice', '--print-spec', image]);
  const { linux } = JSON.parse(told.stdout) as RuntimeSpec;
  assert.equal(linux.cgroupsPath, `a.slice:wharfd-${daemon.namespace}:x`);
});
