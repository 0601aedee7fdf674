import type { GcNode, GcObject } from './graph.js';
import { OwnerGraph, ownerId } from './owners.js';

/**
 * The objects that nothing needs, by the rules of OwnerGraph.
 *
 * @param nowMs Milliseconds since 1970.
 */
export function unreachable(objects: Iterable<GcObject>, nowMs: number): readonly GcNode[] {
  const graph = new OwnerGraph(objects);
  const kept = graph.reach(graph.roots(nowMs));
  const doomed: GcNode[] = [];
  for (const object of graph.objects()) {
    const { kind, namespace, key } = object;
    if (!kept.has(ownerId(object))) doomed.push({ kind, namespace, key });
  }
  return doomed;
}
