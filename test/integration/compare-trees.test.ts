import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { makeBusyboxImage, busyboxEntries } from '../support/busybox-image.js';
import { runBuilt, runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';
import { output } from '../support/run.js';

test('dist diff: images, containers and snapshots are compared by their names, and no view stays', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const run = (...args: readonly string[]) => runCommand(dist, daemon, args);
  const base = await makeLayer(await busyboxEntries());
  const above = await makeLayer([
    { path: 'new\nline', data: 'x' },
    { path: 'etc/passwd', data: 'other' },
    { path: 'bin/.wh.head' },
  ]);
  const [old, young] = [
    await registry.push(await makeBusyboxImage(), 'old'),
    await registry.push(makeImage({ layers: [base, above] }), 'young'),
  ];
  await run('pull', old, young);
  const wanted = ['C /bin', 'D /bin/head', 'C /etc', 'C /etc/passwd', 'A /new\\x0aline'];
  const there = await run('diff', old, young);
  assert.equal(there.stderr, '');
  assert.deepEqual(there.stdout.trimEnd().split('\n'), wanted);
  const back = await run('diff', young, old);
  assert.deepEqual(
    back.stdout.trimEnd().split('\n'),
    wanted.map((line) => ({ 'D /bin/head': 'A /bin/head', 'A /new\\x0aline': 'D /new\\x0aline' })[line] ?? line),
  );
  assert.equal((await run('diff', old, old)).stdout, '');

  const made = await runBuilt('ctr', daemon, ['run', '--keep', old, 'mine', 'sh', '-c', 'echo > /made']);
  assert.equal(made.code, 0, made.stderr.toString());
  // The runtime makes what it mounts upon.
  assert.match((await run('diff', old, 'mine')).stdout, /^A \/made$/m);
  assert.match((await run('diff', 'mine', old)).stdout, /^D \/made$/m);
  const target = ['--address', daemon.address, '--namespace', daemon.namespace];
  const chain = (await output('/usr/bin/ctr', [...target, 'snapshots', 'ls'])).match(/^sha256:\w+/m)?.[0] ?? '';
  assert.equal((await run('diff', chain, chain)).stdout, '');

  const missing = await run('diff', old, 'nothing-at-all');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /nothing-at-all: no container, image or snapshot has that name/);
  const elsewhere = await run('diff', '--snapshotter', 'native', old, young);
  assert.match(elsewhere.stderr, /is not unpacked for this snapshotter/);
  assert.doesNotMatch(await output('/usr/bin/ctr', [...target, 'snapshots', 'ls']), /wharfd-compare/);
  await runBuilt('ctr', daemon, ['delete', 'mine']);
  await assertNothingLeft(daemon.mine);
});
