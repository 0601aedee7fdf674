import type { ServiceName } from '../rpc/handlers.js';
import type { Platform } from '../spec/platform.js';

/** A part of the daemon in containerd's words, which clients look for before they use it. */
export interface Plugin {
  readonly type: string;
  readonly id: string;
  readonly requires?: readonly string[];
  readonly platforms?: readonly Platform[];
  /** Facts for clients, such as `root`. */
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /** Why it does not work; undefined when it does. */
  readonly failure?: { readonly code: number; readonly message: string };
}

/** What the daemon was put together from. */
export interface DaemonParts {
  readonly platform: Platform;
  readonly content: {
    readonly name: string;
    /** `root`, or `address` of one in another program. */
    readonly exports: Readonly<Record<string, string>>;
  };
  readonly snapshotters: readonly {
    readonly name: string;
    /** `root`, or `address` of one in another program. */
    readonly exports: Readonly<Record<string, string>>;
    /** Such as `rebase`; only what is tested. */
    readonly capabilities: readonly string[];
    /** Why it cannot be used here, where it cannot. */
    readonly failure?: string;
  }[];
  /** Services that have handlers. */
  readonly services: readonly ServiceName[];
}

export const RUNTIME_PLUGIN = { type: 'io.containerd.runtime.v2', id: 'task' } as const;

const METADATA_TYPE = 'io.containerd.metadata.v1';
const CONTENT_TYPE = 'io.containerd.content.v1';
const EVENT_TYPE = 'io.containerd.event.v1';
const SNAPSHOTTER_TYPE = 'io.containerd.snapshotter.v1';
/** google.rpc.Code UNAVAILABLE */
const UNAVAILABLE = 14;

/** The list that Introspection.Plugins answers from: what buildkitd, nerdctl and ctr ask about is in it. */
export function listPlugins(parts: DaemonParts): readonly Plugin[] {
  const platforms = [parts.platform];
  return [
    { type: EVENT_TYPE, id: 'exchange' },
    { type: CONTENT_TYPE, id: parts.content.name, exports: parts.content.exports },
    ...parts.snapshotters.map(({ name, exports, capabilities, failure }) => ({
      type: SNAPSHOTTER_TYPE,
      id: name,
      platforms,
      exports,
      capabilities,
      ...(failure !== undefined && { failure: { code: UNAVAILABLE, message: failure } }),
    })),
    { type: METADATA_TYPE, id: 'sqlite', requires: [CONTENT_TYPE, SNAPSHOTTER_TYPE] },
    { type: 'io.containerd.gc.v1', id: 'scheduler', requires: [METADATA_TYPE] },
    { type: 'io.containerd.lease.v1', id: 'manager', requires: [METADATA_TYPE] },
    { type: 'io.containerd.differ.v1', id: 'walking', requires: [METADATA_TYPE], platforms },
    { ...RUNTIME_PLUGIN, requires: [EVENT_TYPE, METADATA_TYPE], platforms },
    { type: 'io.containerd.streaming.v1', id: 'manager', requires: [METADATA_TYPE] },
    { type: 'io.containerd.transfer.v1', id: 'local', requires: [METADATA_TYPE, 'io.containerd.differ.v1'] },
    ...parts.services.map((name) => ({ type: 'io.containerd.grpc.v1', id: grpcPluginId(name) })),
  ];
}

/** containerd calls the plugin after the service, but for the health service; our own ones keep their package. */
function grpcPluginId(service: ServiceName): string {
  if (service === 'grpc.health.v1.Health') return 'healthcheck';
  return /^containerd\.services\.(\w+)\.v1\./.exec(service)?.[1] ?? service;
}
