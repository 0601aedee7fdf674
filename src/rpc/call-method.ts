import type {
  CallOptions as GrpcCallOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  ClientWritableStream,
  Metadata,
  ServiceError,
} from '@grpc/grpc-js';
import { deferred, onAbort } from '../base/abort.js';
import { errorOfCall, type Peer } from './connection-error.js';
import type { CallOptions } from './handlers.js';
import type { MethodInfo, Schema } from './schema.js';

/** What the channel lends to the methods of its services. */
export interface GrpcCaller extends Peer {
  readonly client: Client;
  readonly schema: Schema;
  /** Resolves when there is a connection or none is to be had. @throws unavailable: nobody answers. */
  connected(): Promise<void>;
  metadata(options: CallOptions): Metadata;
  grpcOptions(options: CallOptions): GrpcCallOptions;
}

type Cancellable = { cancel(): void };
type Readable = ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>;
type Writable = ClientWritableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>;

const same = (bytes: Buffer): Buffer => bytes;

/** Makes the function that clients call, in the shape of the method. */
export function callMethod(caller: GrpcCaller, method: MethodInfo): unknown {
  if (method.requestStream) return method.responseStream ? bidi(caller, method) : clientStream(caller, method);
  return method.responseStream ? serverStream(caller, method) : unary(caller, method);
}

function unary({ client, ...caller }: GrpcCaller, method: MethodInfo) {
  return async (request: object, options: CallOptions = {}): Promise<object> => {
    const bytes = caller.schema.codec(method.request).encode(request);
    await ready(caller, options);
    const reply = deferred<Buffer>();
    const call = client.makeUnaryRequest(
      method.path,
      same,
      same,
      bytes,
      caller.metadata(options),
      caller.grpcOptions(options),
      settle(caller, reply),
    );
    using _ = cancelOnAbort(call, options);
    return caller.schema.codec(method.response).decode(await reply.promise.catch(preferReason(options)));
  };
}

function clientStream({ client, ...caller }: GrpcCaller, method: MethodInfo) {
  return async (requests: AsyncIterable<object>, options: CallOptions = {}): Promise<object> => {
    await ready(caller, options);
    const reply = deferred<Buffer>();
    const call = client.makeClientStreamRequest(
      method.path,
      same,
      same,
      caller.metadata(options),
      caller.grpcOptions(options),
      settle(caller, reply),
    );
    using _ = cancelOnAbort(call, options);
    using _pump = sendAll(call, requests, caller.schema.codec(method.request).encode, reply.reject);
    return caller.schema.codec(method.response).decode(await reply.promise.catch(preferReason(options)));
  };
}

function serverStream({ client, ...caller }: GrpcCaller, method: MethodInfo) {
  return async function* (request: object, options: CallOptions = {}): AsyncGenerator<object> {
    const bytes = caller.schema.codec(method.request).encode(request);
    await ready(caller, options);
    const call = client.makeServerStreamRequest(
      method.path,
      same,
      same,
      bytes,
      caller.metadata(options),
      caller.grpcOptions(options),
    );
    yield* replies(call, caller, method, options);
  };
}

function bidi({ client, ...caller }: GrpcCaller, method: MethodInfo) {
  return async function* (requests: AsyncIterable<object>, options: CallOptions = {}): AsyncGenerator<object> {
    await ready(caller, options);
    const call = client.makeBidiStreamRequest(
      method.path,
      same,
      same,
      caller.metadata(options),
      caller.grpcOptions(options),
    );
    let failure: { error: unknown } | undefined;
    using _pump = sendAll(call, requests, caller.schema.codec(method.request).encode, (error) => {
      failure = { error };
      call.cancel();
    });
    try {
      yield* replies(call, caller, method, options);
    } catch (error) {
      throw failure ? failure.error : error;
    }
  };
}

type Caller = Omit<GrpcCaller, 'client'>;

async function ready(caller: Caller, { signal }: CallOptions): Promise<void> {
  signal?.throwIfAborted();
  await caller.connected();
  signal?.throwIfAborted();
}

function settle(peer: Peer, reply: { resolve(value: Buffer): void; reject(error: unknown): void }) {
  return (error: ServiceError | null, value?: Buffer): void => {
    if (error) reply.reject(errorOfCall(peer, error));
    else reply.resolve(value ?? Buffer.alloc(0));
  };
}

function cancelOnAbort(call: Cancellable, { signal }: CallOptions): Disposable {
  return onAbort(signal, () => {
    call.cancel();
  });
}

/** Of a call that was cancelled by its signal, the signal's reason is the error. */
function preferReason({ signal }: CallOptions) {
  return (error: unknown): never => {
    signal?.throwIfAborted();
    throw error;
  };
}

async function* replies(
  call: Readable,
  caller: Caller,
  method: MethodInfo,
  options: CallOptions,
): AsyncGenerator<object> {
  const codec = caller.schema.codec(method.response);
  call.on('error', () => undefined); // the loop sees it; one that comes after the loop was left is of no interest
  using _ = cancelOnAbort(call, options);
  try {
    for await (const bytes of call) yield codec.decode(bytes as Buffer);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isServiceError(error) ? errorOfCall(caller, error) : error;
  } finally {
    call.cancel();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/**
 * Sends the requests, each when the one before is handed to the socket, then half-closes. Disposing stops it, and lets the
 * iterable clean up.
 *
 * @param onFailure Called when the iterable itself throws.
 */
function sendAll(
  call: Writable,
  requests: AsyncIterable<object>,
  encode: (value: object) => Buffer,
  onFailure: (error: unknown) => void,
): Disposable {
  const iterator = requests[Symbol.asyncIterator]();
  let stopped = false;
  let release = (): void => undefined;
  const write = (request: object): Promise<void> =>
    new Promise((resolve) => {
      release = resolve;
      call.write(encode(request), () => {
        resolve();
      });
    });
  const pump = async (): Promise<void> => {
    for (let next = await iterator.next(); !isStopped(); next = await iterator.next()) {
      if (next.done) {
        call.end();
        return;
      }
      await write(next.value);
    }
  };
  const isStopped = (): boolean => stopped;
  pump().catch((error: unknown) => {
    onFailure(error);
    call.cancel();
  });
  return {
    [Symbol.dispose]() {
      stopped = true;
      release(); // grpc-js forgets the callback of a write that it cannot do any more
      iterator.return?.().catch(() => undefined);
    },
  };
}
