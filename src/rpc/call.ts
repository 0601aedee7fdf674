import type {
  Deadline,
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import type { EventEmitter } from 'node:events';
import { DaemonError } from '../base/errors.js';
import type { Call, CallScope, Peer } from './handlers.js';

/** Any of the four shapes of a call, with bytes for messages: the codec is ours. */
export type GrpcCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

/** What the server knows that a call needs. */
export interface CallContext {
  /** Who is behind what grpc-js calls the peer. */
  peerOf(name: string): Peer;
  /** @throws invalid-argument. */
  checkNamespace(namespace: string): void;
}

/** A Call, with its end in the hands of the server. */
export interface RunningCall extends Call {
  /** Aborts the signal; only the first reason counts. */
  abort(reason: DaemonError): void;
  /** Its handler has ended: grpc-js also calls a call cancelled that is over, and that is of no interest any more. */
  end(): void;
}

const NAMESPACE_HEADER = 'containerd-namespace';
const LEASE_HEADER = 'containerd-lease';

/** Follows a grpc-js call: its cancellation and deadline become the signal's abort. */
export function startCall(grpc: GrpcCall, context: CallContext): RunningCall {
  const path = grpc.getPath();
  const lazy = lazySignal();
  let headersSent = false;
  let ended = false;
  (grpc as EventEmitter).once('cancelled', () => {
    if (!ended) lazy.abort(endedEarly(path, grpc.getDeadline()));
  });
  return {
    path,
    get signal() {
      return lazy.signal;
    },
    get scope() {
      return scopeOf(grpc.metadata, context);
    },
    peer: context.peerOf(grpc.getPeer()),
    header: (name) => headerOf(grpc.metadata, name),
    sendHeaders() {
      if (!headersSent && !grpc.cancelled) grpc.sendMetadata(new GrpcMetadata());
      headersSent = true;
    },
    abort: lazy.abort,
    end() {
      ended = true;
    },
  };
}

/** Most calls are over before anybody could ask for their signal, and making one takes as long as a small call does. */
function lazySignal(): { readonly signal: AbortSignal; readonly abort: (reason: DaemonError) => void } {
  let controller: AbortController | undefined;
  let aborted: DaemonError | undefined;
  return {
    get signal() {
      if (!controller) {
        controller = new AbortController();
        if (aborted) controller.abort(aborted);
      }
      return controller.signal;
    },
    abort(reason) {
      aborted ??= reason;
      controller?.abort(aborted);
    },
  };
}

function endedEarly(path: string, deadline: Deadline): DaemonError {
  const late = deadline !== Infinity && Date.now() >= Number(deadline);
  return late
    ? new DaemonError('deadline-exceeded', `${path}: the deadline has passed`)
    : new DaemonError('canceled', `${path}: canceled by the client`);
}

/** The first of several values; grpc-js may hand them apart or joined by commas. */
function headerOf(metadata: Metadata, name: string): string | undefined {
  const [first] = metadata.get(name);
  return first?.toString().split(',', 1)[0]?.trim();
}

function scopeOf(metadata: Metadata, context: CallContext): CallScope {
  const namespace = headerOf(metadata, NAMESPACE_HEADER);
  if (!namespace) throw new DaemonError('failed-precondition', 'namespace is required: failed precondition');
  context.checkNamespace(namespace);
  const lease = headerOf(metadata, LEASE_HEADER);
  return lease ? { namespace, lease } : { namespace };
}
