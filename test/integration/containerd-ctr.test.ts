import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt, type Target } from '../support/cli.js';
import { openContainerd } from '../support/containerd.js';
import { openDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { makeImage, makeIndex } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { type Ran, run } from '../support/run.js';
import { inventory } from '../support/tree.js';

const OTHER_PLATFORM = { os: 'linux', architecture: 'riscv64' };

test("containerd's own ctr: it shows of our daemon what it shows of containerd", async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  await using containerd = await openContainerd();
  const peer: Target = { address: containerd.address, namespace: daemon.namespace };

  for (const list of ['images', 'content', 'containers', 'tasks']) {
    assert.deepEqual(await rows(daemon, [list, 'ls']), await rows(peer, [list, 'ls']), `${list} ls of nothing`);
  }
  const busybox = await makeBusyboxImage();
  const names = [
    await registry.push(busybox, 'busybox', '1'),
    await registry.push(await makeBusyboxImage({ format: 'docker' }), 'busybox', 'docker'),
    await registry.push(makeIndex([makeImage({ layers: [], platform: OTHER_PLATFORM }), busybox]), 'busybox', 'index'),
  ];
  for (const name of names) {
    await foreign(peer, ['images', 'pull', '--plain-http', name]);
    const { code, stderr } = await runBuilt('dist', daemon, ['pull', name]);
    assert.equal(code, 0, stderr.toString());
  }
  // REF TYPE DIGEST SIZE (a number and its unit) PLATFORMS, and DIGEST SIZE: the rest is labels and ages.
  assert.deepEqual(await rows(daemon, ['images', 'ls'], 6), await rows(peer, ['images', 'ls'], 6));
  assert.deepEqual(await rows(daemon, ['content', 'ls'], 2), await rows(peer, ['content', 'ls'], 2));
  assert.match((await foreign(daemon, ['version'])).stdout.toString(), /Server:\n {2}Version: +\S+/);
});

