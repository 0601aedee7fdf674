import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { output, WITH_US } from '../support/run.js';
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
  await serveFrom(join(prefix, 'bin'), join(dir.path, 'run'));
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

/** Starts the installed daemon on folders of its own, asks it, and stops it. */
async function serveFrom(bin: string, folder: string): Promise<void> {
  const address = join(folder, 'sock');
  const folders = ['--root', join(folder, 'root'), '--state', join(folder, 'state'), '--address', address];
  await mkdir(folder);
  const daemon = spawn('/usr/bin/setpriv', [...WITH_US, join(bin, 'wharfd'), ...folders], {
    env: BARE,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(daemon, 'exit');
  const log: string[] = [];
  for await (const line of createInterface({ input: daemon.stderr })) {
    log.push(line);
    if (line.includes('wharfd serves')) break;
  }
  assert.match(log.join('\n'), /wharfd serves/);
  const images = await output(join(bin, 'dist'), ['--address', address, 'images'], { env: BARE });
  assert.match(images, /^REF +TYPE +DIGEST/);
  const version = await output(join(bin, 'ctr'), ['--address', address, 'version'], { env: BARE });
  assert.match(version, new RegExp((await packageVersion()).replaceAll('.', '\\.')));
  daemon.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
}
