import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RuntimeProcess } from '../../src/core/execution/runtime.js';
import { eventually } from '../support/eventually.js';
import { PACKAGE_ROOT } from '../support/package-root.js';
import { MONITOR, readAll, type RuntimeFixture, runtimeFixture } from '../support/runtime-fixture.js';
import type { HostOrder } from '../support/runtime-host.js';

const NO_STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };
const SIGKILL = 9;

/** Makes containers in a process of their own, and kills it. */
async function makeAndDie(
  t: TestContext,
  fixture: RuntimeFixture,
  reaper: 'monitor' | 'daemon',
  wanted: readonly Wanted[],
): Promise<void> {
  const order: HostOrder = {
    settings: { state: fixture.state, binary: 'runc', reaper, monitor: MONITOR },
    creates: wanted.map(({ id, script, ...stdio }) => ({
      ...{ ...fixture.key(id), options: {}, stdio: { ...NO_STDIO, ...stdio } },
      spec: fixture.spec(id, ['sh', '-c', script]).toString(),
      rootfs: [{ type: 'bind', source: fixture.rootfs, options: ['rbind', 'rw'] }],
    })),
  };
  const args = ['--import', 'tsx', join(PACKAGE_ROOT, 'test/support/runtime-host.ts')];
  const host = spawn(process.execPath, args, { cwd: PACKAGE_ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => host.kill('SIGKILL'));
  host.stdin.write(`${JSON.stringify(order)}\n`);
  await once(host.stdout, 'data');
  host.kill('SIGKILL');
  await once(host, 'close');
}

interface Wanted {
  readonly id: string;
  readonly script: string;
  readonly stdin?: string;
  readonly stdout?: string;
}

async function recovered(fixture: RuntimeFixture, id: string): Promise<RuntimeProcess> {
  return (await fixture.runtime.recover(fixture.key(id))) ?? assert.fail(`${id} was not found again`);
}

test('containers outlive a killed daemon with their streams, and no exit status is lost', async (t) => {
  const fixture = await runtimeFixture(t, {});
  const [stdin, stdout] = [await fixture.fifo('in'), await fixture.fifo('out')];
  const reading = readAll(stdout);
  await makeAndDie(t, fixture, 'monitor', [
    { id: 'ends', script: 'read line; echo "got $line"; exit 11', stdin, stdout },
    { id: 'lives', script: 'sleep 1000' },
  ]);
  // While nobody is there: the client still talks to its process, which ends.
  const writer = await open(stdin, 'w');
  await writer.write('hello\n');
  await writer.close();
  assert.equal((await reading).toString(), 'got hello\n');
  const record = join(fixture.state, 'io.containerd.runtime.v2.task', fixture.namespace, 'ends/work/init/exit.json');
  await eventually(() => readFile(record));
  assert.deepEqual(await fixture.runtime.inventory(), [fixture.key('ends'), fixture.key('lives')]);
  const ended = await recovered(fixture, 'ends');
  const exit = await ended.exited;
  assert.deepEqual([exit.status, exit.unknown], [11, false]);
  await ended.drained;
  const living = await recovered(fixture, 'lives');
  await fixture.runtime.kill(living.key, SIGKILL, false);
  assert.equal((await living.exited).status, 137);
  for (const process of [ended, living]) await fixture.remove(process);
});

test('with the daemon as reaper a living container is found again, watched and killed', async (t) => {
  const fixture = await runtimeFixture(t, { reaper: 'daemon' });
  await makeAndDie(t, fixture, 'daemon', [{ id: 'c', script: 'sleep 1000' }]);
  const found = await recovered(fixture, 'c');
  await fixture.runtime.kill(found.key, SIGKILL, false);
  const exit = await found.exited;
  assert.ok(
    exit.unknown ? exit.status === 255 : exit.status === 137,
    JSON.stringify(exit, (_, value: unknown) => String(value)),
  );
  await fixture.remove(found);
});

test('a lost monitor: the process runs on, is watched, and its end is told once', async (t) => {
  const fixture = await runtimeFixture(t, {});
  const container = await fixture.create('c', ['sleep', '1000'], { log: true });
  await fixture.runtime.start(container.key);
  const folder = join(fixture.state, 'io.containerd.runtime.v2.task', fixture.namespace, 'c/work/init');
  const { monitor } = JSON.parse(await readFile(join(folder, 'process.json'), 'utf8')) as { monitor: number };
  process.kill(monitor, 'SIGKILL');
  await container.drained;
  await assert.rejects(container.attach({ replay: true }), /monitor of the process is gone/);
  process.kill(container.pid, 0);
  await fixture.runtime.kill(container.key, SIGKILL, false);
  const exit = await container.exited;
  assert.ok(exit.unknown ? exit.status === 255 : exit.status === 137);
  const again = await fixture.reopen().recover(container.key);
  assert.deepEqual(await again?.exited, exit);
  await fixture.remove(container);
});
