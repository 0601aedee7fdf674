import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { forkContainer, openSession, removeContainer, rootfsMounts, type Session } from '../../src/client/index.js';
import { createKernel } from '../../src/sys/kernel.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output, run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

type Daemon = Awaited<ReturnType<typeof openDaemon>>;

const CHANGE = 'echo new > /new; ln /new /again; mkdir -m 1777 /dir; echo x > /dir/x; rm /bin/head';

async function ours(program: 'ctr' | 'dist', daemon: Daemon, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runBuilt(program, daemon, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr.toString()}`);
  return stdout.toString();
}

/** Debian's ctr. */
async function foreign(daemon: Daemon, ...args: string[]): Promise<string> {
  return await output('/usr/bin/ctr', ['--address', daemon.address, '--namespace', daemon.namespace, ...args]);
}

for (const snapshotter of ['overlayfs', 'native']) {
  test(`${snapshotter}: a container's changes are listed, and become an image that runs and that others accept`, async () => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon();
    await using temporary = await tempDir();
    const name = await registry.push(await makeBusyboxImage(), 'busybox');
    await ours('dist', daemon, 'pull', name);
    await ours('ctr', daemon, 'run', '--keep', '--snapshotter', snapshotter, name, 'c1', 'sh', '-c', CHANGE);
    const listed = (await ours('ctr', daemon, 'diff', 'c1')).trimEnd().split('\n');
    for (const line of ['A /again', 'A /dir', 'A /dir/x', 'C /bin', 'D /bin/head', 'A /new']) {
      assert.ok(listed.includes(line), `${line} in ${listed.join(', ')}`);
    }
    const made = name.replace('busybox', 'made');
    const digest = (await ours('ctr', daemon, 'commit', '--message', 'why', '--author', 'me', 'c1', made)).trim();
    assert.match(digest, /^sha256:/);
    assert.match(await ours('dist', daemon, 'images'), /made/);
    await ours('dist', daemon, 'gc');

    const out = await ours('ctr', daemon, 'run', '--rm', made, 'c2', 'sh', '-c', 'cat /new /again /dir/x; ls /bin');
    assert.match(out, /^new\nnew\nx\n/);
    assert.doesNotMatch(out, /^head$/m);
    assert.equal(await ours('ctr', daemon, 'run', '--keep', made, 'c3', 'true'), '');

    const tar = join(temporary.path, 'made.tar');
    const layout = join(temporary.path, 'layout');
    await foreign(daemon, 'images', 'export', tar, made);
    await output('mkdir', [layout]);
    await output('tar', ['-xf', tar, '-C', layout]);
    const inspected = JSON.parse(await output('skopeo', ['inspect', '--config', `oci:${layout}`])) as Config;
    assert.equal(inspected.history.at(-1)?.comment, 'why');
    assert.equal(inspected.author, 'me');
    assert.equal(inspected.rootfs.diff_ids.length, inspected.history.filter((step) => !step.empty_layer).length);
    const copied = join(temporary.path, 'copied');
    await output('skopeo', ['copy', '-q', `oci:${layout}`, `oci:${copied}:latest`]);
    const tree = join(temporary.path, 'tree');
    await output('umoci', ['raw', 'unpack', '--image', `${copied}:latest`, tree]);
    assert.equal(await output('cat', [join(tree, 'again')]), 'new\n');
    assert.notEqual((await run('stat', [join(tree, 'bin/head')])).code, 0);
    for (const id of ['c1', 'c3']) await ours('ctr', daemon, 'delete', id);
    await assertNothingLeft(daemon.mine);
  });
}

interface Config {
  readonly author: string;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly { readonly comment?: string; readonly empty_layer?: boolean }[];
}

test('a running container goes on after it was made an image of', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  await ours('dist', daemon, 'pull', name);
  await ours('ctr', daemon, 'run', '-d', name, 'c1', 'sh', '-c', 'echo 1 > /one; while :; do sleep 1; done');
  await ours('ctr', daemon, 'commit', 'c1', name.replace('busybox', 'paused'));
  await ours('ctr', daemon, 'commit', '--pause=false', 'c1', name.replace('busybox', 'moving'));
  assert.match(await foreign(daemon, 'tasks', 'ls'), /c1 +\d+ +RUNNING/);
  const refused = await runBuilt('ctr', daemon, ['fork', 'c1', 'c2']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr.toString(), /c1 is running/);
  await ours('ctr', daemon, 'delete', '-f', 'c1');
  await assertNothingLeft(daemon.mine);
});

for (const [snapshotter, depth] of [
  ['overlayfs', 60],
  ['native', 3],
] as const) {
  test(`${snapshotter}: forks of forks have what was there and go their own ways, ${depth} deep`, async () => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon();
    const name = await registry.push(await makeBusyboxImage(), 'busybox');
    await ours('dist', daemon, 'pull', name);
    const first = [
      'run',
      '--keep',
      '--snapshotter',
      snapshotter,
      name,
      'f0',
      'sh',
      '-c',
      'echo 0 > /log; echo 0 >> /log',
    ];
    await ours('ctr', daemon, ...first);
    using session = openSession({ address: daemon.address, namespace: daemon.namespace });
    for (let at = 1; at <= depth; at += 1) {
      if (at === 1) await ours('ctr', daemon, 'fork', 'f0', 'f1');
      else await forkContainer(session, `f${at - 1}`, `f${at}`);
      await within(session, snapshotter, `f${at}`, `echo ${at} >> "$0/log"; echo ${at} > "$0/own-${at}"`);
    }
    const seen = await within(session, snapshotter, `f${depth}`, 'cat "$0/log"; ls "$0" | grep -c own-');
    assert.equal(seen, ['0', ...Array.from({ length: depth + 1 }, (_, at) => at), depth, ''].join('\n'));
    assert.equal(await within(session, snapshotter, 'f0', 'cat "$0/log"'), '0\n0\n');
    await foreign(daemon, 'tasks', 'start', '--detach', `f${depth}`);
    assert.match(await ours('ctr', daemon, 'diff', `f${depth}`), /^A \/own-1$/m);
    for (let at = depth; at >= 0; at -= 1) await removeContainer(session, { id: `f${at}`, force: true });
    await ours('dist', daemon, 'gc');
    const left = await foreign(daemon, 'snapshots', '--snapshotter', snapshotter, 'ls');
    assert.doesNotMatch(left, /fork-/);
    await assertNothingLeft(daemon.mine);
  });
}

/** Runs a script with the container's file system mounted at `$0`. */
async function within(session: Session, snapshotter: string, key: string, script: string): Promise<string> {
  await using target = await tempDir();
  const mounts = (await rootfsMounts(session, key, snapshotter)).map(({ type, source, options }) => ({
    type,
    source,
    options,
  }));
  await using mounted = await createKernel().mounts.mountAll(mounts, target.path);
  return await output('sh', ['-c', script, mounted.path]);
}
