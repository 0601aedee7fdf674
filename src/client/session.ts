import { CLIENT_SCHEMA } from '../gen/client-schema.js';
import { BareChannel, type ChannelOptions } from '../rpc/bare-channel.js';
import type { ServiceClient, ServiceName } from '../rpc/handlers.js';
import type { Messages } from '../rpc/messages.js';
import { plainCodecs } from '../rpc/plain-codec.js';
import { Schema } from '../rpc/schema.js';
import type { OpenTransport } from '../rpc/transport.js';

/** How to reach the daemon, and in whose name. */
export type SessionOptions = Omit<ChannelOptions, 'schema' | 'namespace'> & {
  /** `default` when missing. */
  readonly namespace?: string;
};

/**
 * A connection to the daemon: `await session.service('containerd.services.images.v1.Images').list({})`. Fields are named as in the
 * .proto files, 64-bit integers are decimal strings, bytes are Buffers. What a method throws is a DaemonError with the kind that the
 * daemon gave it.
 */
export interface Session extends Disposable {
  /** Path of the socket. */
  readonly address: string;
  readonly namespace: string | undefined;
  /** Messages outside of calls: payloads of Any. */
  readonly messages: Messages;
  /** The methods of a service. */
  service<S extends ServiceName>(name: S): ServiceClient<S>;
  /** Drops the connection; calls that run fail with `canceled`. */
  close(): void;
}

/** Opens a session by a transport: see openSession. */
export function openSessionBy(transport: OpenTransport, options: SessionOptions): Session {
  const namespace = options.namespace ?? 'default';
  return new BareChannel({ ...options, namespace, schema: new Schema(CLIENT_SCHEMA, plainCodecs) }, transport);
}
