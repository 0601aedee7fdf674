import assert from 'node:assert/strict';
import { chmod, lstat, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
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
import { createKernel } from '../../src/sys/kernel.js';
import { tempDir } from '../support/temp-dir.js';
import { openRegistry } from '../support/registry.js';
import { run as runProgram } from '../support/run.js';

/** The first kernel that shows overlays of mapped layers is Linux 5.19. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const skip = major * 1000 + minor < 5019 && `Linux 5.19 is needed for mapped layers, this is ${release()}`;

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

test(
  'an image runs in a user namespace: root has its files inside, another user what is changed outside',
  { skip },
  async () => {
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
  },
);

test('the snapshotters tell that they map owners, as containerd does', { skip }, async () => {
  const socket = daemon.address.replace(/^unix:(\/\/)?/, '');
  const told = await runProgram('ctr', ['-a', socket, 'plugins', 'ls', '-d', 'type==io.containerd.snapshotter.v1']);
  const text = told.stdout.toString();
  assert.equal(text.match(/remap-ids/g)?.length, 2, text);
});

/** What a container's `stat` says of paths, from a run of it. */
async function started(id: string): Promise<string> {
  await run('start', id);
  const { stdout } = await run('wait', id);
  assert.equal(stdout.trim(), '0');
  return (await run('logs', '--tail', '2', id)).stdout;
}

test(
  'a container with mapped owners forks: each goes on from what was written, with the owners of its own',
  { skip },
  async () => {
    const look = 'stat -c "%u:%g:%a %s" /kept /bin/busybox';
    const script = `echo x >> /kept; chown 5:6 /kept; chmod 4711 /bin/busybox; rm -f /bin/vi; ln /kept /again 2>/dev/null; ${look}`;
    await run('create', '--id', 'kept', ...MAPPED, image, 'sh', '-c', script);
    assert.match(await started('kept'), /^5:6:644 2\n0:0:4711 \d+\n$/);
    for (const [id, from] of [
      ['other', 'kept'],
      ['third', 'other'],
      ['fourth', 'kept'],
    ] as const) {
      await run('fork', from, id);
    }
    // The link to itself is there already, so the script ends with the look in each.
    for (const [id, size] of [
      ['other', 4],
      ['third', 4],
      ['kept', 4],
      ['fourth', 4],
    ] as const) {
      assert.match(await started(id), new RegExp(`^5:6:644 ${size}\n0:0:4711 \\d+\n$`), id);
      const changes = await run('diff', id);
      assert.match(changes.stdout, /\/kept$/m, id);
      assert.match(changes.stdout, /\/again$/m, id);
    }
    await run('commit', 'third', 'example.com/third:1');
    const plain = ['run', '--rm', '--id', 'plain', 'example.com/third:1', 'sh', '-c'];
    const seen = await runCommand(ctr, daemon, [...plain, `${look}; test ! -e /bin/vi`]);
    assert.match(seen.stdout, /^5:6:644 4\n0:0:4711 \d+\n$/);
    assert.equal(seen.code, 0, seen.stderr);
    for (const id of ['kept', 'other', 'third', 'fourth']) await run('delete', '-f', id);
    await assertNothingLeft(daemon.mine);
  },
);

/** user::rw-, one user:r--, group::r--, mask::r--, other::--- (version 2). */
function aclOf(user: number): Buffer {
  const bytes = Buffer.from(
    '02000000' + '01000600ffffffff' + '0200040000000000' + '04000400ffffffff' + '10000400ffffffff' + '20000000ffffffff',
    'hex',
  );
  bytes.writeUInt32LE(user, 16);
  return bytes;
}

test(
  'a snapshot with mapped owners that is committed lies below others as any layer does, ACLs included',
  { skip },
  async () => {
    const { files, mounts } = createKernel();
    await run('create', '--id', 'source', ...MAPPED, image, 'sh', '-c', 'echo 1 > /file; chown 3:4 /file; rm /bin/vi');
    await run('start', 'source');
    await run('wait', 'source');
    const socket = daemon.address.replace(/^unix:(\/\/)?/, '');
    const theirs = async (...args: string[]) =>
      (await runProgram('ctr', ['-a', socket, '-n', daemon.namespace, 'snapshots', ...args])).stdout.toString();
    // As a process inside would: what is written there names the host's users.
    const key = /^(\S+) .*Active/m.exec(await theirs('ls'))?.[1] ?? '';
    const upper = /upperdir=([^,\s]+)/.exec(await theirs('mounts', '/x', key))?.[1] ?? '';
    const active = files.openDirectory(upper);
    files.setXattr(active, 'file', 'system.posix_acl_access', aclOf(100_007));
    files.close(active);

    await theirs('commit', 'layer-of-source', key);
    await theirs('prepare', 'on-top', 'layer-of-source');
    await using place = await tempDir();
    const options = / -o (\S+)/.exec(await theirs('mounts', place.path, 'on-top'))?.[1]?.split(',') ?? [];
    await using _ = await mounts.mountAll([{ type: 'overlay', source: 'overlay', options }], place.path);
    const { uid, gid } = await stat(join(place.path, 'file'));
    assert.deepEqual([uid, gid], [3, 4]);
    await assert.rejects(lstat(join(place.path, 'bin/vi')), { code: 'ENOENT' });
    const root = files.openDirectory(place.path);
    try {
      assert.deepEqual(files.getXattr(root, 'file', 'system.posix_acl_access'), aclOf(7));
    } finally {
      files.close(root);
    }
  },
);
