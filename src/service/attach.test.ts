import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../test/support/assert-kind.js';
import { containerDraft, fakeExecution, fakePorts } from '../../test/support/execution-fakes.js';
import { deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { Call, Incoming, Outgoing } from '../rpc/handlers.js';
import { createAttachService } from './attach.js';

type Request = Incoming<'wharfd.services.attach.v1.AttachRequest'>;
type Response = Outgoing<'wharfd.services.attach.v1.AttachResponse'>;

const START = { container_id: 'box', exec_id: '', stdin: true, size: null, no_replay: false, may_be_cut: false };

async function openBox(terminal = false) {
  const ports = fakePorts();
  const execution = fakeExecution(ports);
  const tasks = execution.tasks({ namespace: 'default' });
  await ports.boxes.create(containerDraft('box'));
  const stdio = { stdin: '', stdout: '', stderr: '', terminal };
  await tasks.create('box', { rootfs: [], stdio, socketStdio: true, startOnAttach: true });
  const { attach } = createAttachService(execution);
  assert.ok(attach);
  return { process: ports.runtime.process('box'), attach };
}

function callOf(signal: AbortSignal = new AbortController().signal): Call {
  return {
    ...{ path: '', signal, scope: { namespace: 'default' }, peer: {} },
    header: () => undefined,
    sendHeaders: () => undefined,
  };
}

async function collect(responses: AsyncIterable<Response>): Promise<Response[]> {
  const all: Response[] = [];
  for await (const response of responses) all.push(response);
  return all;
}

async function* sent(...requests: readonly Partial<Request>[]): AsyncGenerator<Request> {
  for (const request of requests) yield request;
}

test('stdin, resizes and the end of stdin reach the process; output and exit the client', async () => {
  const { process, attach } = await openBox();
  const closing = process.closeStdin.bind(process);
  process.closeStdin = async () => {
    await closing();
    process.exit(3);
  };
  const requests = sent(
    { start: START },
    { stdin: Buffer.from('a') },
    { resize: { width: 80, height: 24 } },
    { stdin: Buffer.from('b') },
    { stdin_close: {} },
  );
  const responses = await collect(attach(requests, callOf()));
  assert.deepEqual(
    responses.map((response) => Object.keys(response)[0]),
    ['attached', 'output', 'exit'],
  );
  assert.equal(responses.at(-1)?.exit?.exit_status, 3);
  assert.deepEqual(process.calls, ['attach', 'resize 80x24', 'closeStdin']);
  assert.equal(Buffer.concat(process.input).toString(), 'ab');
});

test('a call that breaks the protocol is refused', async () => {
  const refused = async (...requests: readonly Partial<Request>[]) => {
    const { attach } = await openBox();
    await assertRejectsWithKind(collect(attach(sent(...requests), callOf())), 'invalid-argument');
  };
  await refused();
  await refused({ stdin: Buffer.from('x') });
  await refused({ start: START }, { start: START });
  await refused({ start: { ...START, stdin: false } }, { stdin: Buffer.from('x') });
  await refused({ start: START }, { resize: { width: 70_000, height: 1 } });
});

test('a client that goes away ends its call, not the process, and leaves stdin open for the next', async () => {
  const { process, attach } = await openBox();
  const gone = new AbortController();
  const never = deferred<Request>();
  const requests = (async function* () {
    yield { start: START };
    yield await never.promise;
  })();
  const responses = attach(requests, callOf(gone.signal))[Symbol.asyncIterator]();
  await responses.next();
  await responses.next();
  const waiting = responses.next();
  gone.abort(new DaemonError('canceled', 'gone'));
  await assertRejectsWithKind(waiting, 'canceled');
  assert.equal(process.ended, false);
  assert.deepEqual(process.calls, ['attach']);
});

test('a terminal gets the size before it starts, and no half-close', async () => {
  const { process, attach } = await openBox(true);
  const responses = attach(sent({ start: { ...START, size: { width: 100, height: 30 } } }), callOf())[
    Symbol.asyncIterator
  ]();
  assert.deepEqual((await responses.next()).value, { attached: { terminal: true } });
  await responses.next();
  process.exit(0);
  const exit = await responses.next();
  assert.equal((exit.value as Response).exit?.exit_status, 0);
  assert.deepEqual(process.calls, ['resize 100x30', 'attach']);
});
