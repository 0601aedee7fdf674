import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { Teardown } from '../../src/base/teardown.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type CommandOptions } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const down = new Teardown();
let daemon: TestDaemon;
let image: string;
let home: string;

before(async () => {
  const registry = down.own(await openRegistry());
  daemon = down.own(await openDaemon());
  home = down.own(await tempDir()).path;
  image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runCommand(dist, daemon, ['pull', image])).code, 0);
  await ok('run', '-d', '--id', 'live', image, 'sleep', '1000');
  await ok('create', '--id', 'still', image, 'sleep', '1000');
});

after(() => down.run());

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(ctr, daemon, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `ctr ${args.join(' ')}`);
  return stdout;
}

async function refused(wanted: RegExp, args: readonly string[], options: CommandOptions = {}): Promise<void> {
  const { code, stderr } = await runCommand(ctr, daemon, args, options);
  assert.equal(code, 1, `ctr ${args.join(' ')}: ${stderr}`);
  assert.match(stderr, wanted);
}

async function sh(script: string): Promise<string> {
  return await ok('exec', 'live', 'sh', '-c', script);
}

async function tree(): Promise<string> {
  const dir = await mkdtemp(join(home, 't-'));
  await mkdir(join(dir, 'src/sub'), { recursive: true });
  await writeFile(join(dir, 'src/file'), 'content\n');
  await writeFile(join(dir, 'src/sub/.wh.name'), Buffer.alloc(300_000, 'x'));
  await chmod(join(dir, 'src/file'), 0o4751);
  await symlink('/etc/passwd', join(dir, 'src/link'));
  return dir;
}

for (const id of ['live', 'still']) {
  test(`${id}: files and trees go in and come out the same, by the rules of names`, async () => {
    const dir = await tree();
    const at = `${id}:/tmp`;
    await ok('cp', join(dir, 'src'), at);
    await ok('cp', join(dir, 'src'), `${at}/other`);
    await ok('cp', `${dir}/src/.`, `${at}/other/sub`);
    await ok('cp', join(dir, 'src/file'), `${at}/renamed`);
    await ok('cp', join(dir, 'src/sub/.wh.name'), `${at}/renamed`);
    for (const [from, to] of [
      ['src', 'a'],
      ['other', 'b'],
      ['other/sub', 'c'],
    ] as const) {
      await ok('cp', `${at}/${from}`, join(dir, to));
      assert.equal(await readFile(join(dir, to, 'file'), 'utf8'), 'content\n');
      assert.equal(await readlink(join(dir, to, 'link')), '/etc/passwd');
      assert.equal((await readFile(join(dir, to, 'sub/.wh.name'))).length, 300_000);
      assert.equal((await lstat(join(dir, to, 'file'))).mode & 0o7777, 0o751);
    }
    await ok('cp', `${at}/renamed`, dir);
    assert.equal((await readFile(join(dir, 'renamed'))).length, 300_000);
    await refused(/no directory/, ['cp', join(dir, 'src'), `${at}/renamed`]);
    await refused(/no\/way.* is not in the container/, ['cp', join(dir, 'src'), `${at}/no/way/x`]);
    await refused(/not in the container/, ['cp', `${at}/nothing`, dir]);
    await refused(/a directory has its name/, ['cp', await fileNamed('sub'), `${at}/src`]);
    await refused(/is a directory: remove it first/, ['cp', `${at}/other/file`, await directoryNamed('file')]);
  });

  test(`${id}: -a keeps owners, - is a tar`, async () => {
    const dir = await tree();
    await output('chown', ['12:34', join(dir, 'src/file')]);
    await chmod(join(dir, 'src/file'), 0o4751);
    await ok('cp', '-a', join(dir, 'src'), `${id}:/kept`);
    await ok('cp', '-a', `${id}:/kept`, join(dir, 'back'));
    const { uid, gid, mode } = await lstat(join(dir, 'back/file'));
    assert.deepEqual({ uid, gid, mode: mode & 0o7777 }, { uid: 12, gid: 34, mode: 0o4751 });
    const { bytes } = await runCommand(ctr, daemon, ['cp', `${id}:/kept`, '-']);
    await writeFile(join(dir, 'x.tar'), bytes.stdout);
    assert.match(await output('tar', ['-tvf', join(dir, 'x.tar')]), /rwsr-x--x 12\/34 +8 .* kept\/file/);
    const { code, stderr } = await runCommand(ctr, daemon, ['cp', '-', `${id}:/tmp`], { stdin: bytes.stdout });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    await ok('cp', '-a', `${id}:/tmp/kept/.`, await directoryNamed('again'));
    const cut = bytes.stdout.subarray(0, 150_000);
    await refused(/cut off/, ['cp', '-', `${id}:/tmp`], { stdin: cut });
    await refused(/no\/dir/, ['cp', '-', `${id}:/no/dir`], { stdin: bytes.stdout });
  });
}

async function fileNamed(name: string): Promise<string> {
  const path = join(await mkdtemp(join(home, 'f-')), name);
  await writeFile(path, 'x');
  return path;
}

