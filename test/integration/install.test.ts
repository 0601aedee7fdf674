import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { output, type Ran, run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

/** What sudo leaves of an environment; node need not be in this PATH. */
const BARE = { PATH: '/nowhere' };

test('install: the launchers run from where they are, under any PATH, and uninstall leaves nothing', async (t) => {
  const dir = await tempDir(t);
  const prefix = join(dir.path, 'usr');
  await install('install', { PREFIX: prefix });
  assert.deepEqual((await readdir(join(prefix, 'bin'))).sort(), ['ctr', 'dist', 'wharfd']);
  const version = new RegExp(`^${(await packageVersion()).replaceAll('.', '\\.')}\\n$`);
  for (const name of ['wharfd', 'dist', 'ctr']) {
    const launcher = join(prefix, 'bin', name);
    assert.match(await output(launcher, ['--version'], { env: BARE }), version, name);
    assert.doesNotMatch(await readFile(launcher, 'utf8'), new RegExp(PACKAGE_ROOT), name);
  }
  // The whole daemon is there: it gets as far as its own directories, and says what is wrong with them.
  const { code, stderr } = await startOn(join(prefix, 'bin/wharfd'), '/dev/null/no-folder');
  assert.notEqual(code, 0);
  assert.match(stderr.toString(), /^wharfd: .*\/dev\/null\/no-folder.*\n$/);
  assert.match(
    await readFile(join(prefix, 'lib/systemd/system/wharfd.service'), 'utf8'),
    new RegExp(`^ExecStart=${prefix}/bin/wharfd$`, 'm'),
  );

  await install('uninstall', { PREFIX: prefix });
  const left = await readdir(prefix, { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left.filter((entry) => !entry.isDirectory()),
    [],
  );
});

test('install: DESTDIR says where the files go now, PREFIX where they will be', async (t) => {
  const dir = await tempDir(t);
  await install('install', { PREFIX: '/opt/wharfd', DESTDIR: dir.path });
  const launcher = await readFile(join(dir.path, 'opt/wharfd/bin/dist'), 'utf8');
  assert.match(launcher, /'\/opt\/wharfd\/lib\/wharfd\/build\/cli\/dist\.cjs'/);
  assert.doesNotMatch(launcher, new RegExp(dir.path));
});

async function install(what: 'install' | 'uninstall', env: Readonly<Record<string, string>>): Promise<void> {
  await output(join(PACKAGE_ROOT, 'scripts/install.sh'), [what], { env: { ...process.env, ...env } });
}

async function packageVersion(): Promise<string> {
  return (JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

function startOn(launcher: string, folder: string): Promise<Ran> {
  const folders = ['--root', join(folder, 'root'), '--state', join(folder, 'state'), '--address', join(folder, 'sock')];
  return run(launcher, folders, { env: BARE });
}
