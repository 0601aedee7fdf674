import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.js';
import { findLeftovers } from '../support/leftovers.js';
import { mountsOf, readMounts } from '../support/mount-table.js';
import { run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const CHILD = fileURLToPath(new URL('mapped-mounts-child.ts', import.meta.url));

test('a process killed while it mounts mapped layers leaves at most the mount itself, and nobody behind', async (t) => {
  const { path } = await tempDir(t);
  const target = join(path, 'target');
  const lower = Array.from({ length: 40 }, (_, index) => join(path, `layer-${index}`));
  for (const each of [target, ...lower]) await mkdir(each);
  for (let round = 1; round <= 8; round += 1) {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, target, ...lower], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    for (let turn = 0; turn < round * 3; turn += 1) await readMounts();
    child.kill('SIGKILL');
    await exited;
    const left = mountsOf(path, await readMounts());
    assert.deepEqual([...new Set(left.map(({ mountPoint }) => mountPoint))], left.length === 0 ? [] : [target]);
    assert.ok(left.length <= 1, `round ${round}: ${left.length} mounts`);
    for (const { mountPoint } of left) await run('umount', [mountPoint]);
    // The process that holds the namespace is killed when its parent has gone, which takes the kernel a moment.
    await eventually(async () => {
      assert.deepEqual(await findLeftovers({ dirs: [path] }), { mounts: [], processes: [], cgroups: [], fifos: [] });
    });
  }
});
