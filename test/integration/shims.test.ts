import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { type Ran, run } from '../support/run.js';

const SHIM = '/usr/bin/containerd-shim-runc-v2';

test("a container of containerd's own shim: it runs, ends, is entered, frozen, and found again by the next daemon", async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', name])).code, 0);
  const shim = ['--runtime', SHIM];

  const ran = await ctr(daemon, 'run', '--rm', ...shim, name, 'short', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual([ran.code, text(ran.stdout), text(ran.stderr)], [7, 'out\n', 'err\n']);
  assert.deepEqual(await shims(daemon), []);
  const failed = await ctr(daemon, 'run', '--rm', ...shim, name, 'none', '/no/such');
  assert.match(text(failed.stderr), /failed to create shim task: OCI runtime create failed: .*no such file/);
  assert.deepEqual(await shims(daemon), []);

  await ok(daemon, 'run', '-d', ...shim, name, 'long', 'sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.1; done');
  assert.equal((await shims(daemon)).length, 1);
  assert.match(await ok(daemon, 'tasks', 'exec', '--exec-id', 'e1', 'long', 'echo', 'inside'), /^inside\n$/);
  assert.equal((await ctr(daemon, 'tasks', 'exec', '--exec-id', 'e2', 'long', 'sh', '-c', 'exit 5')).code, 5);
  await ok(daemon, 'tasks', 'pause', 'long');
  assert.match(await ok(daemon, 'tasks', 'ls'), /long +\d+ +PAUSED/);
  await ok(daemon, 'tasks', 'resume', 'long');
  assert.match(await ok(daemon, 'tasks', 'metrics', 'long'), /long/);

  await daemon.kill();
  await daemon.start();
  assert.match(await ok(daemon, 'tasks', 'ls'), /long +\d+ +RUNNING/);
  assert.match(await ok(daemon, 'tasks', 'exec', '--exec-id', 'e3', 'long', 'echo', 'again'), /^again\n$/);
  await ok(daemon, 'tasks', 'kill', 'long');
  await eventually(async () => assert.match(await ok(daemon, 'tasks', 'ls'), /long +\d+ +STOPPED/));
  assert.match(text((await ctr(daemon, 'tasks', 'delete', 'long')).stderr), /exit code 3/);
  await ok(daemon, 'containers', 'delete', 'long');
  assert.deepEqual(await shims(daemon), []);
  await assertNothingLeft(daemon.mine);
});

test('a shim that is killed: the exit is unknown, what it ran is ended, and nothing is left of it', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon({ config: { runtime: { shims: { 'io.containerd.runc.v2': SHIM } } } });
  const name = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', name])).code, 0);
  for (const [id, daemonUp] of [
    ['seen', true],
    ['missed', false],
  ] as const) {
    await ok(daemon, 'run', '-d', name, id, 'sleep', '1000');
    const [pid = 0, ...others] = await shims(daemon);
    assert.deepEqual(others, []);
    const held = Number(new RegExp(`${id} +(\\d+)`).exec(await ok(daemon, 'tasks', 'ls'))?.[1]);
    if (!daemonUp) await daemon.stop();
    process.kill(pid, 'SIGKILL');
    if (!daemonUp) await daemon.start();
    await eventually(async () => assert.match(await ok(daemon, 'tasks', 'ls'), new RegExp(`${id} +\\d+ +STOPPED`)));
    // Who has inherited it may not have reaped it yet.
    assert.equal(await readFile(`/proc/${held}/cmdline`, 'utf8').catch(() => ''), '');
    assert.match(text((await ctr(daemon, 'tasks', 'delete', id)).stderr), /exit code 255/);
    await ok(daemon, 'containers', 'delete', id);
    await assertNothingLeft(daemon.mine);
  }
});

/** Shims that serve this daemon's containers. */
async function shims(daemon: TestDaemon): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const line = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
    if (line.startsWith(SHIM) && line.includes(daemon.address)) found.push(Number(pid));
  }
  return found;
}

async function ok(daemon: TestDaemon, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctr(daemon, ...args);
  assert.equal(code, 0, text(stderr));
  return text(stdout);
}

async function ctr({ address, namespace }: TestDaemon, ...args: readonly string[]): Promise<Ran> {
  return await run('ctr', ['--address', address, '--namespace', namespace, ...args]);
}

function text(bytes: Buffer): string {
  return bytes.toString();
}
