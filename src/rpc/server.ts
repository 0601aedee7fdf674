import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { DaemonError, messageOf } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { RunningCall, type CallContext } from './call.js';
import { grpcAddon, type GrpcAnswers } from './grpc-addon.js';
import { GrpcConnection } from './grpc-connection.js';
import type { GrpcCall } from './grpc-call.js';
import type { Peer, ServiceRegistration } from './handlers.js';
import type { MethodInfo, Schema } from './schema.js';
import { descriptorOf } from './session-socket.js';
import { serveMethod, type CallLife } from './serve-method.js';
import { isMeant, statusOf } from './status.js';
import { listenOnSocket, type SocketAddress } from './unix-socket.js';

/** What a server is made of. */
export interface RpcServerOptions {
  readonly schema: Schema;
  /** Services with handlers; every other one of the schema is there too, and answers UNIMPLEMENTED. */
  readonly services: readonly ServiceRegistration[];
  readonly log: Logger;
  /** @throws invalid-argument: the value of the namespace header is no identifier. */
  readonly checkNamespace?: (namespace: string) => void;
  /** Asks the kernel who is behind an accepted socket (SO_PEERCRED). */
  readonly peerOf?: (fd: number) => Peer;
  /** A call begins. */
  readonly onCall?: () => void;
  /**
   * Paths of methods whose only reply may be given again to the same request with the same headers, for some seconds or until `forget` of
   * their topic, without anybody hearing of the call. Up to eight topics.
   */
  readonly repeatable?: Readonly<Record<string, readonly string[]>>;
}

/** Time for handlers to end after they were told that the server closes, in milliseconds. */
const CLOSE_GRACE_MS = 5_000;
/** Time for clients to take the last replies, in milliseconds. */
const FLUSH_GRACE_MS = 1_000;

const UNKNOWN_PEER: Peer = {};

/** The gRPC server of the daemon: calls in, handlers out; errors, namespaces, peers and the call log are dealt with here. */
export class RpcServer implements AsyncDisposable {
  readonly #methods = new Map<string, (call: GrpcCall) => void>();
  readonly #log: Logger;
  readonly #options: RpcServerOptions;
  readonly #listening = new Set<Server>();
  readonly #connections = new Set<GrpcConnection>();
  readonly #calls = new Set<RunningCall>();
  readonly #topics: readonly string[];
  #answers: GrpcAnswers | undefined;
  #idle: (() => void) | undefined;
  #flushed: (() => void) | undefined;

  /** @throws internal: a registration is not of the schema, or is there twice. */
  constructor(options: RpcServerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#topics = Object.keys(options.repeatable ?? {});
    checkRegistrations(options);
    for (const name of options.schema.services()) this.#addService(name);
  }

  /**
   * Takes calls on a unix socket.
   *
   * @throws already-exists: somebody listens there. unavailable: it cannot be made. failed-precondition: what serves calls is not there.
   */
  async listen(address: SocketAddress): Promise<void> {
    const addon = grpcAddon(); // or the first connection would find out
    const { repeatable } = this.#options;
    if (repeatable) this.#answers ??= addon.answers(...Object.values(repeatable));
    const server = await listenOnSocket(address, (socket) => {
      this.#admit(socket);
    });
    this.#listening.add(server);
  }

  /** What the replies of repeatable methods of this topic say may have changed. */
  forget(topic: string): void {
    if (this.#answers) grpcAddon().forget(this.#answers, this.#topics.indexOf(topic));
  }

  /** Stops listening, aborts what runs (`unavailable`), gives it some seconds to end, and drops the connections. */
  async close(): Promise<void> {
    const closing = [...this.#listening].map(async (server) => {
      server.close();
      await once(server, 'close');
    });
    this.#listening.clear();
    for (const call of this.#calls) call.abort(new DaemonError('unavailable', 'wharfd is shutting down'));
    await this.#allIdle();
    await this.#allFlushed();
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #admit(socket: Socket): void {
    try {
      const connection = new GrpcConnection(socket, this.#identify(socket), {
        onCall: (call) => {
          this.#serve(call);
        },
        onClosed: () => {
          this.#connections.delete(connection);
          if (this.#connections.size === 0) this.#flushed?.();
        },
        answers: this.#answers,
      });
      this.#connections.add(connection);
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'a connection cannot be served');
      socket.destroy();
    }
  }

