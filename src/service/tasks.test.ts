import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { containerDraft, fakeExecution, fakePorts } from '../../test/support/execution-fakes.js';
import type { Call, Incoming, Outgoing } from '../rpc/handlers.js';
import type { WireAny } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';
import { createTasksService } from './tasks.js';

const CALL: Call = {
  ...{ path: '', signal: new AbortController().signal, scope: { namespace: 'default' }, peer: { uid: 0 } },
  header: () => undefined,
  sendHeaders: () => undefined,
};
/** 0001-01-01, Go's zero time. */
const ZERO = { seconds: '-62135596800', nanos: 0 };
const PROCESS = { container_id: 'box', exec_id: '' };

type Wire = 'containerd.services.tasks.v1.CreateTaskRequest' | 'containerd.services.tasks.v1.ExecProcessRequest';

/** A request as it comes out of the codec, with every field there. */
function received<N extends Wire>(name: N, fields: Outgoing<N>): Incoming<N> {
  return messages.decode(name, messages.encode(name, fields));
}

async function openBox() {
  const ports = fakePorts();
  await ports.boxes.create(containerDraft('box'));
  const service = createTasksService(fakeExecution(ports).tasks) as Required<ReturnType<typeof createTasksService>>;
  const create = (fields: Outgoing<'containerd.services.tasks.v1.CreateTaskRequest'> = {}) =>
    service.create(
      received('containerd.services.tasks.v1.CreateTaskRequest', { container_id: 'box', ...fields }),
      CALL,
    );
  return { ports, service, create };
}

test('a task in the messages of containerd: ids, states, and a zero time while it runs', async () => {
  const { ports, service, create } = await openBox();
  assert.deepEqual(await create({ stdout: '/fifo', terminal: true }), { container_id: 'box', pid: 101 });
  const created = (await service.get(PROCESS, CALL)).process;
  assert.deepEqual(created, {
    ...{ id: 'box', pid: 101, status: 'CREATED', stdin: '', stdout: '/fifo', stderr: '', terminal: true },
    ...{ exit_status: 0, exited_at: ZERO },
  });
  assert.deepEqual(await service.start(PROCESS, CALL), { pid: 101 });
  const [running] = (await service.list({ filter: '' }, CALL)).tasks ?? [];
  assert.equal(running?.status, 'RUNNING');
  ports.runtime.process('box').exit(7);
  const exited = { exit_status: 7, exited_at: { seconds: '1700000000', nanos: 123456789 } };
  assert.deepEqual(await service.wait(PROCESS, CALL), exited);
  assert.deepEqual(await service.delete({ container_id: 'box' }, CALL), { id: '', pid: 101, ...exited });
});

test('execs: named in ListPids, deleted with their id, refused without one', async () => {
  const { ports, service, create } = await openBox();
  await create();
  await service.start(PROCESS, CALL);
  const exec = (id: string) => {
    const spec = { type_url: 'any', value: Buffer.from('{"args":["x"]}') };
    return service.exec(
      received('containerd.services.tasks.v1.ExecProcessRequest', { container_id: 'box', exec_id: id, spec }),
      CALL,
    );
  };
  await assertRejectsWithKind(exec(''), 'invalid-argument', /exec id cannot be empty/);
  await exec('e1');
  await assertRejectsWithKind(exec('e1'), 'already-exists', /id e1/);
  await service.start({ container_id: 'box', exec_id: 'e1' }, CALL);
  const { processes = [] } = await service.listPids({ container_id: 'box' }, CALL);
  const named = processes.map(({ pid, info }) => [pid, info && (info as WireAny).value.toString('latin1')]);
  assert.deepEqual(named, [
    [101, null],
    [102, '\n\x02e1'],
  ]);
  ports.runtime.process('box', 'e1').exit(0);
  await service.wait({ container_id: 'box', exec_id: 'e1' }, CALL);
  assert.equal((await service.deleteProcess({ container_id: 'box', exec_id: 'e1' }, CALL)).id, 'e1');
  await assertRejectsWithKind(service.get({ container_id: 'box', exec_id: 'e1' }, CALL), 'not-found');
});

test('what is not done says so: checkpoints to restore, foreign runtimes', async () => {
  const { create } = await openBox();
  await assertRejectsWithKind(create({ checkpoint: { digest: 'sha256:x' } }), 'unimplemented', /checkpoint/);
  await assertRejectsWithKind(create({ runtime_path: '/opt/shim' }), 'unknown', /\/opt\/shim/);
});
