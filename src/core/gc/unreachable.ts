import { LABELS, type Labels } from '../../spec/labels.js';
import type { GcKind, GcNode, GcObject } from './graph.js';

type Link = Omit<GcNode, 'namespace'>;

/** Labels by which an object keeps another, and by which it is kept by another (containerd's docs/garbage-collection.md). */
const REFERENCE = /^containerd\.io\/gc\.(ref|bref)\.(content|image|container|snapshot)(?=[./]|$)[./]?([^/]*)/;

interface Vertex {
  readonly object: GcObject;
  readonly id: string;
  /** Ids that it keeps: by its fields only, and by its labels too. */
  readonly flat: readonly string[];
  readonly full: string[];
}

/**
 * The objects that nothing needs, by containerd's rules. Roots are images and leases that have not expired, containers, held ingests, and
 * what bears `gc.root`; from there the links and the labels `gc.ref.*` lead on, and `gc.bref.*` the other way. A lease with `gc.flat`
 * keeps its resources without what their labels name.
 *
 * @param nowMs Milliseconds since 1970.
 */
export function unreachable(objects: Iterable<GcObject>, nowMs: number): readonly GcNode[] {
  const graph = readGraph(objects);
  const kept = new Set<string>();
  const flatKept = new Set<string>();
  const open: { readonly id: string; readonly flat: boolean }[] = [];
  const visit = (id: string, flat: boolean) => {
    if (kept.has(id) || (flat && flatKept.has(id))) return;
    (flat ? flatKept : kept).add(id);
    open.push({ id, flat });
  };
  for (const { object, id } of graph.values()) {
    if (isRoot(object, nowMs)) visit(id, object.kind === 'lease' && LABELS.gcFlat in object.labels);
  }
  for (let next = open.pop(); next; next = open.pop()) {
    const vertex = graph.get(next.id);
    if (!vertex) continue;
    for (const id of vertex.flat) visit(id, next.flat);
    if (!next.flat) for (const id of vertex.full) visit(id, false);
  }
  const doomed: GcNode[] = [];
  for (const { object, id } of graph.values()) {
    if (!kept.has(id) && !flatKept.has(id))
      doomed.push({ kind: object.kind, namespace: object.namespace, key: object.key });
  }
  return doomed;
}

function readGraph(objects: Iterable<GcObject>): Map<string, Vertex> {
  const graph = new Map<string, Vertex>();
  const backwards: { readonly from: string; readonly to: string }[] = [];
  for (const object of objects) {
    const id = idOf(object.namespace, object);
    const full: string[] = [];
    for (const { direction, link } of references(object.labels)) {
      const other = idOf(object.namespace, link);
      if (direction === 'ref') full.push(other);
      else backwards.push({ from: other, to: id });
    }
    graph.set(id, { object, id, flat: object.links.map((link) => idOf(object.namespace, link)), full });
  }
  for (const { from, to } of backwards) graph.get(from)?.full.push(to);
  return graph;
}

function idOf(namespace: string, { kind, key }: Link): string {
  return `${kind}\0${namespace}\0${key}`;
}

function* references(labels: Labels): Generator<{ readonly direction: 'ref' | 'bref'; readonly link: Link }> {
  for (const [label, value] of Object.entries(labels)) {
    const match = REFERENCE.exec(label);
    if (!match) continue;
    const [, direction, kind, rest = ''] = match as unknown as [string, 'ref' | 'bref', GcKind, string?];
    if (kind === 'container' && direction === 'ref') continue;
    if (kind === 'snapshot' && rest === '') continue;
    yield { direction, link: { kind, key: kind === 'snapshot' ? `${rest}/${value}` : value } };
  }
}

function isRoot({ kind, labels, held }: GcObject, nowMs: number): boolean {
  switch (kind) {
    case 'container':
      return true;
    case 'image':
    case 'lease':
      return !isExpired(labels, nowMs);
    case 'ingest':
      return held === true;
    case 'content':
    case 'snapshot':
      return Object.keys(labels).some((label) => label.startsWith(LABELS.gcRoot));
  }
}

/** A time that can't be read does not count, as containerd has it. */
function isExpired(labels: Labels, nowMs: number): boolean {
  const text = labels[LABELS.gcExpire];
  const expiresMs = text === undefined ? Number.NaN : Date.parse(text);
  return !Number.isNaN(expiresMs) && nowMs > expiresMs;
}
