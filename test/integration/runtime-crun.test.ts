import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { run } from '../support/run.js';

/** crun refuses hosts with both versions of cgroups; in a mount namespace of its own it sees version 2 alone. */
const PRIVATE =
  '{ umount -R /sys/fs/cgroup || umount -l /sys/fs/cgroup; } 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';

test('the suite of the runtime port, on crun', async () => {
  const suite = [process.execPath, '--import', 'tsx', '--test', '--test-reporter=spec', 'test/support/crun-suite.ts'];
  const { code, stdout, stderr } = await run(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', PRIVATE, 'sh', ...suite],
    // The runner would take a child of a test for a part of it.
    { cwd: PACKAGE_ROOT, env: { ...process.env, NODE_TEST_CONTEXT: undefined }, timeoutMs: 300_000 },
  );
  const told = stdout.toString();
  assert.equal(code, 0, `${told.slice(-10_000)}${stderr.toString()}`);
  assert.match(told, /pass [4-9]\d\n/, told.slice(-1000));
});
