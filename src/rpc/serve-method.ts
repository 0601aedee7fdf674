import type {
  UntypedHandleCall,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { abortable } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { GrpcCall, RunningCall } from './call.js';
import type { Call } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import type { MethodInfo, Schema } from './schema.js';
import { statusOf, type WireStatus } from './status.js';

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

type Readable = ServerReadableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;
type Writable = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Makes of one of our handlers what grpc-js calls. `handler` undefined: the method is not there. */
export function serveMethod(
  schema: Schema,
  method: MethodInfo,
  handler: AnyHandler | undefined,
  life: CallLife,
): UntypedHandleCall {
  const run: AnyHandler = handler ?? notImplemented(method);
  const decode = (bytes: Buffer): object => schema.codec(method.request).decode(bytes);
  const encode = (reply: unknown): Buffer => bounded(schema.codec(method.response).encode(reply ?? {}), method);

  const requestsOf = (grpc: Readable, call: Call): AsyncIterable<object> => decoded(grpc, call, decode);

  /** Runs one call to its end, whatever the shape; `finish` gets the status if there is still somebody to send it to. */
  const settle = async (
    grpc: GrpcCall,
    finish: (status?: WireStatus) => void,
    work: (call: RunningCall) => Promise<void>,
  ): Promise<void> => {
    const call = life.begin(grpc);
    try {
      await work(call);
      life.end(call);
    } catch (error) {
      life.end(call, error);
      if (!grpc.cancelled) finish(statusOf(error));
    }
  };

  /** One reply, or an error, through grpc-js' callback. */
  const replyOnce = (grpc: GrpcCall, callback: sendUnaryData<Buffer>, produce: (call: Call) => unknown): void => {
    void settle(
      grpc,
      (status) => callback(status ?? null),
      async (call) => {
        const reply = encode(await produce(call));
        callback(null, reply);
      },
    );
  };

  /** Replies one after the other, no faster than the client takes them. */
  const replyMany = (grpc: Writable, produce: (call: Call) => unknown): void => {
    void settle(
      grpc,
      (status) => grpc.emit('error', status),
      async (call) => {
        await sendAll(grpc, produce(call) as AsyncIterable<unknown>, encode, call);
        grpc.end();
      },
    );
  };

  if (method.requestStream) {
    if (method.responseStream) {
      return (grpc: ServerDuplexStream<Buffer, Buffer>) => {
        replyMany(grpc, (call) => run(requestsOf(grpc, call), call));
      };
    }
    return (grpc: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      replyOnce(grpc, callback, (call) => run(requestsOf(grpc, call), call));
    };
  }
  if (method.responseStream) {
    return (grpc: ServerWritableStream<Buffer, Buffer>) => {
      replyMany(grpc, (call) => run(decode(grpc.request), call));
    };
  }
  return (grpc: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    replyOnce(grpc, callback, (call) => run(decode(grpc.request), call));
  };
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

/**
 * The messages of the client until it half-closes. A consumer that stops early leaves the stream open, as its reply is still to be
 * sent; a plain `for await` over the stream would destroy it.
 */
async function* decoded(grpc: Readable, call: Call, decode: (bytes: Buffer) => object): AsyncGenerator<object> {
  try {
    for await (const bytes of grpc.iterator({ destroyOnReturn: false })) yield decode(bytes as Buffer);
  } catch (error) {
    // A stream that is cut off reports just that; why is in the signal.
    call.signal.throwIfAborted();
    throw error;
  }
}

async function sendAll(
  grpc: Writable,
  replies: AsyncIterable<unknown>,
  encode: (reply: unknown) => Buffer,
  call: Call,
): Promise<void> {
  const unsent: Promise<void>[] = [];
  for await (const reply of replies) {
    call.signal.throwIfAborted();
    unsent.push(written(grpc, encode(reply)));
    if (unsent.length >= UNSENT_MAX) await abortable(Promise.resolve(unsent.shift()), call.signal);
  }
  await abortable(Promise.all(unsent), call.signal);
}

/** Resolves when the bytes are handed to the socket; when the call ends before, maybe never. */
function written(grpc: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    grpc.write(bytes, () => {
      resolve();
    });
  });
}
