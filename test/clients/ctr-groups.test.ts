import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ctr } from '../../src/cli/ctr/program.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runCommand, type CommandOptions } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeIndex, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

const LISTS = [
  'images list',
  'images check',
  'content list',
  'content active',
  'snapshots list',
  'snapshots usage',
  'containers list',
  'tasks list',
  'leases list',
  'namespaces list',
  'plugins list',
];

/** What Debian's ctr shows that ours need not: columns of a newer or older version. */
const HEADINGS: Readonly<Record<string, string>> = {
  'plugins list': 'TYPE ID PLATFORMS STATUS',
};

test("ctr's groups: images, content, snapshots, containers, tasks, leases, namespaces and plugins, as containerd's users type them", async (t) => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const { dir, address, namespace } = daemon;
  const ours = async (line: string, code = 0, options: CommandOptions = {}): Promise<string> => {
    const told = await runCommand(ctr, daemon, line.split(' '), options);
    assert.equal(told.code, code, `ctr ${line}: ${told.stdout}${told.stderr}`);
    return told.stdout.trimEnd();
  };
  const other = makeImage({
    layers: [await makeLayer([{ path: 'f', data: 'x' }])],
    platform: { os: 'linux', architecture: 'riscv64' },
  });
  const name = await registry.push(makeIndex([await makeBusyboxImage(), other]), 'busybox', '1');

  await t.test('images', async () => {
    assert.match(await ours(`images pull --all-platforms ${name}`), /sha256:/);
    assert.match(await ours(`images label ${name} a=b c=d`), /a=b,c=d/);
    assert.match(await ours(`images label ${name} a=`), /c=d/);
    await ours(`images tag ${name} example.com/x:1`);
    await ours(`images push --platform linux/riscv64 ${registry.host}/pushed:1 ${name}`);
    const tar = join(dir, 'x.tar');
    await ours(`images export --all-platforms ${tar} ${name} example.com/x:1`);
    await ours(`images rm --sync ${name} example.com/x:1`);
    assert.equal(await ours('images list -q'), '');
    assert.equal(await ours('images rm example.com/nothing:1', 1), '');
    assert.deepEqual((await ours(`images import --all-platforms ${tar}`)).split('\n'), [name, 'example.com/x:1']);
    assert.match(await ours('images check'), /complete/);
    assert.match(await ours('images usage'), /MiB/);
    assert.equal((JSON.parse(await ours(`images inspect ${name}`)) as { name: string }).name, name);
    assert.match(await ours(`images unpack ${name} --snapshotter native`), /^sha256:/);
    const at = join(dir, 'mnt');
    await mkdir(at);
    await ours(`images mount ${name} ${at}`);
    assert.ok((await stat(join(at, 'bin/busybox'))).isFile());
    await ours(`images unmount ${at}`);
    await ours(`images import ${join(dir, 'nothing.tar')}`, 1);
  });

  await t.test('content and snapshots', async () => {
    const digest = await ours('content ingest here', 0, { stdin: 'hello' });
    assert.equal(await ours(`content get ${digest}`), 'hello');
    assert.match(await ours(`content label ${digest} x=y`), /x=y/);
    assert.equal(await ours(`content rm ${digest}`), digest);
    await ours(`content get ${digest}`, 1);
    await ours('snapshots prepare base');
    await ours('snapshots commit done base');
    assert.match(await ours('snapshots info done'), /"wharfd.io[^"]*": "ctr snapshots commit done"/);
    assert.match(await ours('snapshots prepare top done --target /x'), /^mount -t overlay overlay \/x -o .*lowerdir/);
    assert.match(await ours('snapshots tree'), /^done\n {2}\\_ top$/m);
    assert.match(await ours('snapshots mounts /x top'), /^mount -t overlay/);
    assert.equal((JSON.parse(await ours('snapshots info top')) as { parent: string }).parent, 'done');
    await ours('snapshots rm done', 1);
    await ours('snapshots rm top done');

    const { digest: manifest } = JSON.parse(await ours(`i ls --json name==${name}`)) as { digest: string };
    const [chosen = ''] = (
      JSON.parse(await ours(`content get ${manifest}`)) as { manifests: { digest: string }[] }
    ).manifests.map((each) => each.digest);
    const chain = await ours(`snapshots unpack ${chosen} --snapshotter native`);
    assert.match(chain, /^sha256:/);
    const tar = (await runCommand(ctr, daemon, ['snapshots', 'diff', '--snapshotter', 'native', chain])).stdout;
    assert.ok(tar.length > 1000, 'all of the lowest layer');
    assert.match(await ours(`content fetch ${name}`), /^/);
    assert.equal(await ours(`content fetch-object ${name}`), await ours(`content get ${manifest}`));
    assert.match(await ours(`content push-object ${registry.host}/busybox ${manifest}`), /exists|pushed/);
    const edited = await ours(`content edit --editor true ${chosen}`, 1);
    assert.equal(edited, '');
    const kept = (await ours(`content list -q`)).split('\n').length;
    assert.match(await ours('content prune references --dry'), /gc\.ref\.content\.l\.0/);
    assert.equal((await ours(`content list -q`)).split('\n').length, kept);
    await ours('content prune references');
    assert.ok((await ours(`content list -q`)).split('\n').length < kept);
    assert.equal(await ours('content prune references'), '');
  });

  await t.test('containers, tasks, leases and namespaces', async () => {
    await ours(`run -d ${name} long sleep 100`);
    assert.match(await ours('tasks ps long'), /^PID\n\d+$/);
    await ours('tasks pause long');
    assert.match(await ours('tasks list'), /^long +\d+ +PAUSED$/m);
    await ours('tasks resume long');
    assert.match(await ours('c label long a=b'), /a=b/);
    assert.equal(await ours('t exec long echo inside'), 'inside');
    assert.match(await ours('t metrics long'), /^ID +CPU.*\nlong /);
    assert.equal((JSON.parse(await ours('c info long')) as { ID: string }).ID, 'long');
    assert.equal(await ours(`c create ${name} made true`), 'made');
    await ours('c rm made');
    await ours('leases create --id l1 k=v --expires 0');
    await ours('namespaces create made x=y');
    await ours('namespaces label made z=1');
    assert.match(await ours('namespaces list'), /^made +x=y,z=1$/m);
    await lists();
    await ours('leases rm l1');
    await ours('namespaces rm made');
    await ours('tasks rm long', 1);
    await ours('tasks kill long KILL');
    await ours('delete -f long');
    await ours('containers rm long', 1);
  });
  await assertNothingLeft(daemon.mine);

  async function lists(): Promise<void> {
    for (const list of LISTS) {
      const debian = ['--address', address, '--namespace', namespace, ...list.split(' ')];
      const heading = (text: string): string => text.split('\n', 1)[0]?.trim().split(/\s+/).join(' ') ?? '';
      const wanted = HEADINGS[list] ?? heading(await output('/usr/bin/ctr', debian));
      if (list !== 'images check') assert.equal(heading(await ours(list)), wanted);
      const names = (await ours(`${list} -q`)).split('\n').filter(Boolean);
      const objects = (await ours(`${list} --json`))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as object);
      assert.equal(objects.length, names.length, list);
    }
  }
});

