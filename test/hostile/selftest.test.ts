import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { hostileSelftest, type AttackOutcome } from '../../src/client/selftest.js';
import { openSession } from '../../src/client/open-session.js';
import { GUARDS } from '../../src/selftest/guards.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { eventually } from '../support/eventually.js';

const leftovers = ({ root }: TestDaemon) => readdir(join(root, 'selftest')).catch(() => []);

test('a daemon attacks itself: all is held, told, and nothing is left', async () => {
  await using daemon = await openDaemon();
  const run = await runCommand(dist, daemon, ['selftest', '--hostile', '--json']);
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const outcomes = JSON.parse(run.stdout) as AttackOutcome[];
  assert.ok(outcomes.length >= 300);
  assert.deepEqual(new Set(outcomes.map(({ guard }) => guard)), new Set(Object.keys(GUARDS)));
  assert.deepEqual(await leftovers(daemon), []);
  const nothing = await runCommand(dist, daemon, ['selftest']);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /^dist: selftest: say what is to be tested: --hostile\n$/);
});

test('a self test that is canceled, or whose daemon is killed, leaves nothing either', async () => {
  await using daemon = await openDaemon();
  using session = openSession({ address: daemon.address });
  const stop = new AbortController();
  const cancelled = hostileSelftest(session, { onOutcome: () => stop.abort(), signal: stop.signal });
  await assert.rejects(cancelled);
  await eventually(async () => assert.deepEqual(await leftovers(daemon), []));
  let killed: Promise<unknown> | undefined;
  const cut = hostileSelftest(session, { onOutcome: () => void (killed ??= daemon.kill()) });
  await assert.rejects(cut);
  await killed;
  assert.equal((await leftovers(daemon)).length, 1);
  await daemon.start();
  assert.deepEqual(await leftovers(daemon), []);
});
