import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { openRegistry } from '../support/registry.js';
import type { Ran } from '../support/run.js';
import { openTerminal } from '../support/terminal.js';

const SHIM = ['--runtime', '/usr/bin/containerd-shim-runc-v2'];
const CTR = join(PACKAGE_ROOT, 'build/cli/ctr.cjs');

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
});

after(() => down.run());

const ctr = (...args: readonly string[]): Promise<Ran> => runBuilt('ctr', daemon, args);

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctr(...args);
  assert.equal(code, 0, stderr.toString());
  return stdout.toString();
}

const logged = async (id: string, text: string) =>
  await eventually(async () => assert.ok((await ok('logs', id)).includes(text)));

test('our own ctr on a shim: both streams, stdin, exit codes, execs, the log, a stop and a second start', async () => {
  const ran = await ctr('run', '--rm', '--id', 'short', ...SHIM, image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual([ran.code, String(ran.stdout), String(ran.stderr)], [7, 'out\n', 'err\n']);
  const fed = await runBuilt('ctr', daemon, ['run', '--rm', '--id', 'fed', '-i', ...SHIM, image, 'wc', '-c'], {
    input: 'x'.repeat(300_000),
  });
  assert.equal(String(fed.stdout).trim(), '300000', String(fed.stderr));

  await ok(
    'run',
    '-d',
    '--id',
    'long',
    ...SHIM,
    image,
    'sh',
    '-c',
    'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done',
  );
  await logged('long', 'up');
  assert.equal(await ok('exec', 'long', 'echo', 'inside'), 'inside\n');
  assert.equal((await ctr('exec', 'long', 'sh', '-c', 'exit 9')).code, 9);
  const counted = await runBuilt('ctr', daemon, ['exec', '-i', 'long', 'wc', '-c'], { input: 'x'.repeat(300_000) });
  assert.equal(String(counted.stdout).trim(), '300000');
  const execs = await Promise.all(Array.from({ length: 8 }, (_, at) => ok('exec', 'long', 'echo', `number ${at}`)));
  assert.deepEqual(
    execs,
    execs.map((_, at) => `number ${at}\n`),
  );
  await ok('stop', 'long');
  assert.equal((await ok('wait', 'long')).trim(), '3');
  await ok('start', 'long');
  await eventually(async () => assert.equal((await ok('logs', 'long')).match(/up/g)?.length, 2));
  await ok('delete', '--force', 'long');
  await assertNothingLeft(daemon.mine);
});

test('what a shim runs for our own ctr goes on without the daemon, and nothing that it writes is lost or told twice', async () => {
  const script = 'n=0; while [ $n -lt 200 ]; do n=$((n+1)); echo line $n; sleep 0.02; done; sleep 1000';
  await ok('run', '-d', '--id', 'counts', ...SHIM, image, 'sh', '-c', script);
  await logged('counts', 'line 10\n');
  await daemon.kill();
  await daemon.start();
  await logged('counts', 'line 200\n');
  const lines = (await ok('logs', 'counts')).trimEnd().split('\n');
  assert.deepEqual(
    lines,
    lines.map((_, at) => `line ${at + 1}`),
  );
  assert.equal(lines.length, 200);
  await ok('delete', '--force', 'counts');

  await ok('run', '-d', '--id', 'ends', ...SHIM, image, 'sh', '-c', 'echo begun; sleep 1; echo done; exit 4');
  await logged('ends', 'begun');
  await daemon.stop();
  await eventually(async () => assert.equal(await runningInits(), 0));
  await daemon.start();
  assert.equal((await ok('wait', 'ends')).trim(), '4');
  await ok('delete', 'ends');
  await assertNothingLeft(daemon.mine);
});

test('a daemon that is killed again and again in the middle of much output loses nothing of it and tells nothing twice', async () => {
  const each = 'n=$((n+1)); echo $n; echo $n >&2; [ $((n % 500)) != 0 ] || usleep 20000';
  const script = `n=0; while [ $n -lt 150000 ]; do ${each}; done; echo end; sleep 1000`;
  await ok('run', '-d', '--id', 'much', '--log-max-size', '1GiB', ...SHIM, image, 'sh', '-c', script);
  let kills = 0;
  for (let said = ''; !said.endsWith('\nend\n'); kills += 1) {
    const before = said.length;
    await eventually(async () => {
      said = await ok('logs', 'much');
      assert.ok(said.length > before);
    });
    await daemon.kill();
    await daemon.start();
  }
  assert.ok(kills > 2, `${kills} kills`);
  const numbers = Array.from({ length: 150_000 }, (_, at) => `${at + 1}\n`).join('');
  // Each stream has its own pipe: the end of one may be told before the end of the other.
  const { stdout, stderr } = await eventually(async () => {
    const told = await ctr('logs', 'much');
    assert.ok(told.stderr.toString().endsWith('\n150000\n'), 'the end of stderr is not told');
    return told;
  });
  assert.equal(differenceOf(stdout.toString(), `${numbers}end\n`), undefined);
  assert.equal(differenceOf(stderr.toString(), numbers), undefined);
  await ok('delete', '--force', 'much');
  await assertNothingLeft(daemon.mine);
});

/** Where what was told begins to be another text, with a few lines of both; undefined for the same. */
function differenceOf(told: string, expected: string): string | undefined {
  if (told === expected) return undefined;
  let at = 0;
  while (told[at] === expected[at]) at += 1;
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  return `at ${at} of ${expected.length}: told ${around(told)} instead of ${around(expected)}`;
}

/** Processes of containers of this daemon that still run. */
async function runningInits(): Promise<number> {
  let count = 0;
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (cgroup.includes(`/${daemon.namespace}/`)) count += 1;
  }
  return count;
}

