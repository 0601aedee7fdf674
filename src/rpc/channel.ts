import { Client, connectivityState, credentials, Metadata, type CallOptions as GrpcCallOptions } from '@grpc/grpc-js';
import { DaemonError } from '../base/errors.js';
import { callMethod, type GrpcCaller } from './call-method.js';
import { connectionError } from './connection-error.js';
import type { CallOptions, ServiceClient, ServiceName } from './handlers.js';
import { dropLateWrites } from './late-writes.js';
import { createMessages, type Messages } from './messages.js';
import type { Schema } from './schema.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { checkSocketPath } from './socket-path.js';

/** How to reach a daemon, and in whose name. */
export interface ChannelOptions {
  /** Path of the socket; `unix:///path` and `unix:path` are the same. */
  readonly address: string;
  /** What is behind it, where that is not our daemon; for messages. */
  readonly peer?: string;
  readonly schema: Schema;
  /** Sent with every call that names no other; none when missing. */
  readonly namespace?: string;
  /** Deadline of every call that has no other, in milliseconds; none when missing or 0. */
  readonly timeoutMs?: number;
  /** How long to wait for a daemon that is there but does not answer, in milliseconds; 10 s when missing. */
  readonly connectTimeoutMs?: number;
  /** A lost connection is tried again after so many milliseconds at most. */
  readonly reconnectMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

dropLateWrites();

/** A connection to a daemon, made at the first call. Whoever opens it closes it. */
export class Channel implements Disposable {
  /** Path of the socket. */
  readonly address: string;
  readonly namespace: string | undefined;
  /** Messages outside of calls: payloads of Any. */
  readonly messages: Messages;
  readonly #schema: Schema;
  readonly #options: ChannelOptions;
  readonly #client: Client;
  readonly #services = new Map<string, object>();

  /** @throws invalid-argument: the address is no path of a socket. */
  constructor(options: ChannelOptions) {
    this.address = options.address.replace(/^unix:(\/\/)?/, '');
    checkSocketPath(this.address);
    this.namespace = options.namespace;
    this.messages = createMessages(options.schema);
    this.#schema = options.schema;
    this.#options = options;
    this.#client = new Client(`unix:${this.address}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.enable_channelz': 0,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      ...(options.reconnectMs !== undefined && {
        'grpc.initial_reconnect_backoff_ms': Math.min(100, options.reconnectMs),
        'grpc.max_reconnect_backoff_ms': options.reconnectMs,
      }),
    });
  }

  /** The methods of a service. What they throw is a DaemonError. @throws unimplemented: the schema has no such service. */
  service<S extends ServiceName>(name: S): ServiceClient<S> {
    const known = this.#services.get(name);
    if (known) return known as ServiceClient<S>;
    const caller: GrpcCaller = {
      client: this.#client,
      address: this.address,
      peer: this.#options.peer,
      schema: this.#schema,
      connected: () => this.#connected(),
      metadata: (options) => this.#metadata(options),
      grpcOptions: (options) => this.#grpcOptions(options),
    };
    const methods = this.#schema.methods(name).map((method) => [method.property, callMethod(caller, method)]);
    const service = Object.fromEntries(methods) as ServiceClient<S>;
    this.#services.set(name, service);
    return service;
  }

  /** Drops the connection; calls that run fail with `canceled`. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits until there is a connection, or none to be had: then the call itself says why. */
  async #connected(): Promise<void> {
    const channel = this.#client.getChannel();
    const deadline = Date.now() + (this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    for (let state = channel.getConnectivityState(true); isPending(state); state = channel.getConnectivityState(true)) {
      const late = await new Promise<Error | undefined>((resolve) => {
        channel.watchConnectivityState(state, deadline, resolve);
      });
      if (late) throw connectionError({ address: this.address, peer: this.#options.peer }, 'timeout', late);
    }
  }

  #metadata({ namespace = this.namespace, lease, headers = {} }: CallOptions): Metadata {
    const metadata = new Metadata();
    if (namespace) metadata.set('containerd-namespace', namespace);
    if (lease) metadata.set('containerd-lease', lease);
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return metadata;
  }

  #grpcOptions({ timeoutMs = this.#options.timeoutMs ?? 0 }: CallOptions): GrpcCallOptions {
    if (timeoutMs < 0) throw new DaemonError('deadline-exceeded', 'the time for this command is over');
    return timeoutMs === 0 ? {} : { deadline: Date.now() + timeoutMs };
  }
}

function isPending(state: connectivityState): boolean {
  return state === connectivityState.IDLE || state === connectivityState.CONNECTING;
}
