import { LABELS, type Labels } from '../../spec/labels.js';
import type { GcKind, GcNode, GcObject } from './graph.js';
import { expiryOf, relationOf, rootLabelOf, type OwnerGraph, type OwnerId, type Step } from './owners.js';

/** One step of a chain of owners. */
export interface OwnerLink {
  readonly object: GcNode;
  /** How the one before keeps it: `target`, `parent` …, or the key of a label; empty for the root. */
  readonly relation: string;
}

/** Why an object is kept: from a root down to it. */
export interface OwnerChain {
  /** At least one: the object itself, which comes last. */
  readonly links: readonly OwnerLink[];
  /** Why the first one is a root. */
  readonly reason: string;
  /** Which command keeps the root, where it said so. */
  readonly keptBy?: string;
  readonly keptSince?: Date;
}

/**
 * The chains of owners that keep an object: for each root the shortest.
 *
 * @param nowMs Milliseconds since 1970.
 * @returns At most `limit` of them, and how many more there are; none at all for what the next collection takes.
 */
export function chainsTo(
  graph: OwnerGraph,
  target: OwnerId,
  nowMs: number,
  limit: number,
): { readonly chains: readonly OwnerChain[]; readonly more: number } {
  const chains: OwnerChain[] = [];
  let more = 0;
  for (const root of [...graph.roots(nowMs)].sort(byRank)) {
    const before = new Map<string, Step>();
    const reached = graph.reach([root], {
      onStep: (step, from) => before.set(keyOf(step), from),
    });
    if (!reached.has(target)) continue;
    if (chains.length >= limit) {
      more += 1;
      continue;
    }
    chains.push({ links: linksTo(graph, target, before), ...reasonOf(root.object, nowMs) });
  }
  return { chains, more };
}

/** What people know comes first. */
const RANK: readonly GcKind[] = ['image', 'container', 'lease', 'ingest', 'content', 'snapshot'];

function byRank({ object: a }: { readonly object: GcObject }, { object: b }: { readonly object: GcObject }): number {
  return RANK.indexOf(a.kind) - RANK.indexOf(b.kind) || (a.key < b.key ? -1 : 1);
}

function keyOf({ id, flat }: Step): string {
  return `${flat ? 'flat' : 'full'} ${id}`;
}

function linksTo(graph: OwnerGraph, target: OwnerId, before: ReadonlyMap<string, Step>): OwnerLink[] {
  const links: OwnerLink[] = [];
  const flatOnly = !before.has(keyOf({ id: target, flat: false })) && before.has(keyOf({ id: target, flat: true }));
  let step: Step | undefined = { id: target, flat: flatOnly };
  while (step) {
    const from: Step | undefined = before.get(keyOf(step));
    const owner = from && graph.get(from.id);
    const object = graph.get(step.id);
    if (object) {
      const { kind, namespace, key } = object;
      links.unshift({ object: { kind, namespace, key }, relation: (owner && relationOf(owner, object)) ?? '' });
    }
    step = from;
  }
  return links;
}

function reasonOf({ kind, labels }: GcObject, nowMs: number): Omit<OwnerChain, 'links'> {
  const expires = expiryOf(labels);
  const until = expires !== undefined && nowMs <= expires ? ` until ${new Date(expires).toISOString()}` : '';
  switch (kind) {
    case 'ingest':
      return { reason: 'ingest that is being written, or may be resumed' };
    case 'content':
    case 'snapshot':
      return labelReason(labels, until);
    default:
      return { reason: `${kind}${until}`, ...keeper(labels[LABELS.operation]) };
  }
}

function labelReason(labels: Labels, until: string): Omit<OwnerChain, 'links'> {
  const label = rootLabelOf(labels);
  if (label === undefined) return { reason: `label ${LABELS.gcExpire}${until}` };
  const since = Date.parse(labels[label] ?? '');
  return {
    reason: `label ${label}`,
    ...keeper(labels[LABELS.keptBy]),
    ...(Number.isNaN(since) ? {} : { keptSince: new Date(since) }),
  };
}

function keeper(command: string | undefined): { readonly keptBy?: string } {
  return command === undefined ? {} : { keptBy: command };
}