test("containerd's own ctr: it runs, lists, enters and ends a container of ours", async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  const pulled = await runBuilt('dist', daemon, ['pull', name]);
  assert.equal(pulled.code, 0, pulled.stderr.toString());

  const ran = await ctr(daemon, ['run', '--rm', name, 'short', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  const told = { code: ran.code, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
  assert.deepEqual(told, { code: 7, stdout: 'out\n', stderr: 'err\n' });

  await foreign(daemon, ['run', '--detach', name, 'long', 'sh', '-c', 'trap "exit 3" TERM; while :; do sleep 1; done']);
  const [, task = ''] = await rows(daemon, ['tasks', 'ls']);
  assert.match(task, /^long \d+ RUNNING$/);
  assert.deepEqual(await rows(daemon, ['containers', 'ls']), [
    'CONTAINER IMAGE RUNTIME',
    `long ${name} io.containerd.runc.v2`,
  ]);
  const entered = await foreign(daemon, ['tasks', 'exec', '--exec-id', 'e1', 'long', 'hostname']);
  assert.notEqual(entered.stdout.toString(), '');
  await foreign(daemon, ['tasks', 'kill', '--signal', 'KILL', 'long']);
  await eventually(async () => {
    const [, stopped = ''] = await rows(daemon, ['tasks', 'ls']);
    assert.match(stopped, /^long \d+ STOPPED$/);
  });
  await ctr(daemon, ['tasks', 'delete', 'long']);
  await foreign(daemon, ['containers', 'delete', 'long']);
  assert.deepEqual(await rows(daemon, ['containers', 'ls']), ['CONTAINER IMAGE RUNTIME']);
  await assertNothingLeft(daemon.mine);
});

test("containerd's own ctr: it has our daemon make layers of snapshots", async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  const pulled = await runBuilt('dist', daemon, ['pull', name]);
  assert.equal(pulled.code, 0, pulled.stderr.toString());
  const script = 'echo new > /new; ln /new /again; mkdir -m 1777 /dir; echo x > /dir/x; rm /bin/busybox; true';
  await foreign(daemon, ['run', name, 'changed', 'sh', '-c', script]);
  // Without its container nothing else keeps it from collection.
  await foreign(daemon, ['snapshots', 'label', 'changed', 'containerd.io/gc.root=test']);
  await foreign(daemon, ['containers', 'delete', '--keep-snapshot', 'changed']);
  const { stdout: layer } = await foreign(daemon, ['snapshots', 'diff', 'changed']);
  const listed = (await run('tar', ['-tzf', '-'], { input: layer })).stdout.toString().trimEnd().split('\n');
  for (const path of ['again', 'bin/.wh.busybox', 'dir/', 'dir/x', 'new']) assert.ok(listed.includes(path), path);
  await foreign(daemon, ['snapshots', 'rm', 'changed']);
  await assertNothingLeft(daemon.mine);
});

test("containerd's own ctr: containerd makes the tree of an image that we made of a container", async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  await using containerd = await openContainerd();
  const peer: Target = { address: containerd.address, namespace: daemon.namespace };
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  const script =
    'cd /; echo new > new; ln new again; mkdir -m 1777 dir; echo x > dir/x; rm bin/head; ln -s a dir/l; ' +
    'rm -r etc; mkdir etc; echo y > etc/y; mknod dir/null c 1 3; chown 7:70000 dir/x; true';
  const made = name.replace('busybox', 'made');
  const dirs = [join(daemon.dir, 'ours'), join(daemon.dir, 'theirs')] as const;
  for (const dir of dirs) await mkdir(dir);
  for (const [program, ...args] of [
    ['dist', 'pull', name],
    ['ctr', 'run', '--keep', name, 'changed', 'sh', '-c', script],
    ['ctr', 'commit', 'changed', made],
    ['ctr', 'delete', 'changed'],
    ['dist', 'mount', made, dirs[0]],
  ] as const) {
    const { code, stderr } = await runBuilt(program, daemon, args);
    assert.equal(code, 0, stderr.toString());
  }
  const tar = join(daemon.dir, 'made.tar');
  await foreign(daemon, ['images', 'export', tar, made]);
  await foreign(peer, ['images', 'import', tar]);
  await foreign(peer, ['images', 'mount', made, dirs[1]]);
  const [ours, theirs] = await Promise.all(dirs.map((dir) => inventory(dir, ['trusted.overlay.'])));
  await foreign(peer, ['images', 'unmount', dirs[1]]);
  assert.deepEqual((await runBuilt('dist', daemon, ['unmount', dirs[0]])).code, 0);
  // containerd leaves the time of its work on directories that it makes something in.
  const settled = (tree: Awaited<ReturnType<typeof inventory>> = {}) =>
    Object.fromEntries(
      Object.entries(tree).map(([at, member]) => [at, at === '.' ? { ...member, mtime: '' } : member]),
    );
  assert.deepEqual(settled(theirs), settled(ours));
  await assertNothingLeft(daemon.mine);
});

/** Debian's ctr. */
function ctr({ address, namespace }: Target, args: readonly string[]): Promise<Ran> {
  return run('/usr/bin/ctr', ['--address', address, '--namespace', namespace, ...args]);
}

async function foreign(target: Target, args: readonly string[]): Promise<Ran> {
  const ran = await ctr(target, args);
  assert.equal(ran.code, 0, `ctr ${args.join(' ')}: ${ran.stderr.toString()}`);
  return ran;
}

/** The heading and the sorted rows of a table, with single spaces, of each the first `cells`. */
async function rows(target: Target, args: readonly string[], cells?: number): Promise<string[]> {
  const { stdout } = await foreign(target, args);
  const [heading = '', ...lines] = stdout.toString().trimEnd().split('\n');
  const cut = (line: string): string => line.trim().split(/\s+/).slice(0, cells).join(' ');
  return [cut(heading), ...lines.map(cut).sort()];
}