async function directoryNamed(name: string): Promise<string> {
  const path = await mkdtemp(join(home, 'd-'));
  await mkdir(join(path, name));
  return path;
}

test("links stay inside, whatever they say; the host's files are neither read nor written", async () => {
  const canary = await fileNamed('canary');
  await sh(
    `ln -s ${canary} /evil; ln -s / /rootlink; mkdir -p /d; ln -s ${home} /d/home; ln -s /proc/1/root/etc /magic`,
  );
  await refused(/not in the container/, ['cp', '-L', 'live:/evil', home]);
  await ok('cp', 'live:/evil', join(home, 'evil-link'));
  assert.equal(await readlink(join(home, 'evil-link')), canary);
  await ok('cp', 'live:/rootlink/etc/passwd', join(home, 'passwd'));
  assert.equal(await readFile(join(home, 'passwd'), 'utf8'), await sh('cat /etc/passwd'));
  await refused(/./, ['cp', 'live:/magic/hostname', join(home, 'hostname')]);
  await refused(/./, ['cp', canary, 'live:/d/home/x']);
  await refused(/./, ['cp', 'live:/proc/self/root/etc/passwd', join(home, 'self')]);
  await refused(/./, ['cp', canary, 'live:/evil']);
  assert.equal(await readFile(canary, 'utf8'), 'x');
  await sh('ln -s /tmp/new /newlink; echo old > /tmp/new');
  await ok('cp', canary, 'live:/newlink');
  assert.equal(await sh('cat /tmp/new; readlink /newlink'), 'x/tmp/new\n');
});

test('FIFOs, devices and sockets block nothing; the whole of / is bounded by what is no file', async () => {
  const dir = await directoryNamed('odd');
  await sh('mkdir /odd; mkfifo /odd/pipe; echo x > /odd/x; mknod /odd/null c 1 3');
  const { code, stderr } = await runCommand(ctr, daemon, ['cp', 'live:/odd', dir]);
  assert.equal(code, 0);
  assert.match(stderr, /pipe is neither file, directory nor link: not copied/);
  assert.deepEqual(await readdir(join(dir, 'odd')), ['x']);
  const { bytes } = await runCommand(ctr, daemon, ['cp', 'live:/', '-']);
  await writeFile(join(dir, 'all.tar'), bytes.stdout);
  const names = await output('tar', ['-tf', join(dir, 'all.tar')]);
  assert.match(names, /^\.\/bin\/busybox$/m);
  assert.doesNotMatch(names, /^\.\/(proc|sys)\/./m);
  await output('mkfifo', [join(dir, 'odd/local')]);
  const told = await runCommand(ctr, daemon, ['cp', join(dir, 'odd'), 'live:/tmp/odd']);
  assert.match(told.stderr, /local is neither/);
  assert.equal(await sh('ls /tmp/odd'), 'x\n');
});

test('S39: a process of the container swaps directories and links under the copies', async () => {
  const outside = await directoryNamed('secret');
  await writeFile(join(outside, 'secret/file'), 'of the host');
  await sh(`mkdir -p /s/d/secret /s/t; echo mine > /s/d/secret/file; ln -s ${outside} /s/link`);
  const swap = 'cd /s; while :; do mv -T d t; mv -T link d; mv -T d link; mv -T t d; done';
  await ok('exec', '-d', 'live', 'sh', '-c', swap);
  const source = await directoryNamed('secret');
  await writeFile(join(source, 'secret/file'), 'from outside');
  const dir = await directoryNamed('got');
  for (let turn = 0; turn < 40; turn += 1) {
    await runCommand(ctr, daemon, ['cp', 'live:/s/d/secret/file', join(dir, 'got', String(turn))]);
    await runCommand(ctr, daemon, ['cp', 'live:/s', join(dir, `tree${turn}`)]);
    await runCommand(ctr, daemon, ['cp', `${source}/secret/file`, 'live:/s/d/secret/file']);
    await runCommand(ctr, daemon, ['cp', `${source}/.`, 'live:/s/d']);
  }
  assert.equal(await readFile(join(outside, 'secret/file'), 'utf8'), 'of the host');
  assert.deepEqual(await readdir(outside), ['secret']);
  for (const name of await readdir(join(dir, 'got')))
    assert.notEqual(await readFile(join(dir, 'got', name), 'utf8'), 'of the host');
});

test('a copy that waits for its client keeps no container from starting, and leaves nothing', async () => {
  await ok('create', '--id', 'waits', image, 'sleep', '1000');
  const stop = new AbortController();
  const never = new PassThrough();
  never.write('a');
  const copying = runCommand(ctr, daemon, ['cp', '-', 'waits:/tmp'], {
    stdin: never,
    signal: stop.signal,
  });
  await eventually(async () =>
    assert.match(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(`${daemon.state}/tmp/view-`)),
  );
  await ok('start', 'waits');
  const { code, stderr } = await copying;
  assert.equal(code, 1);
  assert.match(stderr, /was started meanwhile/);
  for (const id of ['waits', 'live', 'still']) await ok('delete', '-f', id);
  await assertNothingLeft(daemon.mine);
});
