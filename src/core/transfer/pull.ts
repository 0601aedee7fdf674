import { isDiskFull, isKind } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Descriptor } from '../../spec/descriptor.js';
import type { Labels } from '../../spec/labels.js';
import { ROOT_LABEL_PATHS, rootLabels } from '../../spec/labels.js';
import { kindOfMedia } from '../../spec/media-types.js';
import type { Platform } from '../../spec/platform.js';
import type { ContentStore } from '../content/content-store.js';
import type { ImageStore } from '../images/image-store.js';
import { childrenOf } from '../images/handlers/children.js';
import { labelChildren } from '../images/handlers/child-labels.js';
import { dispatch } from '../images/handlers/dispatch.js';
import { effect, inOrder, type Handler } from '../images/handlers/handler.js';
import { onlyPlatforms } from '../images/handlers/platform-filter.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Fetcher, RemoteOptions, Remotes } from '../remotes/remotes.js';
import type { Rootfs } from '../rootfs/rootfs.js';
import type { ImageVerifier } from '../verification/image-verifier.js';
import { BlobFetching, type FetchWatcher } from './blob-fetching.js';
import { DocumentsAhead, isAhead } from './documents-ahead.js';
import { SpaceReservations, type FreeSpace, type SpaceReservation } from './free-space.js';
import { ImageUnpacking, type UnpackWish } from './image-unpacking.js';
import { OperationLease } from './operation-lease.js';
import type { ProgressSink } from './progress.js';
import { ProgressRows } from './progress-rows.js';
import { labelSource, sourceLabels } from './source-label.js';

export interface PullRequest {
  /** What is asked for at the registry. */
  readonly reference: string;
  /** Names that the image gets in the end; none keeps the content only, as a root of its own until it is deleted. */
  readonly names: readonly string[];
  /** Of the names. */
  readonly labels?: Labels;
  /** Taken out of indexes; none means all. */
  readonly platforms: readonly Platform[];
  readonly unpacks: readonly UnpackWish[];
  readonly remote?: RemoteOptions;
  readonly onProgress?: ProgressSink;
  readonly signal: AbortSignal;
}

export interface Pulled {
  /** The reference as its registry has it. */
  readonly name: string;
  readonly target: Descriptor;
}

/** What a pull works with. */
export interface PullPorts {
  readonly content: Scoped<ContentStore>;
  readonly images: Scoped<ImageStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly rootfs: Pick<Rootfs, 'unpack' | 'mayHaveLayers'>;
  readonly remotes: Remotes;
  /** Asked before anything of an image is fetched; without one every image is taken. */
  readonly verifier?: ImageVerifier | undefined;
  /** Of the file system with content and snapshots. */
  readonly freeSpace: FreeSpace;
  readonly log: Logger;
  /** Downloads of one pull at the same time. */
  readonly concurrency?: number;
  /** Of all pulls together; no bound when absent. */
  readonly totalConcurrency?: number;
}

const CONCURRENCY_DEFAULT = 4;

/** Brings images from registries into the stores. */
export interface Puller {
  /**
   * Resolves, fetches, unpacks, and sets the names last, when all else is durable. Aborting keeps the bytes of unfinished blobs for the
   * next time, and nothing else.
   *
   * @throws What Resolver, ImageVerifier, Fetcher, Rootfs and the stores throw.
   */
  pull(scope: Scope, request: PullRequest): Promise<Pulled>;
}

/** Makes the one puller of a daemon: what several pulls have in common is fetched once. */
export function createPuller(ports: PullPorts): Puller {
  const fetching = new BlobFetching(ports.content, ports.totalConcurrency);
  const space = new SpaceReservations(ports.freeSpace, ports.log);
  return {
    async pull(scope, request) {
      const lease = await OperationLease.open(ports.leases, scope, `pull ${request.reference}`);
      try {
        const pulled = await pullUnder(lease, { ...ports, fetching, space }, request);
        await lease.end('done');
        return pulled;
      } catch (error) {
        await lease.end(isInterruption(error, request.signal) ? 'interrupted' : 'failed');
        if (error instanceof Error && isDiskFull(error)) throw await space.explain(request.reference, error);
        throw error;
      }
    },
  };
}

