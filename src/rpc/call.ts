import { DaemonError } from '../base/errors.js';
import type { GrpcCall } from './grpc-call.js';
import type { Call, CallScope, Peer } from './handlers.js';

/** What the server knows that a call needs. */
export interface CallContext {
  /** @throws invalid-argument. */
  checkNamespace(namespace: string): void;
}

const NAMESPACE_HEADER = 'containerd-namespace';
const LEASE_HEADER = 'containerd-lease';

/** A call that runs, and that the server can abort: its cancellation and deadline become the signal's abort. */
export class RunningCall implements Call {
  readonly path: string;
  readonly peer: Peer;
  /** By performance.now(), in milliseconds. */
  readonly startedMs = performance.now();
  readonly #grpc: GrpcCall;
  readonly #context: CallContext;
  #controller: AbortController | undefined;
  #aborted: DaemonError | undefined;

  constructor(grpc: GrpcCall, context: CallContext) {
    this.path = grpc.path;
    this.peer = grpc.peer;
    this.#grpc = grpc;
    this.#context = context;
    grpc.onOver((reason) => {
      this.#abortSignal(reason);
    });
  }

  /** Most calls are over before anybody could ask for it, and making one takes as long as a small call does. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  get scope(): CallScope {
    return scopeOf(this.#grpc, this.#context);
  }

  header(name: string): string | undefined {
    return headerOf(this.#grpc, name);
  }

  sendHeaders(): void {
    this.#grpc.sendHeaders();
  }

  /** Aborts the signal, and whoever waits for a request gets the reason; only the first one counts. */
  abort(reason: DaemonError): void {
    this.#abortSignal(reason);
    this.#grpc.takeEnd(reason);
  }

  #abortSignal(reason: DaemonError): void {
    this.#aborted ??= reason;
    this.#controller?.abort(this.#aborted);
  }
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
