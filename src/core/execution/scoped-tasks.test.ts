import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { containerDraft, fakePorts } from '../../../test/support/execution-fakes.js';
import { deferred } from '../../base/abort.js';
import { DaemonError, kindOf } from '../../base/errors.js';
import { Exits } from './exits.js';
import { ScopedTasks } from './scoped-tasks.js';
import { TaskTable } from './task-table.js';
import type { ExecDraft, TaskDraft } from './tasks.js';

const NO_STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };
const DRAFT: TaskDraft = { rootfs: [], stdio: NO_STDIO };

function execDraft(execId: string, args: readonly string[] = ['date']): ExecDraft {
  return { execId, process: Buffer.from(JSON.stringify({ args })), stdio: NO_STDIO, peerUid: 1000 };
}

async function openTasks(options: Parameters<typeof containerDraft>[1] = {}) {
  const ports = fakePorts();
  const exits = new Exits(ports);
  const table = new TaskTable();
  const tasks = new ScopedTasks({ namespace: 'default' }, ports, table, exits);
  await ports.boxes.create(containerDraft('box', options));
  return { ports, exits, tasks, table, runtime: ports.runtime, store: ports.store };
}

test('a task goes through its life, and the journal tells it in order', async () => {
  const { tasks, runtime, store } = await openTasks();
  assert.equal((await tasks.create('box', DRAFT)).status, 'created');
  const waiting = tasks.wait('box', '');
  assert.equal((await tasks.start('box', '')).status, 'running');
  await tasks.exec('box', execDraft('e1'));
  await tasks.start('box', 'e1');
  runtime.process('box', 'e1').exit(3);
  assert.equal((await tasks.wait('box', 'e1')).status, 3);
  runtime.process('box').exit(7);
  assert.deepEqual(await waiting, { pid: 101, status: 7, unknown: false, exitedAtNs: 1_700_000_000_123_456_789n });
  assert.equal((await tasks.get('box', '')).status, 'stopped');
  assert.equal((await tasks.delete('box')).status, 7);
  assert.deepEqual(store.topics, [
    ...['create', 'start', 'exec-added:e1', 'exec-started:e1', 'exit:e1', 'exit', 'delete'],
  ]);
  assert.equal(store.records.size, 0);
  const exit = store.events.find(({ topic }) => topic === '/tasks/exit');
  assert.ok(exit && 'fields' in exit.payload);
  assert.equal(exit.payload.fields['exited_at'], '2023-11-14T22:13:20.123456789Z');
});

test('the kernel is told of a process before the runtime is asked for it', async () => {
  const { tasks, runtime, ports } = await openTasks();
  let told = 0;
  ports.cgroups.expectMove = () => (told += 1);
  runtime.during.create = async () => assert.equal(told, 1);
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('e1'));
  assert.equal(told, 2);
});

test('a process that is dead before start returns has its start journalled before its exit', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  runtime.during.start = async (process) => {
    process.exit(9);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const started = await tasks.start('box', '');
  assert.equal(started.pid, 101);
  assert.equal((await tasks.wait('box', '')).status, 9);
  assert.deepEqual(store.topics, ['create', 'start', 'exit']);
});

test('the exits of execs come before the exit of their init', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('e1'));
  await tasks.start('box', 'e1');
  runtime.process('box').exit(0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!store.topics.includes('exit'));
  runtime.process('box', 'e1').exit(137);
  await tasks.wait('box', '');
  assert.deepEqual(store.topics.slice(-2), ['exit:e1', 'exit']);
});

test('in a shared pid namespace all are killed when init ends', async () => {
  const { tasks, runtime, store } = await openTasks({ privatePids: false });
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('e1'));
  await tasks.start('box', 'e1');
  runtime.process('box').exit(0);
  await tasks.wait('box', '');
  assert.ok(runtime.calls.includes('kill box/ 9 all'));
  assert.deepEqual(store.topics.slice(-2), ['exit:e1', 'exit']);
});

test('no exec starts once init has ended, be its exit journalled or not', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('late'));
  runtime.process('box').exit(0);
  await tasks.wait('box', '');
  await assertRejectsWithKind(tasks.start('box', 'late'), 'failed-precondition');
  await assertRejectsWithKind(tasks.exec('box', execDraft('later')), 'unknown');
  assert.ok(!store.topics.includes('exec-started:late'));
});

