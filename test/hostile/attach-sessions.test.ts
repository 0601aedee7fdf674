import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { attach as attachClient } from '../../src/client/attach.js';
import { execProcess } from '../../src/client/execution.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import type { Incoming, Outgoing } from '../../src/rpc/handlers.js';
import { makeBusyboxImage } from '../support/busybox-image.js';
import { runBuilt } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { assertNoMoreDescriptors, assertNothingLeft, openDescriptors } from '../support/leftovers.js';
import { openRegistry } from '../support/registry.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const SESSIONS = FULL ? 1000 : 100;
const RESIZES = FULL ? 10_000 : 1000;
const EXECS = 100;
const YES_MS = FULL ? 30_000 : 3000;
/** What garbage and buffers of a busy daemon may make of its size. */
const GROWTH_KIB = 40 * 1024;

type Request = Outgoing<'wharfd.services.attach.v1.AttachRequest'>;
type Response = Incoming<'wharfd.services.attach.v1.AttachResponse'>;

test('sessions: output that nobody reads, many resizes and many sessions leave the daemon as it was', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  const pulled = await runBuilt('dist', daemon, ['pull', image]);
  assert.equal(pulled.code, 0, pulled.stderr.toString());
  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  const execution = session.service('wharfd.services.execution.v1.ExecutionService');
  await execution.run({ id: 'box', image, process: { args: ['sleep', '100000'], terminal: true } });
  await attachOnce(session, '');
  const descriptors = await openDescriptors(daemon.pid);

  for (let at = 0; at < SESSIONS; at++) await attachOnce(session, '');
  const tasks = session.service('containerd.services.tasks.v1.Tasks');
  for (let at = 0; at < RESIZES; at++)
    await tasks.resizePty({ container_id: 'box', width: 1 + (at % 500), height: 24 });
  await assertNoMoreDescriptors(daemon.pid, descriptors);

  const before = await residentKib(daemon);
  const { exec_id: execId } = await execution.exec({ id: 'box', process: { args: ['yes'] }, attach: true });
  const gone = new AbortController();
  const stream = attach(session, execId, gone.signal)[Symbol.asyncIterator]();
  assert.ok((await take(stream)).attached);
  await delay(YES_MS);
  const grown = (await residentKib(daemon)) - before;
  assert.ok(grown < GROWTH_KIB, `${grown} KiB more with a client that does not read`);
  for (let at = 0; at < 200; at++) assert.match(String((await take(stream)).output?.data), /^[y\n]+$/);
  gone.abort();
  await assert.rejects(async () => {
    for (;;) await stream.next();
  });
  await delay(YES_MS);
  assert.ok((await residentKib(daemon)) - before < GROWTH_KIB, 'more memory without a client');
  await execution.remove({ id: 'box', force: true });
  await assertNothingLeft(daemon.mine);
});

test('a hundred execs at once: each has its own output and status, and nothing of them stays', async () => {
  await using registry = await openRegistry();
  await using daemon = await openDaemon();
  const image = await registry.push(await makeBusyboxImage(), 'busybox');
  assert.equal((await runBuilt('dist', daemon, ['pull', image])).code, 0);
  using session = openSession({ address: daemon.address, namespace: daemon.namespace });
  const execution = session.service('wharfd.services.execution.v1.ExecutionService');
  await execution.run({ id: 'box', image, process: { args: ['sleep', '100000'] } });
  await execOnce(session, 0);
  const descriptors = await openDescriptors(daemon.pid);
  await Promise.all(Array.from({ length: EXECS }, (_, at) => execOnce(session, at)));
  const { processes } = await session.service('containerd.services.tasks.v1.Tasks').listPids({ container_id: 'box' });
  assert.equal(processes.length, 1);
  await assertNoMoreDescriptors(daemon.pid, descriptors);
  await execution.remove({ id: 'box', force: true });
  await assertNothingLeft(daemon.mine);
});

async function execOnce(session: Session, at: number): Promise<void> {
  const script = `echo out ${at}; echo err ${at} >&2; exit ${at}`;
  const { execId } = await execProcess(session, { id: 'box', process: { args: ['sh', '-c', script] }, attach: true });
  const told = { stdout: '', stderr: '' };
  const { exited } = attachClient(session, {
    ...{ containerId: 'box', execId },
    onOutput: (stream, bytes) => {
      told[stream] += Buffer.from(bytes).toString();
      return Promise.resolve();
    },
  });
  assert.equal(await exited, at);
  assert.deepEqual(told, { stdout: `out ${at}\n`, stderr: `err ${at}\n` });
}

async function attachOnce(session: Session, execId: string): Promise<void> {
  const gone = new AbortController();
  const stream = attach(session, execId, gone.signal)[Symbol.asyncIterator]();
  assert.ok((await take(stream)).attached);
  await stream.return?.();
  gone.abort();
}

async function take(stream: AsyncIterator<Response>): Promise<Response> {
  const next = await stream.next();
  assert.ok(!next.done, 'the stream has ended');
  return next.value;
}

function attach(session: Session, execId: string, signal: AbortSignal): AsyncIterable<Response> {
  const requests = (async function* (): AsyncGenerator<Request> {
    yield { start: { container_id: 'box', exec_id: execId } };
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
  })();
  return session.service('wharfd.services.attach.v1.AttachService').attach(requests, { signal });
}

async function residentKib(daemon: TestDaemon): Promise<number> {
  const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}
