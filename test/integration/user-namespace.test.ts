import assert from 'node:assert/strict';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { readMounts } from '../support/mount-table.js';
import { openRegistry } from '../support/registry.js';
import { run as runProgram } from '../support/run.js';

const MAPPED = ['--uidmap', '0:100000:65536', '--gidmap', '0:200000:65536'];
const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  // The container's root is another user, who must get through to its root file system.
  await chmod(daemon.dir, 0o711);
  const settings = { Env: ['PATH=/bin'], Volumes: { '/data/of/image': {} } };
  image = await registry.push(await makeBusyboxImage({ settings }), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

async function run(...args: readonly string[]): Promise<Told> {
  const told = await runCommand(ctr, daemon, args);
  assert.equal(told.stderr, '', args.join(' '));
  assert.equal(told.code, 0, args.join(' '));
  return told;
}

/** Directories of a running container's overlay; without its lower ones. */
async function upperOf(id: string): Promise<string> {
  const row = (await readMounts()).find(({ mountPoint }) => mountPoint.endsWith(`/${id}/rootfs`));
  assert.equal(row?.type, 'overlay');
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const line = table.split('\n').find((each) => each.includes(`/${id}/rootfs `)) ?? '';
  return /upperdir=([^,]+)/.exec(line)?.[1] ?? '';
}

test('an image runs in a user namespace: root has its files inside, another user what is changed outside', async () => {
  const script =
    'cat /proc/self/uid_map; stat -c "%u:%g %n" /bin/busybox /data/of/image; echo new > /new; chown 5:6 /new; chmod 4755 /bin/busybox; sleep 600';
  await run('run', '-d', '--id', 'mapped', ...MAPPED, image, 'sh', '-c', script);
  const inside = await run(
    'exec',
    'mapped',
    'sh',
    '-c',
    'while ! test -u /bin/busybox; do :; done; stat -c "%u:%g:%a" /new /bin/busybox /',
  );
  assert.equal(inside.stdout, '5:6:644\n0:0:4755\n0:0:755\n');
  const { stdout } = await run('logs', 'mapped');
  assert.match(stdout, /^ +0 +100000 +65536\n0:0 \/bin\/busybox\n0:0 \/data\/of\/image\n$/);
  const upper = await upperOf('mapped');
  const owner = async (path: string) => {
    const { uid, gid } = await stat(join(upper, path));
    return [uid, gid];
  };
  assert.deepEqual(await owner('.'), [100000, 200000]);
  assert.deepEqual(await owner('new'), [100005, 200006]);
  assert.deepEqual(await owner('bin/busybox'), [100000, 200000]);
  assert.deepEqual(await owner('data/of/image'), [100000, 200000]);

  const changes = await run('diff', 'mapped');
  assert.doesNotMatch(changes.stdout, /bin\/sh/);
  await run('commit', 'mapped', 'example.com/committed:1');
  const seen = await run(
    'run',
    '--id',
    'plain',
    'example.com/committed:1',
    'stat',
    '-c',
    '%u:%g:%a',
    '/new',
    '/bin/busybox',
    '/',
  );
  assert.equal(seen.stdout, '5:6:644\n0:0:4755\n0:0:755\n');
  await run('delete', '-f', 'mapped');
  await run('delete', '-f', 'plain').catch(() => undefined);
  const again = await run('run', '--rm', '--id', 'again', image, 'stat', '-c', '%u:%g:%a', '/bin/busybox');
  assert.equal(again.stdout, '0:0:755\n');
  await assertNothingLeft(daemon.mine);
});

test('the snapshotters tell that they map owners, as containerd does', async () => {
  const socket = daemon.address.replace(/^unix:(\/\/)?/, '');
  const told = await runProgram('ctr', ['-a', socket, 'plugins', 'ls', '-d', 'type==io.containerd.snapshotter.v1']);
  const text = told.stdout.toString();
  assert.equal(text.match(/remap-ids/g)?.length, 2, text);
});

test('forking a container with mapped owners is refused by what to do instead', async () => {
  await run(
    'create',
    '--id',
    'kept',
    ...MAPPED,
    image,
    'sh',
    '-c',
    'stat -c %u /bin; echo x >> /kept; stat -c %u /kept',
  );
  const forked = await runCommand(ctr, daemon, ['fork', 'kept', 'other']);
  assert.match(forked.stderr, /owners of a user namespace.*ctr commit/);
  await run('delete', '-f', 'kept');
  await assertNothingLeft(daemon.mine);
});
