import { DaemonError } from '../base/errors.js';
import type { GrpcCall } from './grpc-call.js';
import type { Call, CallScope } from './handlers.js';

/** What the server knows that a call needs. */
export interface CallContext {
  /** @throws invalid-argument. */
  checkNamespace(namespace: string): void;
}

/** A Call that the server can abort. */
export interface RunningCall extends Call {
  /** Aborts the signal, and whoever waits for a request gets the reason; only the first one counts. */
  abort(reason: DaemonError): void;
}

const NAMESPACE_HEADER = 'containerd-namespace';
const LEASE_HEADER = 'containerd-lease';

/** Follows a call: its cancellation and deadline become the signal's abort. */
export function startCall(grpc: GrpcCall, context: CallContext): RunningCall {
  const lazy = lazySignal();
  grpc.onOver(lazy.abort);
  return {
    path: grpc.path,
    get signal() {
      return lazy.signal;
    },
    get scope() {
      return scopeOf(grpc, context);
    },
    peer: grpc.peer,
    header: (name) => headerOf(grpc, name),
    sendHeaders() {
      grpc.sendHeaders();
    },
    abort(reason) {
      lazy.abort(reason);
      grpc.takeEnd(reason);
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

/** The first of several values, which clients may send apart or joined by commas. */
function headerOf(grpc: GrpcCall, name: string): string | undefined {
  return grpc.header(name)?.split(',', 1)[0]?.trim();
}

function scopeOf(grpc: GrpcCall, context: CallContext): CallScope {
  const namespace = headerOf(grpc, NAMESPACE_HEADER);
  if (!namespace) throw new DaemonError('failed-precondition', 'namespace is required: failed precondition');
  context.checkNamespace(namespace);
  const lease = headerOf(grpc, LEASE_HEADER);
  return lease ? { namespace, lease } : { namespace };
}
