import { DaemonError, isKind } from '../base/errors.js';
import type { ImageStore } from '../core/images/image-store.js';
import type { NamespaceStore } from '../core/namespaces/namespace-store.js';
import type { Scope, Scoped } from '../core/namespaces/scope.js';
import type { UnpackWish } from '../core/transfer/image-unpacking.js';
import type { ProgressSink } from '../core/transfer/progress.js';
import type { ImageArchives } from '../core/transfer/archives.js';
import type { Puller, PullRequest } from '../core/transfer/pull.js';
import type { ImagePusher } from '../core/transfer/push.js';
import type { CallScope, Incoming, MessageName, ServiceImplementation } from '../rpc/handlers.js';
import { isA, type WireAny } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';
import { LABELS } from '../spec/labels.js';
import type { Platform } from '../spec/platform.js';
import { fromWirePlatform } from './descriptors.js';
import { fromWireResolver } from './remote-options.js';
import type { StreamRegistry } from './stream-registry.js';
import { archiveNames, lookedUp, wholeNames, type WireStore } from './transfer-names.js';
import { checkArchiveType, closing, receiveBytes, sendBytes } from './byte-streams.js';
import { KEEP_NAMES } from '../spec/headers.js';
import { sendProgress } from './transfer-progress.js';

export interface TransferServicePorts {
  readonly puller: Puller;
  readonly pusher: ImagePusher;
  readonly archives: ImageArchives;
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
    async transfer({ source, destination, options }, call) {
      const { scope, signal } = call;
      const keepNames = call.header(KEEP_NAMES) !== undefined;
      const progressStream = options?.progress_stream ?? '';
      await using progress = sendProgress(progressStream === '' ? undefined : ports.streams.get(scope, progressStream));
      const transfer: Transfer = { scope, source, destination, onProgress: progress.push, signal, keepNames };
      const way = WAYS.find(([from, to]) => isA(source, from) && isA(destination, to));
      if (!way || !source || !destination) throw notImplemented(source, destination);
      await way[2](ports, transfer, source, destination);
      return {};
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
  readonly keepNames: boolean;
}

type Way = (ports: TransferServicePorts, transfer: Transfer, from: WireAny, to: WireAny) => Promise<void>;

const REGISTRY = 'containerd.types.transfer.OCIRegistry';
const STORE = 'containerd.types.transfer.ImageStore';
const IMPORT = 'containerd.types.transfer.ImageImportStream';
const EXPORT = 'containerd.types.transfer.ImageExportStream';

const WAYS: readonly (readonly [MessageName, MessageName, Way])[] = [
  [REGISTRY, STORE, pull],
  [REGISTRY, 'wharfd.types.transfer.v1.ContentStore', pull],
  [STORE, STORE, tag],
  [STORE, REGISTRY, push],
  [IMPORT, STORE, importImages],
  [STORE, EXPORT, exportImages],
  [IMPORT, EXPORT, echo],
];

async function pull(ports: TransferServicePorts, transfer: Transfer, from: WireAny): Promise<void> {
  const { scope, destination, onProgress, signal } = transfer;
  const { reference, resolver } = messages.unpack('containerd.types.transfer.OCIRegistry', from);
  const wanted = await wantedBy(destination, from, scope, ports);
  const remote = fromWireResolver(resolver, ports.streams, scope);
  await ports.puller.pull(scope, { reference, ...wanted, remote, onProgress, signal });
}

async function push(
  ports: TransferServicePorts,
  { scope, onProgress, signal }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<void> {
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
}

/** An archive that the client sends. */
async function importImages(
  ports: TransferServicePorts,
  { scope, onProgress, signal, keepNames }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<void> {
  const { stream: id, media_type: mediaType, force_compress: compress } = messages.unpack(IMPORT, from);
  checkArchiveType(mediaType);
  const store = messages.unpack(STORE, to);
  using stream = closing(ports.streams.get(scope, id));
  const { labels, platforms, unpacks } = await placed(store, scope, ports);
  await ports.archives.import(scope, {
    ...{ bytes: receiveBytes(stream, signal), namesFor: archiveNames(store), labels, platforms, unpacks, compress },
    ...{ onProgress, signal, keepNames },
  });
}

/** An archive that the client gets. */
async function exportImages(
  ports: TransferServicePorts,
  { scope, onProgress, signal }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<void> {
  const wanted = messages.unpack(EXPORT, to);
  checkArchiveType(wanted.media_type);
  const images = await lookedUp(messages.unpack(STORE, from), ports.images(scope));
  using stream = closing(ports.streams.get(scope, wanted.stream));
  const platforms = wanted.platforms.length > 0 ? wanted.platforms.map(fromWirePlatform) : [ports.hostPlatform];
  const bytes = ports.archives.export(scope, {
    ...{ images, platforms: wanted.all_platforms ? [] : platforms, docker: !wanted.skip_compatibility_manifest },
    ...{ onlyDistributable: wanted.skip_non_distributable, onProgress, signal },
  });
  await sendBytes(stream, bytes, signal);
}

/** What a client sends comes back to it. */
async function echo(
  { streams }: TransferServicePorts,
  { scope, signal }: Transfer,
  from: WireAny,
  to: WireAny,
): Promise<void> {
  const source = messages.unpack(IMPORT, from);
  const destination = messages.unpack(EXPORT, to);
  using incoming = closing(streams.get(scope, source.stream));
  using outgoing = closing(streams.get(scope, destination.stream));
  await sendBytes(outgoing, receiveBytes(incoming, signal), signal);
}

/** Another name for what a name stands for. */
async function tag({ images }: TransferServicePorts, { scope }: Transfer, from: WireAny, to: WireAny): Promise<void> {
  const { name } = messages.unpack('containerd.types.transfer.ImageStore', from);
  const store = messages.unpack('containerd.types.transfer.ImageStore', to);
  const { target, labels } = await images(scope).get(name);
  const merged = { ...labels, ...store.labels };
  for (const wanted of wholeNames(store)) await images(scope).put({ name: wanted, target, labels: merged });
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
  if (!isA(destination, STORE)) throw notImplemented(source, destination);
  const store = messages.unpack(STORE, destination);
  return { names: wholeNames(store), ...(await placed(store, scope, ports)) };
}

/** What a store asks to keep and unpack. */
async function placed(
  store: WireStore,
  scope: Scope,
  ports: TransferServicePorts,
): Promise<Required<Pick<PullRequest, 'labels' | 'platforms' | 'unpacks'>>> {
  const snapshotter = store.unpacks.length > 0 ? await defaultSnapshotter(ports.namespaces, scope) : '';
  return {
    labels: store.labels,
    platforms: store.platforms.map(fromWirePlatform),
    unpacks: store.unpacks.map((unpack) => toWish(unpack, ports.hostPlatform, snapshotter)),
  };
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
