import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { containerDraft, fakeExecution, fakePorts } from '../../../test/support/execution-fakes.js';
import { DaemonError } from '../../base/errors.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import type { ExecRequest } from './execution.js';

const SCOPE = { namespace: 'default' };
const STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };
const WISHES: ProcessOptions = {
  ...{ args: ['date'], replaceEntrypoint: false, env: ['B=2'], cwd: '', user: '', terminal: false, hostname: '' },
};
const EXEC: ExecRequest = { containerId: 'box', execId: 'e1', process: WISHES, attach: true, stdin: false };

async function openBox() {
  const ports = fakePorts();
  const execution = fakeExecution(ports);
  const tasks = execution.tasks(SCOPE);
  await ports.boxes.create(containerDraft('box'));
  await tasks.create('box', { rootfs: [], stdio: STDIO });
  await tasks.start('box', '');
  return { ports, execution, tasks };
}

test('an exec is made of the container’s own process, and its record goes when it ends', async () => {
  const { ports, execution, tasks } = await openBox();
  const view = await execution.exec(SCOPE, { ...EXEC, attach: false, process: { ...WISHES, user: 'alice' } });
  assert.equal(view.status, 'running');
  const record = ports.store.records.get('box/e1');
  const process = JSON.parse(String(record?.details['process'])) as Record<string, unknown>;
  assert.deepEqual([process['args'], process['env'], process['cwd']], [['date'], ['A=1', 'B=2'], '/']);
  assert.deepEqual(process['user'], { uid: 1000, gid: 1000 });
  const waiting = tasks.wait('box', 'e1');
  ports.runtime.process('box', 'e1').exit(4);
  assert.equal((await waiting).status, 4);
  await execution[Symbol.asyncDispose]();
  assert.ok(!ports.store.records.has('box/e1'));
});

test('an exec needs a running container, and leaves nothing when it cannot start', async () => {
  const { ports, execution, tasks } = await openBox();
  ports.runtime.during.exec = () => {
    throw new DaemonError('unknown', 'OCI runtime exec failed: no such file');
  };
  await assertRejectsWithKind(execution.exec(SCOPE, { ...EXEC, attach: false }), 'unknown', /no such file/);
  await execution.exec(SCOPE, EXEC);
  await assertRejectsWithKind(execution.attach(SCOPE, 'box', 'e1'), 'unknown', /no such file/);
  assert.deepEqual([...ports.store.records.keys()], ['box/']);
  ports.runtime.process('box').exit(0);
  await tasks.wait('box', '');
  await assertRejectsWithKind(execution.exec(SCOPE, EXEC), 'failed-precondition', /box is stopped/);
});

test('what waits for a client that never comes is taken away', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { ports, execution } = await openBox();
  await execution.exec(SCOPE, EXEC);
  await execution.exec(SCOPE, { ...EXEC, execId: 'e2' });
  await using attached = await execution.attach(SCOPE, 'box', 'e2');
  t.mock.timers.tick(10_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...ports.store.records.keys()], ['box/', 'box/e2']);
  ports.runtime.process('box', 'e2').exit(0);
  for await (const _ of attached.output);
  await attached.finish();
  assert.deepEqual([...ports.store.records.keys()], ['box/']);
});

test('who waits for its client is not taken away for a former one that had the same id', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { ports, execution, tasks } = await openBox();
  await execution.exec(SCOPE, EXEC);
  await tasks.deleteProcess('box', 'e1');
  t.mock.timers.tick(9_000);
  await execution.exec(SCOPE, EXEC);
  t.mock.timers.tick(9_000);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...ports.store.records.keys()], ['box/', 'box/e1']);
  t.mock.timers.tick(1_000);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...ports.store.records.keys()], ['box/']);
});

test('an exec is removed after its client has read everything, not before', async () => {
  const { ports, execution } = await openBox();
  await execution.exec(SCOPE, EXEC);
  await using attached = await execution.attach(SCOPE, 'box', 'e1');
  ports.runtime.process('box', 'e1').exit(0);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(ports.store.records.has('box/e1'));
  for await (const _ of attached.output);
  assert.equal((await attached.finish()).status, 0);
  assert.ok(!ports.store.records.has('box/e1'));
});

test('removing: what runs only by force, also when it is paused', async () => {
  const { ports, execution, tasks } = await openBox();
  await assertRejectsWithKind(execution.remove(SCOPE, 'box', false), 'failed-precondition', /box is running/);
  await tasks.pause('box');
  assert.equal((await execution.remove(SCOPE, 'box', true))?.status, 137);
  assert.ok(ports.runtime.calls.includes('resume box'));
  assert.deepEqual(await execution.list(SCOPE, []), []);
  await ports.boxes.create(containerDraft('bare'));
  assert.equal(await execution.remove(SCOPE, 'bare', false), undefined);
});
