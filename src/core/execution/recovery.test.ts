import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerDraft, fakePorts } from '../../../test/support/execution-fakes.js';
import { Exits } from './exits.js';
import { recoverTasks } from './recovery.js';
import { ScopedTasks } from './scoped-tasks.js';
import { TaskTable } from './task-table.js';
import type { ProcessRecord } from './task-store.js';

type Ports = ReturnType<typeof fakePorts>;

const STDIO = { stdin: '', stdout: '', stderr: '', terminal: false };
const SCOPE = { namespace: 'default' };

function openTasks(ports: Ports) {
  const exits = new Exits(ports);
  const table = new TaskTable();
  const tasks = new ScopedTasks(SCOPE, ports, table, exits);
  const undone: ProcessRecord[] = [];
  const restart = async () => {
    await recoverTasks({
      ...{ ports, table, exits, index: { namespaces: async () => ['default'] } },
      undo: async (_scope, record) => {
        undone.push(record);
      },
    });
  };
  return { exits, tasks, restart, undone };
}

async function runBox(ports: Ports, tasks: ScopedTasks, id: string): Promise<void> {
  await ports.boxes.create(containerDraft(id));
  await tasks.create(id, { rootfs: [], stdio: STDIO });
  await tasks.start(id, '');
}

async function addExec(tasks: ScopedTasks, id: string, execId: string): Promise<void> {
  await tasks.exec(id, { execId, process: Buffer.from('{"args":["x"]}'), stdio: STDIO });
  await tasks.start(id, execId);
}

test('what ended while the daemon was down is journalled once, execs before their init', async () => {
  const ports = fakePorts();
  const before = openTasks(ports);
  await runBox(ports, before.tasks, 'box');
  await addExec(before.tasks, 'box', 'e1');
  await runBox(ports, before.tasks, 'alive');
  await before.exits.close();
  ports.runtime.process('box').exit(5);
  ports.runtime.process('box', 'e1').exit(6);
  await new Promise((resolve) => setImmediate(resolve));
  ports.store.events.length = 0;

  const after = openTasks(ports);
  await after.restart();
  assert.deepEqual(ports.store.topics, ['exit:e1', 'exit']);
  assert.deepEqual(
    (await after.tasks.list()).map(({ containerId, status }) => `${containerId} ${status}`),
    ['alive running', 'box stopped'],
  );
  assert.equal((await after.tasks.wait('box', '')).status, 5);
  assert.equal((await after.tasks.wait('box', 'e1')).status, 6);
  ports.runtime.process('alive').exit(1);
  assert.equal((await after.tasks.wait('alive', '')).status, 1);
  await after.exits.close();

  ports.store.events.length = 0;
  const again = openTasks(ports);
  await again.restart();
  assert.deepEqual(ports.store.topics, []);
  assert.equal((await again.tasks.delete('box')).status, 5);
});

test('a process of which nothing is left has ended, and nobody claims to know how', async () => {
  const ports = fakePorts();
  const before = openTasks(ports);
  await runBox(ports, before.tasks, 'box');
  await before.exits.close();
  ports.runtime.processes.clear();
  const after = openTasks(ports);
  await after.restart();
  const exit = await after.tasks.wait('box', '');
  assert.deepEqual([exit.status, exit.unknown], [255, true]);
  const last = ports.store.events.at(-1);
  assert.ok(last && 'fields' in last.payload);
  assert.equal(last.payload.fields['unknown'], true);
});

test('tasks of another boot are dropped, their containers stay', async () => {
  const ports = fakePorts();
  const before = openTasks(ports);
  await runBox(ports, before.tasks, 'box');
  await before.exits.close();
  const after = openTasks({ ...ports, bootId: 'boot-2' });
  await after.restart();
  assert.deepEqual(await after.tasks.list(), []);
  assert.equal(ports.store.records.size, 0);
  assert.ok(ports.boxes.containers.has('box'));
  assert.deepEqual(ports.store.topics.slice(-2), ['exit', 'delete']);
});

test('bundles that no record knows are removed, and half-made runs undone', async () => {
  const ports = fakePorts();
  await ports.runtime.create({
    ...{
      namespace: 'default',
      containerId: 'stray',
      execId: '',
      spec: Buffer.from('{}'),
      rootfs: [],
      stdio: STDIO,
      options: {},
    },
  });
  await ports.store.create({ containerId: 'half', execId: '', state: 'creating', pid: 0, ...STDIO, details: {} });
  const after = openTasks(ports);
  await after.restart();
  assert.ok(ports.runtime.calls.includes('delete stray'));
  assert.deepEqual(
    after.undone.map(({ containerId }) => containerId),
    ['half'],
  );
  assert.deepEqual(await after.tasks.list(), []);
});

test('an exec that was added and not started yet can still be started', async () => {
  const ports = fakePorts();
  const before = openTasks(ports);
  await runBox(ports, before.tasks, 'box');
  await before.tasks.exec('box', { execId: 'e1', process: Buffer.from('{"args":["x"]}'), stdio: STDIO });
  await before.exits.close();
  const after = openTasks(ports);
  await after.restart();
  assert.equal((await after.tasks.get('box', 'e1')).status, 'created');
  assert.equal((await after.tasks.start('box', 'e1')).status, 'running');
});
