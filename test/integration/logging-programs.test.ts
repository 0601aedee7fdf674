import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { type Ran, run } from '../support/run.js';

/** Writes what it gets into files of the directory that is its second argument. */
const PROGRAM = `#!/bin/sh
exec 5>&-
printf '%s %s %s' "$1" "$CONTAINER_NAMESPACE" "$CONTAINER_ID" > "$2/told"
cat <&4 > "$2/stderr" &
cat <&3 > "$2/stdout"
wait
echo ended > "$2/ended"
`;

const ctr = ({ address, namespace }: TestDaemon, ...args: readonly string[]): Promise<Ran> =>
  run('ctr', ['--address', address, '--namespace', namespace, ...args]);

async function ok(daemon: TestDaemon, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctr(daemon, ...args);
  assert.equal(code, 0, stderr.toString());
  return stdout.toString();
}

async function programIn(daemon: TestDaemon): Promise<string> {
  const path = join(daemon.dir, 'logger');
  await writeFile(path, PROGRAM);
  await chmod(path, 0o755);
  return path;
}

/** A folder for one run, and the address by which a client asks for the program to write there. */
async function target(daemon: TestDaemon, program: string, name: string): Promise<{ dir: string; uri: string }> {
  const dir = join(daemon.dir, name);
  await mkdir(dir);
  return { dir, uri: `binary://${program}?dir=${encodeURIComponent(dir)}` };
}

async function loggers(program: string): Promise<number> {
  let count = 0;
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const line = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
    if (line.includes(program)) count += 1;
  }
  return count;
}

for (const reaper of ['monitor', 'daemon'] as const) {
  test(`logging programs, where they are allowed, get both streams and see the end (reaper: ${reaper})`, async () => {
    await using registry = await openRegistry();
    await using daemon = await openDaemon({ config: { reaper, runtime: { allow_logging_programs: true } } });
    const image = await registry.push(await makeBusyboxImage(), 'busybox');
    assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
    const program = await programIn(daemon);
    const script = 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; echo err $i >&2; done';
    const first = await target(daemon, program, 'first');
    await ok(daemon, 'run', '-d', '--log-uri', first.uri, image, 'one', 'sh', '-c', script);
    await eventually(async () => assert.equal(await readFile(join(first.dir, 'ended'), 'utf8'), 'ended\n'));
    const numbered = (word: string) => Array.from({ length: 2000 }, (_, at) => `${word} ${at + 1}\n`).join('');
    assert.equal(await readFile(join(first.dir, 'stdout'), 'utf8'), numbered('line'));
    assert.equal(await readFile(join(first.dir, 'stderr'), 'utf8'), numbered('err'));
    assert.equal(await readFile(join(first.dir, 'told'), 'utf8'), `dir ${daemon.namespace} one`);
    await ok(daemon, 'tasks', 'delete', 'one');
    await ok(daemon, 'containers', 'delete', 'one');

    const failed = await target(daemon, program, 'failed');
    const wrong = await ctr(daemon, 'run', '-d', '--log-uri', failed.uri, image, 'two', '/no/such');
    assert.match(wrong.stderr.toString(), /no such file/);
    await eventually(async () => assert.equal(await loggers(program), 0));
    const none = await ctr(daemon, 'run', '-d', '--log-uri', 'binary:///no/logger', image, 'three', 'true');
    assert.match(none.stderr.toString(), /logging program \/no\/logger can't be run/);
    await assertNothingLeft(daemon.mine);
  });
}

test('a logging program goes on without the daemon, and that of a shim too', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon({ config: { runtime: { allow_logging_programs: true } } });
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
  const program = await programIn(daemon);
  const script = 'while [ ! -e /end ]; do sleep 0.05; done; echo at the end';
  for (const [id, more] of [
    ['own', []],
    ['shim', ['--runtime', '/usr/bin/containerd-shim-runc-v2']],
  ] as const) {
    const { dir, uri } = await target(daemon, program, id);
    await ok(daemon, 'run', '-d', ...more, '--log-uri', uri, image, id, 'sh', '-c', script);
    const pid = Number(new RegExp(`${id} +(\\d+)`).exec(await ok(daemon, 'tasks', 'ls'))?.[1]);
    await daemon.kill();
    await writeFile(`/proc/${pid}/root/end`, '');
    await eventually(async () => assert.equal(await readFile(join(dir, 'stdout'), 'utf8'), 'at the end\n'));
    // A shim holds its own ends until the task is deleted.
    if (id === 'own') await eventually(async () => assert.equal(await readFile(join(dir, 'ended'), 'utf8'), 'ended\n'));
    await daemon.start();
    await eventually(async () => assert.match(await ok(daemon, 'tasks', 'ls'), new RegExp(`${id} +\\d+ +STOPPED`)));
    await ok(daemon, 'tasks', 'delete', id);
    await ok(daemon, 'containers', 'delete', id);
  }
  await assertNothingLeft(daemon.mine);
});

test('logging programs are refused unless they are allowed, for shims as well', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
  const program = await programIn(daemon);
  for (const more of [[], ['--runtime', '/usr/bin/containerd-shim-runc-v2']]) {
    const { dir, uri } = await target(daemon, program, `refused${more.length}`);
    const refused = await ctr(daemon, 'run', '-d', ...more, '--log-uri', uri, image, 'one', 'echo', 'x');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr.toString(), /logging programs are not run/);
    assert.deepEqual(await readdir(dir), []);
    await ctr(daemon, 'containers', 'delete', 'one');
  }
  await assertNothingLeft(daemon.mine);
});
