import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createProcesses } from '../../src/sys/processes.js';
import { findStopped } from '../../src/drivers/runtime-oci/stopped-container.js';
import { runtimeFixture, type FixtureSettings } from '../support/runtime-fixture.js';
import { tempDir } from '../support/temp-dir.js';

/** runc, in a program of the same name or another that notes each call's command. */
async function noted(t: TestContext, name = 'runc') {
  const { path } = await tempDir(t);
  const [binary, calls] = [join(path, name), join(path, 'calls')];
  const each = `for word; do case $word in create|start|kill|delete) echo $word >>${calls}; break;; esac; done`;
  await writeFile(binary, `#!/bin/sh\n${each}\nexec runc "$@"\n`, { mode: 0o755 });
  return { binary, calls: async () => (await readFile(calls, 'utf8')).trim().split('\n') };
}

async function fixture(t: TestContext, settings: FixtureSettings) {
  const at = await runtimeFixture(t, settings);
  const stateDir = (id: string) => join(at.state, 'runc', at.namespace, id);
  const state = async (id: string) =>
    JSON.parse(await readFile(join(stateDir(id), 'state.json'), 'utf8')) as { cgroup_paths: Record<string, string> };
  return { ...at, stateDir, state };
}

for (const reaper of ['monitor', 'daemon'] as const) {
  test(`a stopped container is deleted without a call of runc, and nothing of it stays (${reaper})`, async (t) => {
    const { binary, calls } = await noted(t);
    const at = await fixture(t, { binary, reaper });
    const process = await at.create('foo', ['true']);
    const { cgroup_paths: cgroups } = await at.state('foo');
    await at.runtime.start(process.key);
    await at.remove(process);
    assert.deepEqual(await calls(), ['create']);
    assert.equal(existsSync(at.stateDir('foo')), false);
    assert.ok(Object.keys(cgroups).length > 0);
    for (const cgroup of Object.values(cgroups)) assert.equal(existsSync(cgroup), false, cgroup);
  });
}

test('what never started, or still runs, is for runc to end and to delete', async (t) => {
  const { binary, calls } = await noted(t);
  const at = await fixture(t, { binary });
  const waiting = await at.create('waiting', ['true']);
  await at.runtime.delete(waiting.key);
  const running = await at.create('running', ['sleep', '1000']);
  await at.runtime.start(running.key);
  await at.runtime.delete(running.key);
  assert.deepEqual(await calls(), ['create', 'delete', 'create', 'delete']);
});

test('a cgroup that does not go is for runc, which knows how to empty it', async (t) => {
  const { binary, calls } = await noted(t);
  const at = await fixture(t, { binary });
  const process = await at.create('foo', ['true']);
  const [cgroup = ''] = Object.values((await at.state('foo')).cgroup_paths);
  await mkdir(join(cgroup, 'inner'));
  await at.runtime.start(process.key);
  await at.remove(process);
  assert.deepEqual(await calls(), ['create', 'delete']);
  assert.equal(existsSync(cgroup), false);
  assert.equal(existsSync(at.stateDir('foo')), false);
});

test('hooks for the end are called, by runc', async (t) => {
  const { binary, calls } = await noted(t);
  const at = await fixture(t, { binary });
  const told = join(at.dir, 'told');
  const withHook = {
    ...(JSON.parse(at.spec('foo', ['true']).toString()) as object),
    hooks: { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo ended >${told}`] }] },
  };
  const process = await at.create('foo', [], { spec: Buffer.from(JSON.stringify(withHook)) });
  await at.runtime.start(process.key);
  await at.remove(process);
  assert.equal(await readFile(told, 'utf8'), 'ended\n');
  assert.deepEqual(await calls(), ['create', 'delete']);
});

test('a program around runc, and processes that share their pid namespace, are for the runtime', async (t) => {
  const { binary, calls } = await noted(t, 'my-runc');
  const at = await fixture(t, { binary });
  const wrapped = await at.create('wrapped', ['true']);
  await at.runtime.start(wrapped.key);
  await at.remove(wrapped);
  assert.deepEqual(await calls(), ['create', 'start', 'delete']);
  const plain = await noted(t);
  const other = await fixture(t, { binary: plain.binary });
  const shared = await other.create('shared', ['true'], { namespaces: ['mount', 'uts', 'ipc', 'network'] });
  await other.runtime.start(shared.key);
  await other.remove(shared);
  assert.deepEqual(await plain.calls(), ['create', 'delete']);
});

test('a state that is not as runc leaves it is for the runtime', async (t) => {
  const at = await fixture(t, {});
  const process = await at.create('foo', ['true']);
  await at.runtime.start(process.key);
  await process.exited;
  const recorded = { binary: '/usr/sbin/runc', root: join(at.stateDir('foo'), '..'), options: {} };
  const found = () => findStopped(createProcesses(), recorded, 'foo');
  assert.equal(found()?.dir, at.stateDir('foo'));
  const file = join(at.stateDir('foo'), 'state.json');
  const text = await readFile(file, 'utf8');
  const state = JSON.parse(text) as { config: { cgroups: object } } & Record<string, unknown>;
  for (const other of [
    '',
    '[]',
    JSON.stringify({ ...state, rootless: true }),
    JSON.stringify({ ...state, intel_rdt_path: '/sys/fs/resctrl/foo' }),
    JSON.stringify({ ...state, cgroup_paths: { pids: 'relative/path' } }),
    JSON.stringify({ ...state, config: { ...state.config, cgroups: { ...state.config.cgroups, Systemd: true } } }),
    JSON.stringify({ ...state, config: { ...state.config, Hooks: undefined } }),
  ]) {
    await writeFile(`${file}.new`, other);
    await rename(`${file}.new`, file);
    assert.equal(found(), undefined, other.slice(0, 100));
  }
  await writeFile(file, text);
  assert.deepEqual(findStopped(createProcesses(), { ...recorded, options: { systemdCgroup: true } }, 'foo'), undefined);
  await at.remove(process);
});
