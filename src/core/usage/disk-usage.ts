import { DaemonError } from '../../base/errors.js';
import type { Collector } from '../gc/collector.js';
import type { GcNode, GcReport, StoredObject } from '../gc/graph.js';
import { OwnerGraph, ownerId } from '../gc/owners.js';
import { chainsTo, type OwnerChain } from '../gc/why.js';
import { pieceOf, type DiskInventory, type DiskView } from './disk-inventory.js';
import { garbageOf, usageOf, type NamespaceUsage } from './image-usage.js';
import { matching } from './matching.js';

/** Roots that are told for one object. */
const CHAINS_MAX = 100;

/** An object, and who keeps it. */
export interface Explanation {
  readonly object: GcNode;
  /** Empty: the next collection takes it. */
  readonly chains: readonly OwnerChain[];
  /** Roots beyond those of `chains`. */
  readonly moreChains: number;
  /** Other namespaces whose objects have the same bytes. */
  readonly otherNamespaces: readonly string[];
  /** Bytes of its own on disk. */
  readonly size: number;
}

/** What takes the disk, why it is kept, and what goes: all by the graph that the collector marks with. */
export interface DiskUsage {
  /**
   * Who keeps what bears a name in a namespace.
   *
   * @param name A digest or its beginning, a key or chain ID of a snapshot, a ref of an ingest, or a name of an image.
   * @throws not-found: nothing bears that name. invalid-argument: several digests begin so.
   */
  why(namespace: string, name: string, signal?: AbortSignal): Promise<readonly Explanation[]>;
  /** What the images of a namespace take. */
  usage(namespace: string, signal?: AbortSignal): Promise<NamespaceUsage>;
  /** What a collection would do now, without doing it. */
  preview(signal?: AbortSignal): Promise<GcReport>;
  /** Collects, and tells what went. */
  collect(): Promise<GcReport>;
}

export function createDiskUsage(inventory: DiskInventory, collector: Pick<Collector, 'run'>): DiskUsage {
  return {
    async why(namespace, name, signal) {
      const view = await inventory.view(signal);
      const found = matching(view.objects, namespace, name);
      if (found.length === 0) {
        throw new DaemonError(
          'not-found',
          `${name}: no content, snapshot, image or ingest of namespace ${namespace} bears that name; "dist list" and "dist images" show what there is`,
        );
      }
      const graph = new OwnerGraph(view.objects);
      return found.map((object) => explain(view, graph, object));
    },
    usage: async (namespace, signal) => usageOf(await inventory.view(signal), namespace, Date.now()),
    preview: async (signal) => garbageOf(await inventory.view(signal), Date.now()),
    collect: () => collector.run(),
  };
}

function explain(view: DiskView, graph: OwnerGraph<StoredObject>, object: StoredObject): Explanation {
  const { chains, more } = chainsTo(graph, ownerId(object), Date.now(), CHAINS_MAX);
  const piece = pieceOf(object);
  const others = view.objects.filter((each) => piece !== undefined && pieceOf(each) === piece);
  const namespaces = new Set(others.map(({ namespace }) => namespace));
  namespaces.delete(object.namespace);
  const { kind, namespace, key } = object;
  return {
    object: { kind, namespace, key },
    chains,
    moreChains: more,
    otherNamespaces: [...namespaces].sort(),
    size: (piece === undefined ? undefined : view.pieces.get(piece)?.size) ?? 0,
  };
}
