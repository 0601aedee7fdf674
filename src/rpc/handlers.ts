import type { MessageTable, ServiceTable } from '../gen/tables.js';

/** Full name of a protobuf message, such as `containerd.types.Mount`. */
export type MessageName = keyof MessageTable;
/** What may be sent: fields may be missing. */
export type Outgoing<N extends MessageName> = MessageTable[N]['input'];
/** What was received: scalar fields are always there, int64 as decimal strings, bytes as Buffer, enums by name. */
export type Incoming<N extends MessageName> = MessageTable[N]['output'];

/** Full name of a gRPC service, such as `containerd.services.content.v1.Content`. */
export type ServiceName = keyof ServiceTable;

/** The process at the other end of the socket, as the kernel knows it; empty when it was not asked. */
export interface Peer {
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
}

/** Namespace and, where the client named one, lease of a call; the Scope of src/core/namespaces has the same shape. */
export interface CallScope {
  readonly namespace: string;
  readonly lease?: string;
}

/** What a handler gets besides the request. */
export interface Call {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Aborts with a DaemonError (`canceled`, `deadline-exceeded`) when the client goes away, cancels, or its deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Namespace and lease of the call.
   *
   * @throws failed-precondition: there is no namespace header. invalid-argument: it is no identifier.
   */
  readonly scope: CallScope;
  readonly peer: Peer;
  /** The first value of a request header. */
  header(name: string): string | undefined;
  /** Sends the response headers now, not with the first message: "what happens from here on reaches you". */
  sendHeaders(): void;
}

type MethodShape = { kind: string; request: MessageName; response: MessageName };
/** A handler with an empty reply need not make one. */
type Reply<N extends MessageName> = Promise<Outgoing<N>> | (N extends 'google.protobuf.Empty' ? Promise<void> : never);

type Handler<M> = M extends MethodShape
  ? {
      unary: (request: Incoming<M['request']>, call: Call) => Reply<M['response']>;
      'server-stream': (request: Incoming<M['request']>, call: Call) => AsyncIterable<Outgoing<M['response']>>;
      'client-stream': (requests: AsyncIterable<Incoming<M['request']>>, call: Call) => Reply<M['response']>;
      bidi: (requests: AsyncIterable<Incoming<M['request']>>, call: Call) => AsyncIterable<Outgoing<M['response']>>;
    }[M['kind'] & ('unary' | 'server-stream' | 'client-stream' | 'bidi')]
  : never;

/**
 * Handlers of one service by method name (`listStatuses`, `closeIO`). They convert and delegate: what they throw is mapped to a
 * status in one place, and a method that is missing answers UNIMPLEMENTED and names itself. Breaking off a reply stream runs the
 * generator's `finally`; a client that reads slowly slows the generator down.
 */
export type ServiceImplementation<S extends ServiceName> = {
  readonly [M in keyof ServiceTable[S]]?: Handler<ServiceTable[S][M]>;
};

/** A service with its handlers, ready to be served. Made by `implement`. */
export interface ServiceRegistration {
  readonly name: ServiceName;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** Ties handlers to the name of their service. */
export function implement<S extends ServiceName>(name: S, handlers: ServiceImplementation<S>): ServiceRegistration {
  return { name, handlers };
}

/** How a single call of a client differs from the defaults of its session. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds; 0 is no deadline. */
  readonly timeoutMs?: number;
  readonly namespace?: string;
  readonly lease?: string;
  /** Further request headers; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

type ClientMethod<M> = M extends MethodShape
  ? {
      unary: (request: Outgoing<M['request']>, options?: CallOptions) => Promise<Incoming<M['response']>>;
      'server-stream': (
        request: Outgoing<M['request']>,
        options?: CallOptions,
      ) => AsyncIterable<Incoming<M['response']>>;
      'client-stream': (
        requests: AsyncIterable<Outgoing<M['request']>>,
        options?: CallOptions,
      ) => Promise<Incoming<M['response']>>;
      bidi: (
        requests: AsyncIterable<Outgoing<M['request']>>,
        options?: CallOptions,
      ) => AsyncIterable<Incoming<M['response']>>;
    }[M['kind'] & ('unary' | 'server-stream' | 'client-stream' | 'bidi')]
  : never;

/** The methods of one service as a client calls them; what goes wrong is a DaemonError. Leaving a stream early cancels its call. */
export type ServiceClient<S extends ServiceName> = {
  readonly [M in keyof ServiceTable[S]]: ClientMethod<ServiceTable[S][M]>;
};
