import { DaemonError, isKind } from '../base/errors.js';
import type { NamespaceStore } from '../core/namespaces/namespace-store.js';
import type { Scope } from '../core/namespaces/scope.js';
import type { UnpackWish } from '../core/transfer/image-unpacking.js';
import type { Puller, PullRequest } from '../core/transfer/pull.js';
import type { Incoming, ServiceImplementation } from '../rpc/handlers.js';
import { isA, type WireAny } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';
import { LABELS } from '../spec/labels.js';
import type { Platform } from '../spec/platform.js';
import { fromWirePlatform } from './descriptors.js';
import { fromWireResolver } from './remote-options.js';
import type { StreamRegistry } from './stream-registry.js';
import { sendProgress } from './transfer-progress.js';

export interface TransferServicePorts {
  readonly puller: Puller;
  readonly streams: StreamRegistry;
  readonly namespaces: Pick<NamespaceStore, 'get'>;
  /** Meant where a client asks to unpack without saying for which platform. */
  readonly hostPlatform: Platform;
}

/** What a destination asks of a pull. */
type Wanted = Pick<PullRequest, 'names' | 'labels' | 'platforms' | 'unpacks'>;

/** containerd.services.transfer.v1.Transfer: images move inside of the daemon. */
export function createTransferService(
  ports: TransferServicePorts,
): ServiceImplementation<'containerd.services.transfer.v1.Transfer'> {
  return {
    async transfer({ source, destination, options }, { scope, signal }) {
      const progressStream = options?.progress_stream ?? '';
      await using progress = sendProgress(progressStream === '' ? undefined : ports.streams.get(scope, progressStream));
      if (!isA(source, 'containerd.types.transfer.OCIRegistry')) throw notImplemented(source, destination);
      const { reference, resolver } = messages.unpack('containerd.types.transfer.OCIRegistry', source);
      const wanted = await wantedBy(destination, source, scope, ports);
      const remote = fromWireResolver(resolver, ports.streams, scope);
      await ports.puller.pull(scope, { reference, ...wanted, remote, onProgress: progress.push, signal });
    },
  };
}

async function wantedBy(
  destination: WireAny | null,
  source: WireAny,
  scope: Scope,
  ports: TransferServicePorts,
): Promise<Wanted> {
  if (isA(destination, 'wharfd.types.transfer.v1.ContentStore')) {
    const { platforms } = messages.unpack('wharfd.types.transfer.v1.ContentStore', destination);
    return { names: [], platforms: platforms.map(fromWirePlatform), unpacks: [] };
  }
  if (!isA(destination, 'containerd.types.transfer.ImageStore')) throw notImplemented(source, destination);
  const store = messages.unpack('containerd.types.transfer.ImageStore', destination);
  const snapshotter = store.unpacks.length > 0 ? await defaultSnapshotter(ports.namespaces, scope) : '';
  return {
    names: namesIn(store),
    labels: store.labels,
    platforms: store.platforms.map(fromWirePlatform),
    unpacks: store.unpacks.map((unpack) => toWish(unpack, ports.hostPlatform, snapshotter)),
  };
}

function namesIn(store: Incoming<'containerd.types.transfer.ImageStore'>): string[] {
  if (store.all_metadata)
    throw new DaemonError('unimplemented', 'all_metadata: not implemented; fetch the platforms you need');
  const derived = store.extra_references.find((extra) => extra.is_prefix || extra.add_digest);
  if (derived)
    throw new DaemonError(
      'unimplemented',
      `extra reference ${derived.name}: names made of a prefix are not implemented`,
    );
  const names = [store.name, ...store.extra_references.map(({ name }) => name)].filter((name) => name !== '');
  if (names.length === 0) throw new DaemonError('not-found', 'no image name found: not found');
  return names;
}

function toWish(
  { platform, snapshotter }: Incoming<'containerd.types.transfer.UnpackConfiguration'>,
  host: Platform,
  fallback: string,
): UnpackWish {
  return {
    platform: platform ? fromWirePlatform(platform) : host,
    snapshotter: snapshotter === '' ? fallback : snapshotter,
  };
}

/** The namespace's own, as a label; empty for the daemon's. */
async function defaultSnapshotter(namespaces: Pick<NamespaceStore, 'get'>, { namespace }: Scope): Promise<string> {
  const found = await namespaces.get(namespace).catch((error: unknown) => {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  });
  return found?.labels[LABELS.defaultSnapshotter] ?? '';
}

function notImplemented(source: WireAny | null, destination: WireAny | null): DaemonError {
  const from = source?.type_url ?? 'nothing';
  const to = destination?.type_url ?? 'nothing';
  return new DaemonError('unimplemented', `method Transfer not implemented for ${from} to ${to}`);
}