test('an exec that the runtime cannot start lets its waiters go, without an exit event', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('bad'));
  const waiting = tasks.wait('box', 'bad');
  runtime.during.exec = () => {
    throw new DaemonError('unknown', 'OCI runtime exec failed: exec failed: no such file');
  };
  await assertRejectsWithKind(tasks.start('box', 'bad'), 'unknown', /OCI runtime exec failed/);
  assert.equal((await waiting).unknown, true);
  assert.deepEqual(store.topics, ['create', 'start', 'exec-added:bad']);
  await tasks.deleteProcess('box', 'bad');
  await assertRejectsWithKind(tasks.get('box', 'bad'), 'not-found');
});

test('deleting: refused while running, kills what never started, answers not-found the second time', async () => {
  const { tasks, store, runtime } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await assertRejectsWithKind(tasks.delete('box'), 'unknown', /cannot delete a running process/);
  runtime.process('box').exit(5);
  await tasks.wait('box', '');
  const [one, two] = await Promise.allSettled([tasks.delete('box'), tasks.delete('box')]);
  assert.equal(one.status, 'fulfilled');
  assert.equal(two.status, 'rejected');
  assert.equal(kindOf(two.reason), 'not-found');
  await tasks.create('box', DRAFT);
  assert.equal((await tasks.delete('box')).status, 137);
  assert.deepEqual(store.topics, ['create', 'start', 'exit', 'delete', 'create', 'exit', 'delete']);
});

test('one of two creations of an id wins, and a failed one frees the id', async () => {
  const { tasks, runtime } = await openTasks();
  const results = await Promise.allSettled([tasks.create('box', DRAFT), tasks.create('box', DRAFT)]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await tasks.delete('box');
  runtime.during.create = () => {
    throw new DaemonError('unknown', 'OCI runtime create failed: runc did not terminate successfully');
  };
  await assertRejectsWithKind(
    tasks.create('box', DRAFT),
    'unknown',
    /^failed to create shim task: OCI runtime create failed: runc did not/,
  );
  runtime.during = {};
  await tasks.create('box', DRAFT);
});

test('a creation that cannot be recorded leaves no process', async () => {
  const { tasks, runtime, store } = await openTasks();
  store.failure = new DaemonError('resource-exhausted', 'disk full');
  await assertRejectsWithKind(tasks.create('box', DRAFT), 'resource-exhausted');
  assert.ok(runtime.calls.includes('delete box'));
  await tasks.create('box', DRAFT);
});

test('an exit that cannot be recorded is shown all the same, and journalled with the deletion', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  store.failure = new DaemonError('resource-exhausted', 'disk full');
  runtime.process('box').exit(4);
  assert.equal((await tasks.wait('box', '')).status, 4);
  await tasks.delete('box');
  assert.deepEqual(store.topics, ['create', 'start', 'exit', 'delete']);
});

test('killing: what is over is not found, an exec must be started', async () => {
  const { tasks, runtime } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('e1'));
  await assertRejectsWithKind(tasks.kill('box', 'e1', 15, false), 'failed-precondition');
  await assertRejectsWithKind(tasks.kill('box', '', 65, false), 'invalid-argument');
  runtime.process('box').exit(0);
  await tasks.wait('box', '');
  await assertRejectsWithKind(tasks.kill('box', '', 15, false), 'not-found', /^process already finished/);
  await assertRejectsWithKind(tasks.kill('none', '', 15, false), 'not-found', /container "none"/);
});

test('an out-of-memory kill is journalled before the exit, once', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  runtime.process('box').oom();
  runtime.process('box').exit(137, { oomKilled: true });
  await tasks.wait('box', '');
  assert.deepEqual(store.topics, ['create', 'start', 'oom', 'exit']);
  await tasks.delete('box');
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  runtime.process('box').exit(137, { oomKilled: true });
  await tasks.wait('box', '');
  assert.deepEqual(store.topics.slice(-4), ['create', 'start', 'oom', 'exit']);
});

