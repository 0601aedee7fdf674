import { abortable } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { RunningCall } from './call.js';
import type { GrpcCall } from './grpc-call.js';
import type { Call } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import type { MethodInfo, Schema } from './schema.js';
import { statusOf } from './status.js';

/** Replies of one stream that may wait for the client at a time. */
const UNSENT_MAX = 4;

/** A handler of any shape, as the adapters see it. */
type AnyHandler = (input: unknown, call: Call) => unknown;

/** Starts a call, and hears how it ended; the adapters stand between. */
export interface CallLife {
  begin(grpc: GrpcCall): RunningCall;
  /** @param error What the handler threw; undefined when it went well. */
  end(call: RunningCall, error?: unknown): void;
}

/** Makes of one of our handlers what serves its calls to their end. `handler` undefined: the method is not there. */
export function serveMethod(
  schema: Schema,
  method: MethodInfo,
  handler: AnyHandler | undefined,
  life: CallLife,
): (grpc: GrpcCall) => void {
  const run: AnyHandler = handler ?? notImplemented(method);
  const decode = (bytes: Buffer): object => schema.codec(method.request).decode(bytes);
  const encode = (reply: unknown): Buffer => bounded(schema.codec(method.response).encode(reply ?? {}), method);

  const inputOf = async (grpc: GrpcCall): Promise<unknown> =>
    method.requestStream ? decoded(grpc, decode) : decode(await grpc.request());

  /** Replies once, or one after the other and no faster than the client takes them. */
  const answer = async (grpc: GrpcCall, call: Call): Promise<void> => {
    const output = run(await inputOf(grpc), call);
    if (!method.responseStream) {
      grpc.answer(encode(await output));
      return;
    }
    const unsent = await sendAll(grpc, output as AsyncIterable<unknown>, encode, call);
    grpc.finish(); // goes with the last of them
    await abortable(Promise.all(unsent), call.signal);
  };

  const serve = async (grpc: GrpcCall): Promise<void> => {
    const call = life.begin(grpc);
    try {
      await answer(grpc, call);
      life.end(call);
    } catch (error) {
      life.end(call, error);
      grpc.finish(statusOf(error));
    }
  };
  return (grpc) => void serve(grpc);
}

function notImplemented(method: MethodInfo): AnyHandler {
  return () => {
    throw new DaemonError('unimplemented', `${method.path} is not implemented by wharfd`);
  };
}

function bounded(reply: Buffer, method: MethodInfo): Buffer {
  if (reply.length <= MESSAGE_BYTES_MAX) return reply;
  throw new DaemonError(
    'resource-exhausted',
    `${method.path}: a reply of ${reply.length} bytes is over the limit of ${MESSAGE_BYTES_MAX}: narrow the request`,
  );
}

/** The messages of the client until it half-closes. A consumer may stop early: its reply is still to be sent. */
async function* decoded(grpc: GrpcCall, decode: (bytes: Buffer) => object): AsyncGenerator<object> {
  for await (const bytes of grpc.requests()) yield decode(bytes);
}

/** Sends replies no faster than the client takes them. Returns those that are still to go. */
async function sendAll(
  grpc: GrpcCall,
  replies: AsyncIterable<unknown>,
  encode: (reply: unknown) => Buffer,
  call: Call,
): Promise<readonly Promise<void>[]> {
  const unsent: Promise<void>[] = [];
  for await (const reply of replies) {
    call.signal.throwIfAborted();
    unsent.push(grpc.reply(encode(reply)));
    if (unsent.length >= UNSENT_MAX) await abortable(Promise.resolve(unsent.shift()), call.signal);
  }
  return unsent;
}