  #serve(call: GrpcCall): void {
    const serve = this.#methods.get(call.path);
    if (serve) serve(call);
    else call.finish(statusOf(new DaemonError('unimplemented', `wharfd has no method ${call.path.slice(0, 256)}`)));
  }

  #identify(socket: Socket): Peer {
    const fd = descriptorOf(socket);
    if (fd === undefined || !this.#options.peerOf) return UNKNOWN_PEER;
    try {
      return this.#options.peerOf(fd);
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'cannot tell who connected');
      return UNKNOWN_PEER;
    }
  }

  #addService(name: string): void {
    const registration = this.#options.services.find((service) => service.name === name);
    const context: CallContext = {
      checkNamespace: this.#options.checkNamespace ?? (() => undefined),
    };
    const life: CallLife = {
      begin: (grpc) => this.#begin(new RunningCall(grpc, context)),
      end: (call, error) => {
        this.#end(call, error);
      },
    };
    for (const method of this.#options.schema.methods(name))
      this.#methods.set(method.path, serveMethod(this.#options.schema, method, handlerOf(registration, method), life));
  }

  #begin(call: RunningCall): RunningCall {
    this.#calls.add(call);
    this.#options.onCall?.();
    return call;
  }

  #end(call: RunningCall, error?: unknown): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#idle?.();
    const fields = {
      method: call.path,
      namespace: call.header('containerd-namespace'),
      uid: call.peer.uid,
      pid: call.peer.pid,
      ms: Math.round(performance.now() - call.startedMs),
    };
    if (error === undefined) this.#log.debug(fields, 'call');
    else if (isMeant(error))
      this.#log.debug({ ...fields, code: statusOf(error).code, error: messageOf(error) }, 'call failed');
    else
      this.#log.error(
        { ...fields, error: error instanceof Error ? error.stack : messageOf(error) },
        'call failed unexpectedly',
      );
  }

  async #allIdle(): Promise<void> {
    if (this.#calls.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.#idle = resolve));
    if (await within(CLOSE_GRACE_MS, idle)) return;
    this.#log.warn({ methods: [...this.#calls].map((call) => call.path) }, 'calls did not end in time');
  }

  /** Waits until the statuses of all calls are written out, and the connections closed. */
  async #allFlushed(): Promise<void> {
    if (this.#connections.size === 0) return;
    const flushed = new Promise<void>((resolve) => (this.#flushed = resolve));
    for (const connection of this.#connections) connection.shutDown();
    await within(FLUSH_GRACE_MS, flushed);
  }
}

/** False when the time is over first. */
async function within(ms: number, event: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, ms, false)));
  const inTime = await Promise.race([event.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function handlerOf(
  registration: ServiceRegistration | undefined,
  method: MethodInfo,
): Parameters<typeof serveMethod>[2] {
  const handler = registration?.handlers[method.property];
  return typeof handler === 'function'
    ? (handler.bind(registration?.handlers) as Parameters<typeof serveMethod>[2])
    : undefined;
}

function checkRegistrations({ schema, services }: RpcServerOptions): void {
  const seen = new Set<string>();
  for (const { name, handlers } of services) {
    if (seen.has(name)) throw new DaemonError('internal', `service ${name} is registered twice`);
    seen.add(name);
    const known = new Set(schema.methods(name).map((method) => method.property));
    const strange = Object.keys(handlers).find((property) => !known.has(property));
    if (strange !== undefined) throw new DaemonError('internal', `service ${name} has no method ${strange}`);
  }
}
