import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

async function dist(daemon: TestDaemon, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runBuilt('dist', daemon, args);
  assert.equal(code, 0, `dist ${args.join(' ')}: ${stderr.toString()}`);
  return stdout.toString();
}

async function refused(daemon: TestDaemon, message: RegExp, ...args: string[]): Promise<void> {
  const { code, stderr } = await runBuilt('dist', daemon, args);
  assert.notEqual(code, 0);
  assert.match(stderr.toString(), message);
}

function snapshots(daemon: TestDaemon): Promise<string> {
  const target = ['--address', daemon.address, '--namespace', daemon.namespace];
  return output('/usr/bin/ctr', [...target, 'snapshots', 'ls']);
}

test('an image is mounted to look into, stays over a crash of the daemon, and goes with unmount', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  await dist(daemon, 'fetch', name);
  await dist(daemon, 'pull', name);
  const [view, write] = [join(daemon.dir, 'view'), join(daemon.dir, 'write')];
  await mkdir(view);
  await mkdir(write);
  await dist(daemon, 'mount', name, view);
  await dist(daemon, 'mount', '--rw', name, write);
  await refused(daemon, /is mounted at .* already/, 'mount', name, view);
  await refused(daemon, /does not exist/, 'mount', name, join(daemon.dir, 'nowhere'));
  assert.ok((await readdir(view)).includes('bin'));
  await assert.rejects(writeFile(join(view, 'new'), ''), { code: 'EROFS' });
  await writeFile(join(write, 'new'), 'x');
  const table = await output('findmnt', ['-n', '-o', 'OPTIONS', write]);
  assert.match(table, /nosuid.*nodev/);

  await daemon.kill();
  await daemon.start();
  await dist(daemon, 'gc');
  assert.ok((await readdir(write)).includes('new'));
  await output('umount', [view]);
  await daemon.stop();
  await daemon.start();
  assert.equal((await snapshots(daemon)).match(/^mount-/gm)?.length, 1, 'what is not mounted any more has no snapshot');
  await refused(daemon, /no image is mounted/, 'unmount', view);
  await dist(daemon, 'unmount', write);
  assert.deepEqual(await readdir(write), []);
  assert.doesNotMatch(await snapshots(daemon), /^mount-/m);
  await assertNothingLeft(daemon.mine);
});
