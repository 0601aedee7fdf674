import { CLIENT_SCHEMA } from '../gen/client-schema.js';
import { Channel, type ChannelOptions } from '../rpc/channel.js';
import type { ServiceClient } from '../rpc/handlers.js';
import type { Messages } from '../rpc/messages.js';
import { Schema } from '../rpc/schema.js';

/** The services of a session by the names of their properties. */
const SERVICES = {
  attach: 'wharfd.services.attach.v1.AttachService',
  containers: 'containerd.services.containers.v1.Containers',
  content: 'containerd.services.content.v1.Content',
  diff: 'containerd.services.diff.v1.Diff',
  events: 'containerd.services.events.v1.Events',
  execution: 'wharfd.services.execution.v1.ExecutionService',
  images: 'containerd.services.images.v1.Images',
  introspection: 'containerd.services.introspection.v1.Introspection',
  leases: 'containerd.services.leases.v1.Leases',
  namespaces: 'containerd.services.namespaces.v1.Namespaces',
  remotes: 'wharfd.services.remotes.v1.RemotesService',
  rootfs: 'wharfd.services.rootfs.v1.RootfsService',
  snapshots: 'containerd.services.snapshots.v1.Snapshots',
  streaming: 'containerd.services.streaming.v1.Streaming',
  tasks: 'containerd.services.tasks.v1.Tasks',
  transfer: 'containerd.services.transfer.v1.Transfer',
  version: 'containerd.services.version.v1.Version',
} as const;

type Services = { readonly [K in keyof typeof SERVICES]: ServiceClient<(typeof SERVICES)[K]> };

/** How to reach the daemon, and in whose name. */
export type SessionOptions = Omit<ChannelOptions, 'schema' | 'namespace'> & {
  /** `default` when missing. */
  readonly namespace?: string;
};

/**
 * A connection to the daemon with its services as properties: `await session.images.list({})`,
 * `for await (const reply of session.content.read({ digest }))`. Fields are named as in the .proto files, 64-bit integers are decimal
 * strings, bytes are Buffers. What a method throws is a DaemonError with the kind that the daemon gave it.
 */
export interface Session extends Services, Disposable {
  /** Path of the socket. */
  readonly address: string;
  readonly namespace: string;
  /** Messages outside of calls: payloads of Any. */
  readonly messages: Messages;
  /** Drops the connection; calls that run fail with `canceled`. */
  close(): void;
}

/**
 * Opens a session. Nothing is sent before the first call, which throws `unavailable` where no daemon listens.
 *
 * @throws invalid-argument: the address is no path of a socket.
 */
export function openSession(options: SessionOptions): Session {
  const namespace = options.namespace ?? 'default';
  const channel = new Channel({ ...options, namespace, schema: new Schema(CLIENT_SCHEMA) });
  const session = {
    address: channel.address,
    namespace,
    messages: channel.messages,
    close: () => {
      channel.close();
    },
    [Symbol.dispose]: () => {
      channel.close();
    },
  };
  for (const [property, name] of Object.entries(SERVICES)) {
    Object.defineProperty(session, property, { get: () => channel.service(name), enumerable: true });
  }
  return session as typeof session & Services;
}
