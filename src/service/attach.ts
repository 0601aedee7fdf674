import { abortable, deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { Execution } from '../core/execution/execution.js';
import type { AttachedProcess, ProcessExit, WindowSize } from '../core/execution/tasks.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { timestampOfNs } from '../rpc/time.js';

/** Bytes of one output message. */
const OUTPUT_BYTES_MAX = 32 * 1024;

type Request = Incoming<'wharfd.services.attach.v1.AttachRequest'>;
type Response = Outgoing<'wharfd.services.attach.v1.AttachResponse'>;

/**
 * wharfd.services.attach.v1.AttachService: stdio over the socket. A client that reads slowly slows the process's output down, a
 * process that reads slowly the client's messages; nothing is collected in between.
 */
export function createAttachService(
  execution: Execution,
): ServiceImplementation<'wharfd.services.attach.v1.AttachService'> {
  return {
    async *attach(requests, { scope, signal }) {
      const messages = requests[Symbol.asyncIterator]();
      const start = await firstMessage(messages);
      await using process = await execution.attach(scope, start.container_id, start.exec_id, {
        ...(start.size && { size: windowSize(start.size) }),
        ...{ noReplay: start.no_replay, mayBeCut: start.may_be_cut },
        signal,
      });
      yield { attached: { terminal: process.terminal } } satisfies Response;
      const input = new AbortController();
      const refused = deferred<never>();
      const feeding = feed(messages, process, start.stdin, AbortSignal.any([signal, input.signal])).catch(
        refused.reject,
      );
      try {
        yield* outputOf(process, refused.promise, signal);
        yield { exit: toWireExit(await process.finish(signal)) } satisfies Response;
      } finally {
        input.abort();
        await feeding;
      }
    },
  };
}

async function firstMessage(messages: AsyncIterator<Request>): Promise<NonNullable<Request['start']>> {
  const first = await messages.next();
  if (!first.done && first.value.start) return first.value.start;
  throw new DaemonError('invalid-argument', 'the first message of an attach must be its start');
}

async function* outputOf(
  process: AttachedProcess,
  refused: Promise<never>,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const output = process.output[Symbol.asyncIterator]();
  for (;;) {
    const next = await abortable(Promise.race([output.next(), refused]), signal);
    if (next.done) return;
    const { stream, bytes } = next.value;
    const name = stream === 'stdout' ? 'OUTPUT_STREAM_STDOUT' : 'OUTPUT_STREAM_STDERR';
    for (let at = 0; at < bytes.length; at += OUTPUT_BYTES_MAX) {
      yield { output: { stream: name, data: bytes.subarray(at, at + OUTPUT_BYTES_MAX) } };
    }
  }
}

/**
 * Passes on what the client sends until it half-closes or `until` aborts. That does not close stdin, for a client that vanishes looks just
 * the same: another one may attach and go on.
 *
 * @throws invalid-argument: stdin that was not asked for, a second start.
 */
async function feed(
  messages: AsyncIterator<Request>,
  process: AttachedProcess,
  stdin: boolean,
  until: AbortSignal,
): Promise<void> {
  for (;;) {
    const next = await abortable(messages.next(), until).catch(nothingIfAborted(until));
    if (!next) return;
    if (next.done) return;
    checkMessage(next.value, stdin);
    if (!(await pass(next.value, process, until))) return;
  }
}

/** @returns False when the process takes nothing any more. */
async function pass(message: Request, process: AttachedProcess, until: AbortSignal): Promise<boolean> {
  if (message.resize) await process.resize(windowSize(message.resize));
  else if (message.stdin_close) await process.closeStdin();
  else if (message.stdin) {
    return await abortable(process.write(message.stdin), until).then(
      () => true,
      () => false,
    );
  }
  return true;
}

function checkMessage(message: Request, stdin: boolean): void {
  if (message.start) throw new DaemonError('invalid-argument', 'an attach starts once');
  if (message.stdin && !stdin) throw new DaemonError('invalid-argument', 'this attach was started without stdin');
}

function nothingIfAborted(until: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (!until.aborted) throw error;
  };
}

function windowSize({ width, height }: { width: number; height: number }): WindowSize {
  const most = 65_535;
  if (width > most || height > most)
    throw new DaemonError('invalid-argument', `a terminal of ${width} × ${height} characters`);
  return { columns: width, rows: height };
}

function toWireExit(exit: ProcessExit): Outgoing<'wharfd.services.attach.v1.Exit'> {
  const { status, pid, exitedAtNs } = exit;
  return { exit_status: status, pid, exited_at: exitedAtNs === undefined ? null : timestampOfNs(exitedAtNs) };
}
