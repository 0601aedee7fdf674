import type { GcNode } from '../core/gc/graph.js';
import type { OwnerChain } from '../core/gc/why.js';
import type { DiskUsage, Explanation } from '../core/usage/disk-usage.js';
import type { Amount, ImageUsage, NamespaceUsage } from '../core/usage/image-usage.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger } from '../rpc/int64.js';
import { timestampOfDate } from '../rpc/time.js';

const OBJECTS_A_MESSAGE = 100;

/** wharfd.services.diskusage.v1.DiskUsageService: what takes the disk, why, and what goes. */
export function createDiskUsageService(
  usage: DiskUsage,
): ServiceImplementation<'wharfd.services.diskusage.v1.DiskUsageService'> {
  return {
    async why({ name }, { scope, signal }) {
      return { explanations: (await usage.why(scope.namespace, name, signal)).map(toWireExplanation) };
    },
    async *usage(_, { scope, signal }) {
      const found = await usage.usage(scope.namespace, signal);
      for (const image of found.images) yield { image: toWireImage(image) };
      yield { totals: toWireTotals(found) };
    },
    async *collect({ dry_run: dryRun }, { signal }) {
      const { removed, files, layers, bytes, durationMs } = await (dryRun ? usage.preview(signal) : usage.collect());
      for (let at = 0; at < removed.length; at += OBJECTS_A_MESSAGE) {
        yield { removed: { objects: removed.slice(at, at + OBJECTS_A_MESSAGE).map(toWireObject) } };
      }
      yield {
        summary: {
          objects: fromInteger(removed.length),
          files: fromInteger(files),
          layers: fromInteger(layers),
          size: fromInteger(bytes),
          duration_ms: fromInteger(Math.round(durationMs)),
        },
      };
    },
  };
}

function toWireObject({ kind, namespace, key }: GcNode): Outgoing<'wharfd.services.diskusage.v1.Object'> {
  if (kind !== 'snapshot') return { kind, namespace, key };
  const at = key.indexOf('/');
  return { kind, namespace, key: key.slice(at + 1), snapshotter: key.slice(0, at) };
}

function toWireExplanation(found: Explanation): Outgoing<'wharfd.services.diskusage.v1.Explanation'> {
  return {
    object: toWireObject(found.object),
    chains: found.chains.map(toWireChain),
    more_chains: fromInteger(found.moreChains),
    other_namespaces: [...found.otherNamespaces],
    size: fromInteger(found.size),
  };
}

function toWireChain({ links, reason, keptBy, keptSince }: OwnerChain): Outgoing<'wharfd.services.diskusage.v1.Chain'> {
  return {
    links: links.map(({ object, relation }) => ({ object: toWireObject(object), relation })),
    root_reason: reason,
    kept_by: keptBy ?? '',
    kept_since: timestampOfDate(keptSince),
  };
}

function toWireImage(image: ImageUsage): Outgoing<'wharfd.services.diskusage.v1.ImageUsage'> {
  return {
    name: image.name,
    packed: fromInteger(image.packed),
    unpacked: fromInteger(image.unpacked),
    shared: fromInteger(image.shared),
    unique: fromInteger(image.unique),
    reclaimable: fromInteger(image.reclaimable),
    containers: [...image.containers],
  };
}

function toWireTotals({
  total,
  garbage,
  disk,
  metadataBytes,
}: NamespaceUsage): Outgoing<'wharfd.services.diskusage.v1.Totals'> {
  return {
    packed: fromInteger(total.packed),
    unpacked: fromInteger(total.unpacked),
    shared: fromInteger(total.shared),
    unique: fromInteger(total.unique),
    reclaimable: fromInteger(total.reclaimable),
    garbage: fromInteger(garbage),
    blobs: toWireAmount(disk.blob),
    ingests: toWireAmount(disk.ingest),
    layers: toWireAmount(disk.layer),
    writable: toWireAmount(disk.writable),
    metadata: fromInteger(metadataBytes),
  };
}

function toWireAmount({ count, size }: Amount): Outgoing<'wharfd.services.diskusage.v1.Amount'> {
  return { count: fromInteger(count), size: fromInteger(size) };
}
