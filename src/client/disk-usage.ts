import { DaemonError } from '../base/errors.js';
import type { Incoming } from '../rpc/handlers.js';
import { toSafeNumber } from '../rpc/int64.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.diskusage.v1.DiskUsageService';

/** Something that the daemon keeps. */
export interface KeptObject {
  /** content, snapshot, image, container, lease or ingest */
  readonly kind: string;
  readonly namespace: string;
  /** Digest, snapshot key or name, image name, id or ref. */
  readonly key: string;
  /** Of a snapshot. */
  readonly snapshotter?: string;
}

/** From a root down to the object in question. */
export interface KeptChain {
  /** `relation`: how the one before refers to it; empty for the root. */
  readonly links: readonly (KeptObject & { readonly relation: string })[];
  /** Why the first one is a root. */
  readonly reason: string;
  /** Which command keeps the root, and since when, where it said so. */
  readonly keptBy?: string;
  readonly keptSince?: Date;
}

/** Why an object is there. */
export interface Explanation {
  readonly object: KeptObject;
  /** Empty: the next collection takes it. */
  readonly chains: readonly KeptChain[];
  /** Roots beyond those of `chains`. */
  readonly moreChains: number;
  /** Other namespaces that name the same bytes. */
  readonly otherNamespaces: readonly string[];
  /** Bytes of its own on disk. */
  readonly size: number;
}

/**
 * Who keeps an object.
 *
 * @param name A digest or its beginning, a key or chain ID of a snapshot, a ref of an ingest, or a name of an image.
 * @throws not-found. invalid-argument: several digests begin so.
 */
export async function explainObject(
  session: Session,
  name: string,
  signal?: AbortSignal,
): Promise<readonly Explanation[]> {
  const { explanations } = await session.service(SERVICE).why({ name }, signal ? { signal } : {});
  return explanations.map((found) => ({
    object: toObject(found.object),
    chains: found.chains.map(toChain),
    moreChains: toSafeNumber(found.more_chains),
    otherNamespaces: found.other_namespaces,
    size: toSafeNumber(found.size),
  }));
}

/** Bytes; what several ways lead to counts once. */
export interface UsageSizes {
  /** Content: index, manifests, configs, layers as they are packed. */
  readonly packed: number;
  /** Layers as they are unpacked. */
  readonly unpacked: number;
  /** Of both, what more than one image has. */
  readonly shared: number;
  /** Of both, what only one image has. */
  readonly unique: number;
  /** What removing it alone would free; of the total: removing all images that no container uses, and collecting. */
  readonly reclaimable: number;
}

export interface Amount {
  readonly count: number;
  /** Bytes. */
  readonly size: number;
}

/** What the images of a namespace take, and what is on disk. */
export interface UsageReport {
  readonly images: readonly (UsageSizes & { readonly name: string; readonly containers: readonly string[] })[];
  readonly total: UsageSizes;
  /** Bytes that the next collection takes, whatever the namespace. */
  readonly garbage: number;
  /** Of all namespaces. */
  readonly disk: {
    readonly blobs: Amount;
    readonly ingests: Amount;
    /** Committed layers. */
    readonly layers: Amount;
    /** Writable layers of containers, and the like. */
    readonly writable: Amount;
    readonly metadata: Amount;
  };
}

/** What the images of the session's namespace take, and what is on disk. */
export async function diskUsage(session: Session, signal?: AbortSignal): Promise<UsageReport> {
  const images: UsageReport['images'][number][] = [];
  for await (const { image, totals } of session.service(SERVICE).usage({}, signal ? { signal } : {})) {
    if (image) images.push({ name: image.name, ...toSizes(image), containers: image.containers });
    if (!totals) continue;
    return {
      images,
      total: toSizes(totals),
      garbage: toSafeNumber(totals.garbage),
      disk: {
        blobs: toAmount(totals.blobs),
        ingests: toAmount(totals.ingests),
        layers: toAmount(totals.layers),
        writable: toAmount(totals.writable),
        metadata: { count: 1, size: toSafeNumber(totals.metadata) },
      },
    };
  }
  throw new DaemonError('internal', 'disk usage: the daemon ended the call without the totals');
}

/** What a collection has removed, or would remove. */
export interface CollectionReport {
  readonly removed: readonly KeptObject[];
  /** Blobs and ingests whose bytes go. */
  readonly files: number;
  /** Directories of layers that go. */
  readonly layers: number;
  /** Bytes that go. */
  readonly size: number;
  readonly durationMs: number;
}

/** Runs the garbage collector, in all namespaces. @param options.dryRun Only say what would go. */
export async function collectGarbage(
  session: Session,
  options: { readonly dryRun?: boolean; readonly signal?: AbortSignal } = {},
): Promise<CollectionReport> {
  const { dryRun = false, signal } = options;
  const removed: KeptObject[] = [];
  const replies = session
    .service(SERVICE)
    .collect({ dry_run: dryRun }, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  for await (const { removed: page, summary } of replies) {
    if (page) removed.push(...page.objects.map(toObject));
    if (!summary) continue;
    return {
      removed,
      files: toSafeNumber(summary.files),
      layers: toSafeNumber(summary.layers),
      size: toSafeNumber(summary.size),
      durationMs: toSafeNumber(summary.duration_ms),
    };
  }
  throw new DaemonError('internal', 'collection: the daemon ended the call without a summary');
}

type WireObject = Incoming<'wharfd.services.diskusage.v1.Object'>;

function toObject(object: WireObject | null): KeptObject {
  const { kind = '', namespace = '', key = '', snapshotter = '' } = object ?? {};
  return { kind, namespace, key, ...(snapshotter === '' ? {} : { snapshotter }) };
}

function toChain(chain: Incoming<'wharfd.services.diskusage.v1.Chain'>): KeptChain {
  const keptSince = dateOfTimestamp(chain.kept_since);
  return {
    links: chain.links.map(({ object, relation }) => ({ ...toObject(object), relation })),
    reason: chain.root_reason,
    ...(chain.kept_by === '' ? {} : { keptBy: chain.kept_by }),
    ...(keptSince ? { keptSince } : {}),
  };
}

function toSizes(sizes: {
  packed: string;
  unpacked: string;
  shared: string;
  unique: string;
  reclaimable: string;
}): UsageSizes {
  return {
    packed: toSafeNumber(sizes.packed),
    unpacked: toSafeNumber(sizes.unpacked),
    shared: toSafeNumber(sizes.shared),
    unique: toSafeNumber(sizes.unique),
    reclaimable: toSafeNumber(sizes.reclaimable),
  };
}

function toAmount(amount: Incoming<'wharfd.services.diskusage.v1.Amount'> | null): Amount {
  return { count: toSafeNumber(amount?.count ?? '0'), size: toSafeNumber(amount?.size ?? '0') };
}
