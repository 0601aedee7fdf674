import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft } from '../support/leftovers.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { openRegistry } from '../support/registry.js';
import { openTerminal, type Typist } from '../support/terminal.js';

const CTR = join(PACKAGE_ROOT, 'build/cli/ctr.cjs');

test('ctr -t: a real terminal: raw, resized, Ctrl-C and Ctrl-D inside, put back at the end', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
  const env = { ...process.env, WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace, TERM: 'xterm' };
  // A shell around it sees what ctr leaves the terminal like.
  const onTerminal = (command: string): Typist => {
    return openTerminal(
      ['sh', '-c', `'${process.execPath}' '${CTR}' ${command}; echo "code $?"; stty -a; exit 0`],
      env,
      33,
      101,
    );
  };

  await using first = onTerminal(`run -t --id t ${image} sh`);
  await first.until('# ');
  assert.equal(await first.isRaw(), true);
  first.type('stty size; tty; echo $TERM\r');
  await first.until('\n33 101');
  await first.until('/dev/');
  await first.until('xterm');
  first.resize(50, 120);
  await eventually(async () => {
    first.type('stty size\r');
    await first.until('\n50 120');
  });
  first.type('sleep 1000\r');
  await first.until('sleep 1000');
  await eventually(async () => {
    const { stdout } = await runBuilt('ctr', daemon, ['exec', 't', 'ps']);
    assert.match(stdout.toString(), /sleep 1000/);
  });
  first.type('\x03');
  await first.until('# ');
  first.type('echo still here\r');
  await first.until('\nstill here');

  await using second = onTerminal('exec -t t sh');
  await second.until('# ');
  second.type('stty size\r');
  await second.until('\n33 101');
  second.type('\x04');
  await second.until('code 0');

  first.type('exit 7\r');
  await first.until('code 7');
  await first.until(' icanon ');
  assert.equal(await first.ended, 0);
  await assertNothingLeft(daemon.mine);
});

test('ctr run: a terminal that is closed, and the detach keys, leave the process to itself; it can be attached again', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
  const env = { ...process.env, WHARFD_ADDRESS: daemon.address, WHARFD_NAMESPACE: daemon.namespace, TERM: 'xterm' };
  const onTerminal = (...words: readonly string[]) => openTerminal([process.execPath, CTR, ...words], env, 24, 80);
  const states = async () => (await runBuilt('ctr', daemon, ['list'])).stdout.toString();

  const script = 'trap "" INT; while read -r line; do echo "got $line"; done; echo over';
  for (const [id, options] of [
    ['with', ['-t']],
    ['without', []],
  ] as const) {
    {
      await using first = onTerminal('run', ...options, '--id', id, image, 'sh', '-c', script);
      // Typed ahead before ctr is there it would reach the process just the same.
      first.type('one\r');
      await first.until('got one');
    }
    assert.match(await states(), new RegExp(`${id} .*RUNNING`));
    await using second = onTerminal('attach', id);
    await second.until('got one');
    second.type('two\r');
    await second.until('got two');
    if (id === 'with') {
      second.type('\x10\x11');
      await second.until('ctr attach with');
      assert.equal(await second.ended, 0);
      assert.match(await states(), /with .*RUNNING/);
    }
    assert.equal((await runBuilt('ctr', daemon, ['delete', '-f', id])).code, 0);
  }
  await assertNothingLeft(daemon.mine);
});
