import { DaemonError } from '../base/errors.js';
import { callMethod, type Caller } from './call-method.js';
import type { CallOptions, ServiceClient, ServiceName } from './handlers.js';
import { createMessages, type Messages } from './messages.js';
import type { Schema } from './schema.js';
import { checkSocketPath } from './socket-path.js';
import type { CallStart, OpenTransport, Transport } from './transport.js';

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

/** A connection to a daemon by a transport of one's choice, made at the first call. Whoever opens it closes it. */
export class BareChannel implements Disposable {
  /** Path of the socket. */
  readonly address: string;
  readonly namespace: string | undefined;
  /** Messages outside of calls: payloads of Any. */
  readonly messages: Messages;
  readonly #schema: Schema;
  readonly #options: ChannelOptions;
  readonly #transport: Transport;
  readonly #services = new Map<string, object>();

  /** @throws invalid-argument: the address is no path of a socket. */
  constructor(options: ChannelOptions, open: OpenTransport) {
    this.address = options.address.replace(/^unix:(\/\/)?/, '');
    checkSocketPath(this.address);
    this.namespace = options.namespace;
    this.messages = createMessages(options.schema);
    this.#schema = options.schema;
    this.#options = options;
    this.#transport = open({
      address: this.address,
      peer: options.peer,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      reconnectMs: options.reconnectMs,
    });
  }

  /** The methods of a service. What they throw is a DaemonError. @throws unimplemented: the schema has no such service. */
  service<S extends ServiceName>(name: S): ServiceClient<S> {
    const known = this.#services.get(name);
    if (known) return known as ServiceClient<S>;
    const caller: Caller = {
      transport: this.#transport,
      schema: this.#schema,
      start: (path, options) => this.#start(path, options),
    };
    const methods = this.#schema.methods(name).map((method) => [method.property, callMethod(caller, method)]);
    const service = Object.fromEntries(methods) as ServiceClient<S>;
    this.#services.set(name, service);
    return service;
  }

  /** Drops the connection; calls that run fail with `canceled`. */
  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #start(path: string, options: CallOptions): CallStart {
    const { namespace = this.namespace, lease, headers = {}, timeoutMs = this.#options.timeoutMs ?? 0 } = options;
    if (timeoutMs < 0) throw new DaemonError('deadline-exceeded', 'the time for this command is over');
    const metadata = Object.entries(headers);
    if (namespace) metadata.push(['containerd-namespace', namespace]);
    if (lease) metadata.push(['containerd-lease', lease]);
    return { path, metadata, timeoutMs: timeoutMs === 0 ? undefined : timeoutMs };
  }
}