/** Freezing a process into files is not to be had: what the daemon answers too. Conversions are another tool's. */
const LEFT_OUT = ['images convert', 'containers checkpoint', 'containers restore', 'tasks checkpoint'];

test("ctr's groups: every subcommand, and every other name of one, that Debian's ctr lists", async () => {
  const known = new Set<string>();
  for (const { usage, aliases = [] } of ctr.commands) {
    const words = usage.split(' ').filter((word) => /^[a-z]/.test(word));
    const group = words.slice(0, -1).join(' ');
    for (const each of [words.at(-1), ...aliases]) known.add(`${group} ${each}`);
  }
  const missing: string[] = [];
  for (const group of ['images', 'content', 'snapshots', 'containers', 'tasks', 'leases', 'namespaces', 'plugins']) {
    const help = await output('/usr/bin/ctr', [group, '--help']);
    const section = /\nCOMMANDS:\n([\s\S]*?)\n\n/.exec(help)?.[1] ?? assert.fail(help);
    const names = section.split('\n').flatMap((line) => (/^ +([\w-]+(, [\w-]+)*)/.exec(line)?.[1] ?? '').split(', '));
    missing.push(...names.map((each) => `${group} ${each}`).filter((each) => !known.has(each)));
  }
  // A group of its own.
  const left = missing.filter((each) => each !== 'content prune');
  assert.deepEqual(left, LEFT_OUT);
});