test('a terminal of a shim: sized, left by its keys, attached again, ended', async () => {
  const env = { ...process.env, WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace, TERM: 'xterm' };
  const onTerminal = (...words: readonly string[]) => openTerminal([process.execPath, CTR, ...words], env, 33, 101);
  await using first = onTerminal('run', '-t', '--id', 'tty', ...SHIM, image, 'sh');
  await first.until('# ');
  first.type('stty size; tty\r');
  await first.until('\n33 101');
  await first.until('/dev/');
  first.resize(50, 120);
  await eventually(async () => {
    first.type('stty size\r');
    await first.until('\n50 120');
  });
  first.type('\x10\x11');
  await first.ended;
  assert.match(await ok('list'), /tty .*RUNNING/);
  await using second = onTerminal('attach', 'tty');
  second.type('echo still $((40 + 2))\r');
  await second.until('still 42');
  await using third = onTerminal('exec', '-t', 'tty', 'sh');
  await third.until('# ');
  third.type('stty size\r');
  await third.until('\n33 101');
  third.type('exit 5\r');
  assert.equal(await third.ended, 5);
  second.type('exit 6\r');
  assert.equal(await second.ended, 6);
  await ok('delete', '--force', 'tty').catch(() => '');
  await assertNothingLeft(daemon.mine);
});

test('a shim that can not make the process leaves no container, no FIFO and no log, and the id is free', async () => {
  for (let round = 0; round < 3; round += 1) {
    const failed = await ctr('run', '--id', 'none', ...SHIM, image, '/no/such');
    assert.equal(failed.code, 127);
    assert.match(String(failed.stderr), /OCI runtime create failed: .*no such file/);
  }
  await ok('run', '-d', '--id', 'none', ...SHIM, image, 'sleep', '1000');
  assert.equal((await ctr('exec', 'none', '/no/such')).code, 127);
  await ok('delete', '--force', 'none');
  await assertNothingLeft(daemon.mine);
});

test('restart policies hold for shims, and their events are those of any container', async () => {
  await ok('run', '-d', '--id', 'again', '--restart', 'on-failure:2', ...SHIM, image, 'sh', '-c', 'echo once; exit 1');
  await eventually(async () => assert.equal((await ok('logs', 'again')).match(/once/g)?.length, 3), 30_000);
  await eventually(async () => assert.match(await ok('list'), /again .*STOPPED/));
  await ok('delete', 'again');
  const events = (await ok('events', '--from', '1', '--until-now', '--json')).trim().split('\n');
  const told = events
    .map((line) => JSON.parse(line) as { topic: string; fields: { container_id?: string } })
    .filter(({ fields }) => fields.container_id === 'again')
    .map(({ topic }) => topic);
  assert.deepEqual(told.filter((topic) => topic === '/tasks/exit').length, 3, JSON.stringify(told));
});