/** Whether trying again may well succeed: what is there by then is worth keeping. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || isKind(error, 'unavailable') || isKind(error, 'deadline-exceeded');
}

interface PullParts extends PullPorts {
  readonly fetching: BlobFetching;
  readonly space: SpaceReservations;
}

async function pullUnder(lease: OperationLease, ports: PullParts, request: PullRequest): Promise<Pulled> {
  const { signal } = request;
  const rows = new ProgressRows(request.reference, request.onProgress);
  rows.resolving();
  const resolved = await ports.remotes.resolver(request.remote).resolve(request.reference, {
    signal,
    onWait: ({ reason }) => {
      rows.resolving(reason);
    },
  });
  const { name, target, fetcher } = resolved;
  await ports.verifier?.verify({ resolved, names: request.names, signal });
  rows.resolved(target);

  const content = ports.content(lease.scope);
  using space = ports.space.open(name, content, lease.scope.namespace);
  await using ahead = new DocumentsAhead(content);
  await using unpacking = new ImageUnpacking({
    scope: lease.scope,
    content: ahead,
    rootfs: ports.rootfs,
    name,
    wishes: request.unpacks,
    onProgress: (progress) => {
      rows.unpacking(progress);
    },
    signal,
  });
  const labelled = labelChildren({ update: (...labels) => ahead.updateLater(...labels) }, childrenOf(ahead));
  const children = onlyPlatforms(request.platforms, labelled, name);
  const unpacks = request.unpacks.length > 0;
  const pull = inOrder(
    fetchInto(ports.fetching, { lease, fetcher, content, name, rows, space, unpacking, ahead }),
    unpacking.handler,
    rows.knowing(space.checking(children, { unpacks })),
  );
  await dispatch(pull, [target], {
    concurrency: ports.concurrency ?? CONCURRENCY_DEFAULT,
    signal: AbortSignal.any([signal, unpacking.failed, ahead.failed]),
  });
  await ahead.finish();
  await unpacking.finish();
  lease.check();
  await keep(lease.scope, ports, target, request);
  rows.saved(target);
  return { name, target };
}

interface FetchParts {
  readonly lease: OperationLease;
  readonly fetcher: Fetcher;
  readonly content: ContentStore;
  readonly name: string;
  readonly rows: ProgressRows;
  readonly space: SpaceReservation;
  readonly unpacking: Pick<ImageUnpacking, 'needs' | 'verified'>;
  readonly ahead: Pick<DocumentsAhead, 'during' | 'verified'>;
}

function fetchInto(fetching: BlobFetching, parts: FetchParts): Handler {
  const { lease, fetcher, name, rows, space, unpacking, ahead } = parts;
  const labels = sourceLabels(name);
  const label = labelSource(parts.content, name);
  const store = async (target: Descriptor, signal: AbortSignal): Promise<void> => {
    const row = rows.fetching(target);
    const watcher: FetchWatcher = {
      ...row,
      downloading: (offset) => {
        space.stored(target, offset);
        row.downloading(offset);
      },
      ...(kindOfMedia(target.mediaType) === 'layer' && { verified: (held) => unpacking.verified(target, held) }),
      document: (bytes) => {
        ahead.verified(target, bytes);
      },
    };
    const needed = await unpacking.needs(target, signal);
    const outcome = !needed ? 'exists' : await fetching.fetch({ target, fetcher, lease, labels, watcher, signal });
    space.stored(target, target.size);
    rows.fetched(target, outcome);
    await label(target, signal);
  };
  return effect((target, signal) =>
    isAhead(target) ? ahead.during(target, () => store(target, signal)) : store(target, signal),
  );
}

async function keep(scope: Scope, ports: PullPorts, target: Descriptor, request: PullRequest): Promise<void> {
  const images = ports.images(scope);
  for (const name of request.names) await images.put({ name, target, labels: request.labels ?? {} });
  if (request.names.length > 0) return;
  const content = ports.content({ ...scope, partOfOperation: false });
  await content.update(target.digest, rootLabels(`dist fetch ${request.reference}`), ROOT_LABEL_PATHS);
}