test('pausing shows, and what a paused or stopped container refuses', async () => {
  const { tasks, runtime, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await assertRejectsWithKind(tasks.pause('box'), 'unknown', /cannot pause task in created state/);
  await tasks.start('box', '');
  await assertRejectsWithKind(tasks.resume('box'), 'unknown', /cannot resume a running process/);
  await tasks.pause('box');
  assert.equal((await tasks.get('box', '')).status, 'paused');
  await assertRejectsWithKind(tasks.exec('box', execDraft('e1')), 'unknown', /cannot exec in a paused state/);
  await tasks.resume('box');
  assert.deepEqual(store.topics.slice(-2), ['paused', 'resumed']);
  runtime.process('box').exit(0);
  await tasks.wait('box', '');
  await assertRejectsWithKind(tasks.pause('box'), 'unknown', /cannot pause a stopped container/);
  await assertRejectsWithKind(tasks.start('box', ''), 'unknown', /cannot start a stopped process/);
});

test('an exec is audited with the peer and a hash of its arguments', async () => {
  const { tasks, store } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  await tasks.exec('box', execDraft('e1', ['login', '--password=hunter2']));
  const audit = store.events.find(({ topic }) => topic === '/wharfd/audit/exec');
  assert.ok(audit && 'fields' in audit.payload);
  assert.equal(audit.payload.fields['peer_uid'], 1000);
  assert.match(String(audit.payload.fields['args_sha256']), /^[0-9a-f]{64}$/);
  assert.ok(!JSON.stringify(store.events).includes('hunter2'));
});

test('an unknown runtime fails by its name, and is not served by ours', async () => {
  const { tasks, ports } = await openTasks();
  await ports.boxes.create(containerDraft('kata', { runtime: 'io.containerd.kata.v2' }));
  await assertRejectsWithKind(
    tasks.create('kata', DRAFT),
    'unknown',
    /io\.containerd\.kata\.v2.*containerd-shim-kata-v2/,
  );
  const other = { ...DRAFT, runtimePath: '/opt/other-shim' };
  await assertRejectsWithKind(tasks.create('box', other), 'unknown', /\/opt\/other-shim/);
});

test('the task that waits for a client starts with it, and its end waits until the output was read', async () => {
  const { tasks, runtime } = await openTasks();
  await tasks.create('box', { ...DRAFT, socketStdio: true, startOnAttach: true, noStdin: true });
  const process = runtime.process('box');
  assert.deepEqual(process.calls, ['closeStdin']);
  assert.equal(process.started, false);
  await using attached = await tasks.attach('box', '', { size: { columns: 80, rows: 24 } });
  assert.equal(process.started, true);
  process.exit(0);
  const seen: string[] = [];
  for await (const { bytes } of attached.output) seen.push(Buffer.from(bytes).toString());
  assert.deepEqual(seen, ['hello']);
  assert.equal((await attached.finish()).status, 0);
});

test('a start that hangs holds up nothing but its own container', async () => {
  const { tasks, runtime, ports } = await openTasks();
  await ports.boxes.create(containerDraft('other'));
  const gate = deferred<undefined>();
  runtime.during.start = (process) => (process.key.containerId === 'box' ? gate.promise : undefined);
  await tasks.create('box', DRAFT);
  const hanging = tasks.start('box', '');
  await tasks.create('other', DRAFT);
  await tasks.start('other', '');
  assert.deepEqual(
    (await tasks.list()).map(({ containerId, status }) => [containerId, status]),
    [
      ...[
        ['box', 'created'],
        ['other', 'running'],
      ],
    ],
  );
  gate.resolve(undefined);
  await hanging;
});

test('a client that stops waiting leaves the process alone', async () => {
  const { tasks, runtime } = await openTasks();
  await tasks.create('box', DRAFT);
  await tasks.start('box', '');
  const gone = new AbortController();
  const waiting = tasks.wait('box', '', gone.signal);
  gone.abort(new DaemonError('canceled', 'client gone'));
  await assertRejectsWithKind(waiting, 'canceled');
  runtime.process('box').exit(1);
  assert.equal((await tasks.wait('box', '')).status, 1);
});
