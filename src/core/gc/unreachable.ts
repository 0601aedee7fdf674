import type { GcNode, GcObject } from './graph.js';
import { OwnerGraph, ownerId, tiesOf, type OwnerId } from './owners.js';

/** What a marking found. */
export interface Marked {
  /** Objects that nothing needs: what refers to another comes before it; snapshots last, children before their parents. */
  readonly doomed: readonly GcNode[];
  /** Who would keep doomed objects, if it were there: their labels `gc.bref.*` say so. */
  readonly claims: readonly Claim[];
}

/** An object names its owner. */
export interface Claim {
  readonly owner: OwnerId;
  readonly owned: OwnerId;
}

/**
 * Finds the objects that nothing needs, by the rules of OwnerGraph, in an order in which they can be removed bit by bit: wherever that
 * stops, what is left still has what it refers to, unless its labels go in a circle.
 *
 * @param nowMs Milliseconds since 1970.
 */
export function markUnreachable(objects: Iterable<GcObject>, nowMs: number): Marked {
  const graph = new OwnerGraph(objects);
  const kept = graph.reach(graph.roots(nowMs));
  const all = [...graph.objects()].filter((object) => !kept.has(ownerId(object)));
  const [snapshots, others] = [
    all.filter(({ kind }) => kind === 'snapshot'),
    all.filter(({ kind }) => kind !== 'snapshot'),
  ];
  const keeps = (object: GcObject) => graph.keptBy(ownerId(object));
  // Of snapshots only the parents count, which make no circles, and which the database holds on to.
  const parents = (object: GcObject) => [...tiesOf(object).flat];
  const claims = all.flatMap((object) => tiesOf(object).owners.map((owner) => ({ owner, owned: ownerId(object) })));
  return { doomed: [...referrersFirst(others, keeps), ...referrersFirst(snapshots, parents)], claims };
}

/** Depth first without recursion, for chains of snapshots may be long. */
function referrersFirst(objects: readonly GcObject[], refersTo: (object: GcObject) => OwnerId[]): GcNode[] {
  const waiting = new Map(objects.map((object) => [ownerId(object), object]));
  const done: GcNode[] = [];
  for (const [id, first] of waiting) {
    waiting.delete(id);
    const open = [{ object: first, next: refersTo(first) }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const below = top.next.pop();
      const object = below === undefined ? undefined : waiting.get(below);
      if (below === undefined) {
        done.push(nodeOf(top.object));
        open.pop();
      } else if (object !== undefined) {
        waiting.delete(below);
        open.push({ object, next: refersTo(object) });
      }
    }
  }
  return done.reverse();
}

function nodeOf({ kind, namespace, key }: GcNode): GcNode {
  return { kind, namespace, key };
}
