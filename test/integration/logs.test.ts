import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { type CommandOptions, runBuilt, runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { openRegistry } from '../support/registry.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

function run(args: readonly string[], options?: CommandOptions): Promise<Told> {
  return runCommand(ctr, daemon, args, options);
}

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `ctr ${args.join(' ')}`);
  return stdout;
}

/** Makes a container that stays when the script has ended. */
async function ended(id: string, script: string, ...options: readonly string[]): Promise<void> {
  await ok('run', '-d', ...options, '--id', id, image, 'sh', '-c', script);
  await run(['attach', '--no-stdin', id]);
  await eventually(async () => (await ok('list')).includes('STOPPED'));
}

test('logs: both streams apart, whole lines and one without its end, over a restart of the daemon', async () => {
  await ended('both', 'echo one; echo two >&2; echo three; printf four');
  const told = await run(['logs', 'both']);
  assert.deepEqual([told.code, told.stdout, told.stderr], [0, 'one\nthree\nfour', 'two\n']);
  await daemon.stop();
  await daemon.start();
  assert.equal((await run(['logs', '--follow', 'both'])).stdout, 'one\nthree\nfour');
  const stamped = (await run(['logs', '--timestamps', 'both'])).stdout;
  assert.match(stamped, /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (one|three|four)\n?){3}$/);
  const [first = ''] = stamped.split(' ');
  assert.equal(await ok('logs', '--until', first, 'both'), '');
  assert.match((await run(['logs', '--since', '1h', 'both'])).stdout, /^one/);
  await ok('delete', 'both');
  assert.equal((await run(['logs', 'both'])).code, 1);
  assert.deepEqual(await readdir(join(daemon.root, 'logs', daemon.namespace)), []);
});

test('logs: the last lines, across files; the bound holds, and what is missing is counted to the byte', async () => {
  await ended('many', 'seq 1 60000', '--log-max-size', '64k', '--log-max-files', '3');
  const whole = Array.from({ length: 60_000 }, (_, at) => `${at + 1}\n`).join('');
  const { stdout, stderr } = await run(['logs', 'many']);
  assert.ok(whole.endsWith(stdout) && stdout.length > 10_000, `${stdout.length} bytes`);
  assert.match(stderr, /^ctr: [\d.]+ [KM]iB of output are not in the log any more\n$/);
  assert.equal((await readdir(join(daemon.root, 'logs', daemon.namespace, 'many'))).length, 3);
  assert.equal(await ok('logs', '--tail', '2', 'many'), '59999\n60000\n');
  assert.equal(sha(await ok('logs', '-n', '2000', 'many')), sha(whole.split('\n').slice(-2001).join('\n')));
  assert.equal(await ok('logs', '-n', '0', 'many'), '');
  await ok('delete', 'many');
});

test('logs -f: what comes while files are rotated and dropped under the reader, to the end of the process', async () => {
  const script = 'until [ -e /go ]; do sleep 0.1; done; seq 1 300000';
  await ok(
    'run',
    '-d',
    '-i',
    '--log-max-size',
    '64k',
    '--log-max-files',
    '1000',
    '--id',
    'live',
    image,
    'sh',
    '-c',
    script,
  );
  const following = run(['logs', '-f', 'live']);
  await ok('exec', 'live', 'touch', '/go');
  const told = await following;
  assert.equal(told.stderr, '');
  const whole = Array.from({ length: 300_000 }, (_, at) => `${at + 1}\n`).join('');
  assert.equal(sha(told.stdout), sha(whole), `${told.stdout.length} of ${whole.length} bytes`);
  await ok('delete', 'live');
});

test('a foreground run is logged too, whoever reads it', async () => {
  const args = ['run', '--keep', '--id', 'front', image, 'sh', '-c', 'seq 1 400000; read -r go; echo $go'];
  const { code, stdout } = await runBuilt('ctr', daemon, args, { input: 'go\n' });
  assert.equal(code, 0);
  const told = await run(['logs', 'front']);
  assert.equal(sha(told.stdout), sha(stdout.toString()));
  assert.match(told.stdout, /\n400000\ngo\n$/);
  await ok('delete', 'front');
});

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
