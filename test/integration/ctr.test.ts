import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { BUSYBOX_USER, makeBusyboxImage } from '../support/busybox-image.js';
import { type CommandOptions, runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry, type Registry } from '../support/registry.js';

const down = new Teardown();
let registry: Registry;
let daemon: TestDaemon;
let image: string;

before(async () => {
  registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  const settings = {
    Cmd: ['sh', '-c', 'echo own command in "$PWD" as $(id -u)'],
    WorkingDir: '/tmp',
    Env: ['PATH=/bin', 'COLOUR=blue'],
  };
  image = await registry.push(await makeBusyboxImage({ settings }), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
});

after(() => down.run());

function run(args: readonly string[], options?: CommandOptions): Promise<Told> {
  return runCommand(ctr, daemon, args, options);
}

/** The command must end by 0 and say nothing on stderr; returns its stdout. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `ctr ${args.join(' ')}`);
  return stdout;
}

async function ids(): Promise<string[]> {
  return (await ok('list', '--quiet')).split('\n').filter(Boolean).sort();
}

test('ctr run: what is the id and what the command', async () => {
  assert.equal(await ok('run', '--id', 'a', image, 'echo', '--id', 'x'), '--id x\n');
  assert.equal(await ok('run', image, 'a', 'echo', '-n', 'y'), 'y');
  assert.equal(await ok('run', image), 'own command in /tmp as 0\n');
  assert.equal(await ok('run', '--id', 'a', image), 'own command in /tmp as 0\n');
  assert.equal(await ok('run', '--id', 'a', image, 'hostname'), 'a\n');
  assert.deepEqual(await ids(), []);
});

test('ctr run: --entrypoint takes the place of the image’s entrypoint and command', async () => {
  const settings = { Entrypoint: ['echo', 'own'], Cmd: ['words'], Env: ['PATH=/bin'] };
  const own = await registry.push(await makeBusyboxImage({ settings }), 'entrypoint');
  assert.equal((await runCommand(dist, daemon, ['pull', own])).code, 0);
  assert.equal(await ok('run', own), 'own words\n');
  assert.equal(await ok('run', '--id', 'a', own, 'other', 'words'), 'own other words\n');
  assert.equal(await ok('run', '--id', 'a', '--entrypoint', 'hostname', own), 'a\n');
  assert.equal(await ok('run', '--id', 'a', '--entrypoint', 'echo', own, '-n', 'x'), 'x');
  assert.equal(await ok('run', '--id', 'a', '--entrypoint', '', own, 'hostname'), 'a\n');
  const none = await run(['run', '--id', 'a', '--entrypoint=', own]);
  assert.deepEqual([none.code, none.stdout], [125, '']);
  assert.match(none.stderr, /without an entrypoint, a command has to be named/);
  assert.equal((await runCommand(dist, daemon, ['rmi', own])).code, 0);
  assert.deepEqual(await ids(), []);
});

test('ctr run: variables, folder, user, mounts, read-only root, host network', async () => {
  const { name, uid, gid, extraGroup } = BUSYBOX_USER;
  const env = ['--env', 'COLOUR=red', '-e', 'SIZE=big', '-e', 'FROM_HERE'];
  const told = await run(['run', '--id', 'e', ...env, image, 'sh', '-c', 'echo $COLOUR $SIZE $FROM_HERE'], {
    env: { FROM_HERE: 'here' },
  });
  assert.equal(told.stdout, 'red big here\n');
  assert.equal(await ok('run', '--id', 'e', '--cwd', '/etc', image, 'pwd'), '/etc\n');
  assert.equal(
    await ok('run', '--id', 'e', '--user', name, image, 'sh', '-c', 'id -u; id -g; id -G'),
    `${uid}\n${gid}\n${gid} ${extraGroup.gid}\n`,
  );
  assert.equal(await ok('run', '--id', 'e', '--user', '7:8', image, 'sh', '-c', 'id -u; id -g'), '7\n8\n');
  const folder = join(daemon.dir, 'shared');
  await mkdir(folder);
  await writeFile(join(folder, 'in'), 'from the host\n');
  const mount = (options: string): string => `type=bind,src=${folder},dst=/shared,options=${options}`;
  assert.equal(
    await ok(
      'run',
      '--id',
      'e',
      '--mount',
      mount('rbind:rw'),
      image,
      'sh',
      '-c',
      'cat /shared/in; echo back > /shared/out',
    ),
    'from the host\n',
  );
  assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'back\n');
  assert.notEqual((await run(['run', '--id', 'e', '--mount', mount('rbind:ro'), image, 'touch', '/shared/x'])).code, 0);
  assert.notEqual((await run(['run', '--id', 'e', '--read-only', image, 'touch', '/x'])).code, 0);
  assert.match(await ok('run', '--id', 'e', image, 'ip', 'link'), /^1: lo: <LOOPBACK,UP,LOWER_UP>[^]*$/);
  assert.equal(await ok('run', '--id', 'e', image, 'sh', '-c', 'ip link | grep -c ^[0-9]'), '1\n');
  const hostLinks = (await readFile('/proc/net/dev', 'utf8')).trimEnd().split('\n').length - 2;
  assert.equal(
    await ok('run', '--id', 'e', '--net-host', image, 'sh', '-c', 'ip link | grep -c ^[0-9]'),
    `${hostLinks}\n`,
  );
});

test('ctr run: input and output go through whole, and the end of the input is told', async () => {
  const bytes = randomBytes(1 << 20);
  const { code, bytes: told } = await run(['run', '--id', 'c', image, 'cat'], { stdin: bytes });
  assert.equal(code, 0);
  assert.ok(told.stdout.equals(bytes));
  const both = await run(['run', '--id', 'c', image, 'sh', '-c', 'echo out; echo err >&2; exit 42']);
  assert.deepEqual([both.code, both.stdout, both.stderr], [42, 'out\n', 'err\n']);
});

test('ctr run: in the foreground nothing is left, with --keep the container is, and a second one says so', async () => {
  const kept = await run(['run', '--id', 'kept', '--keep', image, 'sh', '-c', 'exit 3']);
  assert.equal(kept.code, 3);
  assert.match(await ok('list'), new RegExp(`^kept +0 +STOPPED +${image} +3 `, 'm'));
  const second = await run(['run', '--id', 'kept', image, 'true']);
  assert.equal(second.code, 125);
  assert.match(second.stderr, /^ctr: [^\n]*kept[^\n]*ctr delete kept[^\n]*\n$/);
  assert.equal(await ok('delete', 'kept'), 'kept\n');
  assert.equal((await run(['run', '--id', 'kept', image, 'true'])).code, 0);
  assert.deepEqual(await ids(), []);
});

test('ctr run -d: the stopped container stays with its status until it is deleted, unless --rm', async () => {
  assert.equal(await ok('run', '-d', '--id', 'd', image, 'sh', '-c', 'exit 9'), '');
  await eventually(async () => assert.match(await ok('list'), /^d +0 +STOPPED +\S+ +9 /m));
  const info = JSON.parse(await ok('info', 'd')) as Record<string, unknown>;
  assert.match(JSON.stringify(info), /"STOPPED"|"stopped"/);
  assert.equal(await ok('delete', 'd'), 'd\n');
  await ok('run', '-d', '--rm', '--id', 'd', image, 'true');
  await eventually(async () => assert.deepEqual(await ids(), []));
});

test('ctr kill: three ways to say one thing, and the status tells the signal', async () => {
  for (const words of [
    ['k', 'KILL'],
    ['-s', 'SIGKILL', 'k'],
    ['--id', 'k', '9'],
  ]) {
    await ok('run', '-d', '--id', 'k', image, 'sleep', '1000');
    const refused = await run(['delete', 'k']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /^ctr: [^\n]*k[^\n]*running[^\n]*\n$/);
    await ok('kill', ...words);
    await eventually(async () => assert.match(await ok('list'), /^k +0 +STOPPED +\S+ +137 /m));
    await ok('delete', '--id', 'k');
  }
  const unknown = await run(['kill', 'k', 'NONSENSE']);
  assert.match(unknown.stderr, /^ctr: [^\n]*NONSENSE[^\n]*\n$/);
});

test('ctr exec: command, input, status, user; Ctrl-C reaches the process', async () => {
  await ok('run', '-d', '--id', 'x', image, 'sleep', '1000');
  assert.equal(await ok('exec', 'x', 'echo', '--env', 'z'), '--env z\n');
  assert.equal(await ok('exec', '--id', 'x', 'sh', '-c', 'echo $COLOUR'), 'blue\n');
  assert.equal((await run(['exec', 'x', 'sh', '-c', 'exit 77'])).code, 77);
  assert.equal((await run(['exec', 'x', '/no/such'])).code, 127);
  assert.equal((await run(['exec', 'x', 'wc', '-c'], { stdin: 'four' })).stdout.trim(), '4');
  assert.equal(await ok('exec', '--user', '12', 'x', 'id', '-u'), '12\n');
  const press = new AbortController();
  const script = 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.1; done';
  const told = await run(['exec', 'x', 'sh', '-c', script], {
    stdin: new PassThrough(),
    signal: press.signal,
    onStdout: (bytes) => {
      if (bytes.includes('ready')) press.abort();
    },
  });
  assert.deepEqual([told.code, told.stdout], [5, 'ready\ncaught\n']);
  assert.equal(await ok('delete', '--force', 'x'), 'x\n');
});

test('ctr events: every step of a container, in order', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  let gone: () => void;
  const deleted = new Promise<void>((resolve) => (gone = resolve));
  const following = run(['events'], {
    signal: stop.signal,
    onStdout: (bytes) => {
      lines.push(...bytes.toString().split('\n').filter(Boolean));
      if (lines.some((line) => /^DELETE +ev\b/.test(line))) gone();
    },
  });
  // Whoever follows sees what happens from then on: this tells when that is.
  await eventually(async () => {
    await ok('run', '--id', 'probe', image, 'true');
    assert.ok(lines.some((line) => line.includes(' probe')));
  });
  assert.equal((await run(['run', '--id', 'ev', image, 'sh', '-c', 'exit 6'])).code, 6);
  await deleted;
  stop.abort();
  await following;
  const steps = lines.filter((line) => /^[A-Z]+ +ev\b/.test(line)).map((line) => line.split(/ +/));
  assert.deepEqual(
    steps.map(([type]) => type),
    ['CREATE', 'START', 'EXIT', 'DELETE'],
  );
  assert.equal(steps[2]?.[3], '6');
});

test('ctr: afterwards nothing is left', async () => {
  assert.deepEqual(await ids(), []);
  await assertNothingLeft(daemon.mine);
});
