import { onAbort } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import type { CallOptions } from './handlers.js';
import type { MethodInfo, Schema } from './schema.js';
import type { CallStart, ClientCall, Transport } from './transport.js';

/** What the channel lends to the methods of its services. */
export interface Caller {
  readonly transport: Transport;
  readonly schema: Schema;
  /** @throws deadline-exceeded: the time for it is over already. */
  readonly start: (path: string, options: CallOptions) => CallStart;
}

/** Makes the function that clients call, in the shape of the method. */
export function callMethod(caller: Caller, method: MethodInfo): unknown {
  const requests = method.requestStream
    ? (given: object) => given as AsyncIterable<object>
    : onlyRequest(caller, method);
  return method.responseStream
    ? (request: object, options: CallOptions = {}) => replies(caller, method, requests(request), options)
    : (request: object, options: CallOptions = {}) => onlyReply(caller, method, requests(request), options);
}

/** Encoded when the call is made, so that what can't be is an error at once. */
type Encoded = { readonly bytes: Buffer };
type Requests = AsyncIterable<object> | Encoded;

function onlyRequest({ schema }: Caller, method: MethodInfo): (request: object) => Encoded {
  return (request) => ({ bytes: schema.codec(method.request).encode(request) });
}

async function onlyReply(
  caller: Caller,
  method: MethodInfo,
  requests: Requests,
  options: CallOptions,
): Promise<object> {
  let only: object | undefined;
  for await (const reply of replies(caller, method, requests, options)) only ??= reply;
  if (only === undefined) throw new DaemonError('internal', `${method.path}: the call ended well, yet without a reply`);
  return only;
}

async function* replies(
  { transport, schema, start }: Caller,
  method: MethodInfo,
  requests: Requests,
  options: CallOptions,
): AsyncGenerator<object> {
  const { signal } = options;
  signal?.throwIfAborted();
  await transport.connected();
  signal?.throwIfAborted();
  const call = transport.call(start(method.path, options));
  let failure: { readonly error: unknown } | undefined;
  using _cancel = onAbort(signal, () => {
    call.cancel();
  });
  using _pump = send(call, requests, schema.codec(method.request).encode, (error) => {
    failure ??= { error };
    call.cancel();
  });
  try {
    for await (const bytes of call.replies()) yield schema.codec(method.response).decode(bytes);
  } catch (error) {
    // Of a call that was cancelled by its signal, the signal's reason is the error.
    signal?.throwIfAborted();
    throw failure ? failure.error : error;
  } finally {
    call.cancel();
  }
}

/**
 * Sends the requests, each when the one before is handed to the socket, then half-closes. Disposing stops it, and lets an
 * iterable clean up.
 *
 * @param onFailure Called when the iterable itself throws.
 */
function send(
  call: ClientCall,
  requests: Requests,
  encode: (value: object) => Buffer,
  onFailure: (error: unknown) => void,
): Disposable {
  if ('bytes' in requests) {
    void call.send(requests.bytes);
    call.end();
    return { [Symbol.dispose]: () => undefined };
  }
  const iterator = requests[Symbol.asyncIterator]();
  let stopped = false;
  const isStopped = (): boolean => stopped;
  const pump = async (): Promise<void> => {
    for (let next = await iterator.next(); !isStopped(); next = await iterator.next()) {
      if (next.done) {
        call.end();
        return;
      }
      await call.send(encode(next.value));
    }
  };
  pump().catch(onFailure);
  return {
    [Symbol.dispose]() {
      stopped = true;
      iterator.return?.().catch(() => undefined);
    },
  };
}
