import assert from 'node:assert/strict';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession, rootfsMounts } from '../../src/client/index.js';
import { busyboxEntries } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

/** What one overlay takes (OVL_MAX_STACK in Linux's fs/overlayfs); one on top of another where that is not enough. */
const LAYERS = 500;

test(`an image of ${LAYERS} layers is pulled, mounted and run, and so is one of one more`, async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const names = Array.from({ length: LAYERS - 1 }, (_, at) => `n${at}`);
  const upper = await Promise.all(
    names.map((path) =>
      makeLayer([
        { path, data: path },
        { path: 'last', data: path },
      ]),
    ),
  );
  const layers = [await makeLayer(await busyboxEntries()), ...upper];
  const settings = { Cmd: ['sh'], Env: ['PATH=/bin'] };
  const name = await registry.push(makeImage({ layers, settings }), 'deep');
  await ours('dist', 'pull', name);

  const view = join(daemon.dir, 'view');
  await mkdir(view);
  await ours('dist', 'mount', name, view);
  const found = await readdir(view);
  assert.deepEqual(
    names.filter((one) => !found.includes(one)),
    [],
  );
  assert.equal(await readFile(join(view, 'last'), 'utf8'), names.at(-1));
  await ours('dist', 'unmount', view);

  const script = 'cat /n0 /last; echo changed > /n0';
  assert.equal(await ours('ctr', 'run', '--keep', name, 'mine', 'sh', '-c', script), `n0${names.at(-1) ?? ''}`);
  assert.match(await ours('ctr', 'diff', 'mine'), /^C \/n0$/m);
  const target = ['--address', daemon.address, '--namespace', daemon.namespace];
  assert.equal(await output('/usr/bin/ctr', [...target, 'run', '--rm', name, 'foreign', 'cat', '/last']), names.at(-1));

  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  const [mount, ...more] = await rootfsMounts(session, 'mine', 'overlayfs');
  assert.deepEqual([mount?.type, more], ['overlay', []]);
  const lower = mount?.options
    .find((option) => option.startsWith('lowerdir='))
    ?.slice('lowerdir='.length)
    .split(':');
  assert.equal(lower?.length, LAYERS);
  for (const directory of lower) assert.match(directory, /^\/.*\/snapshots\/\d+\/fs$/);
  await ours('ctr', 'delete', 'mine');

  const over = await registry.push(
    makeImage({ layers: [...layers, await makeLayer([{ path: 'over', data: 'over' }])], settings }),
    'over',
  );
  await ours('dist', 'pull', over);
  assert.equal(await ours('ctr', 'run', '--rm', over, 'more', 'cat', '/last', '/over'), `${names.at(-1) ?? ''}over`);
  await assertNothingLeft(daemon.mine);

  async function ours(program: 'ctr' | 'dist', ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runBuilt(program, daemon, args);
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr.toString()}`);
    return stdout.toString();
  }
});
