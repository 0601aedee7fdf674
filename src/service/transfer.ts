import { DaemonError, isKind } from '../base/errors.js';
import type { ImageStore } from '../core/images/image-store.js';
import type { NamespaceStore } from '../core/namespaces/namespace-store.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { UnpackWish } from '../core/transfer/image-unpacking.js';
import type { ProgressSink } from '../core/transfer/progress.js';
import type { Puller, PullRequest } from '../core/transfer/pull.js';
import type { ImagePusher } from '../core/transfer/push.js';
import type { CallScope, Incoming, ServiceImplementation } from '../rpc/handlers.js';
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
  readonly pusher: ImagePusher;
  readonly images: Scoped<ImageStore>;
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
      const transfer: Transfer = { scope, source, destination, onProgress: progress.push, signal };
      if (isA(source, 'containerd.types.transfer.OCIRegistry')) return await pull(ports, transfer, source);
      if (!isA(source, 'containerd.types.transfer.ImageStore')) throw notImplemented(source, destination);
      if (isA(destination, 'containerd.types.transfer.ImageStore'))
        return await tag(ports, transfer, source, destination);
      if (isA(destination, 'containerd.types.transfer.OCIRegistry'))
        return await push(ports, transfer, source, destination);
      throw notImplemented(source, destination);
    },
  };
}

/** One transfer as it was asked for. */
interface Transfer {
  readonly scope: CallScope;
  readonly source: WireAny | null;
  readonly destination: WireAny | null;
  readonly onProgress: ProgressSink;
  readonly signal: AbortSignal;
}

async function pull(ports: TransferServicePorts, transfer: Transfer, from: WireAny): Promise<Record<string, never>> {
  const { scope, destination, onProgress, signal } = transfer;
  const { reference, resolver } = messages.unpack('containerd.types.transfer.OCIRegistry', from);
  const wanted = await wantedBy(destination, from, scope, ports);
  const remote = fromWireResolver(resolver, ports.streams, scope);
  await ports.puller.pull(scope, { reference, ...wanted, remote, onProgress, signal });
  return {};
}

async function push(
  ports: TransferServicePorts,
  { scope, onProgress, signal }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<Record<string, never>> {
  const { name, platforms } = messages.unpack('containerd.types.transfer.ImageStore', from);
  const { reference, resolver } = messages.unpack('containerd.types.transfer.OCIRegistry', to);
  const [platform, more] = platforms.map(fromWirePlatform);
  if (more) {
    throw new DaemonError(
      'invalid-argument',
      `push of ${name}: one platform or all of them can be pushed, not ${platforms.length}`,
    );
  }
  const remote = fromWireResolver(resolver, ports.streams, scope);
  const image = name === '' ? reference : name;
  await ports.pusher.push(scope, { image, reference, ...(platform && { platform }), remote, onProgress, signal });
  return {};
}

/** Another name for what a name stands for. */
async function tag(
  { images }: TransferServicePorts,
  { scope }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<Record<string, never>> {
  const { name } = messages.unpack('containerd.types.transfer.ImageStore', from);
  const store = messages.unpack('containerd.types.transfer.ImageStore', to);
  const { target, labels } = await images(scope).get(name);
  const merged = { ...labels, ...store.labels };
  for (const wanted of namesIn(store)) await images(scope).put({ name: wanted, target, labels: merged });
  return {};
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
