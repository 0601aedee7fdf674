import { LABELS, type Labels } from '../../spec/labels.js';
import type { GcKind, GcNode, GcObject } from './graph.js';

type Link = Omit<GcNode, 'namespace'>;
/** What an object is known by in the graph. */
export type OwnerId = string;

/** Labels by which an object keeps another, and by which it is kept by another (containerd's docs/garbage-collection.md). */
const REFERENCE = /^containerd\.io\/gc\.(ref|bref)\.(content|image|container|snapshot)(?=[./]|$)[./]?([^/]*)/;
/** RFC 3339; anything else is no time, whatever Date.parse makes of it. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

interface Vertex<Node extends GcObject> {
  readonly object: Node;
  readonly id: OwnerId;
  /** What it keeps by its fields. */
  readonly flat: readonly OwnerId[];
  /** What it keeps besides by labels: its own, and those of others that name it as their owner. */
  readonly full: OwnerId[];
}

/** Where a way through the graph begins, or stands. A flat one does not follow labels. */
export interface Step {
  readonly id: OwnerId;
  readonly flat: boolean;
}

interface ReachOptions {
  readonly onStep?: (step: Step, from: Step) => void;
  readonly without?: ReadonlySet<OwnerId>;
}

/**
 * Who keeps whom, by containerd's rules. Roots are images and leases that have not expired, containers, held ingests, and what bears
 * `gc.root` or a `gc.expire` whose time has not come; from there the links and the labels `gc.ref.*` lead on, and `gc.bref.*` the other
 * way. A lease with `gc.flat` keeps its resources without what their labels name.
 */
export class OwnerGraph<Node extends GcObject = GcObject> {
  readonly #vertices = new Map<OwnerId, Vertex<Node>>();

  constructor(objects: Iterable<Node>) {
    const claims: { readonly owner: OwnerId; readonly owned: OwnerId }[] = [];
    for (const object of objects) {
      const id = ownerId(object);
      const { flat, full, owners } = tiesOf(object);
      for (const owner of owners) claims.push({ owner, owned: id });
      this.#vertices.set(id, { object, id, flat, full: [...full] });
    }
    for (const { owner, owned } of claims) this.#vertices.get(owner)?.full.push(owned);
  }

  /** What an object keeps by itself: a fresh array. */
  keptBy(id: OwnerId): OwnerId[] {
    const vertex = this.#vertices.get(id);
    return vertex === undefined ? [] : [...vertex.flat, ...vertex.full];
  }

  get(id: OwnerId): Node | undefined {
    return this.#vertices.get(id)?.object;
  }

  *objects(): Generator<Node> {
    for (const { object } of this.#vertices.values()) yield object;
  }

  /** Where marking begins. @param nowMs Milliseconds since 1970. */
  *roots(nowMs: number): Generator<Step & { readonly object: Node }> {
    for (const { object, id } of this.#vertices.values()) {
      if (isRoot(object, nowMs)) yield { object, id, flat: object.kind === 'lease' && LABELS.gcFlat in object.labels };
    }
  }

  /**
   * Everything that `starts` keep, themselves included.
   *
   * @param options.onStep Told of every step but the first ones: nearest first, and an object at most twice (flat, then not).
   * @param options.without Objects that are taken for gone.
   */
  reach(starts: Iterable<Step>, { onStep, without }: ReachOptions = {}): ReadonlySet<OwnerId> {
    const kept = new Set<OwnerId>();
    const flatKept = new Set<OwnerId>();
    const open: Step[] = [];
    const visit = (id: OwnerId, flat: boolean, from?: Step) => {
      if (kept.has(id) || (flat && flatKept.has(id)) || !this.#vertices.has(id) || without?.has(id)) return;
      (flat ? flatKept : kept).add(id);
      const step = { id, flat };
      open.push(step);
      if (from) onStep?.(step, from);
    };
    for (const { id, flat } of starts) visit(id, flat);
    for (let at = 0; at < open.length; at += 1) {
      const step = open[at];
      const vertex = step && this.#vertices.get(step.id);
      if (!vertex) continue;
      for (const id of vertex.flat) visit(id, step.flat, step);
      if (!step.flat) for (const id of vertex.full) visit(id, false, step);
    }
    for (const id of flatKept) kept.add(id);
    return kept;
  }
}

/** What an object is known by in the graph. */
export function ownerId({ kind, namespace, key }: GcNode): OwnerId {
  return `${kind}\0${namespace}\0${key}`;
}

/** What an object's own fields and labels say of others. */
export interface Ties {
  /** What it keeps by its fields. */
  readonly flat: readonly OwnerId[];
  /** What it keeps by its labels `gc.ref.*`. */
  readonly full: readonly OwnerId[];
  /** Who keeps it by its labels `gc.bref.*`. */
  readonly owners: readonly OwnerId[];
}

export function tiesOf(object: GcObject): Ties {
  const { namespace } = object;
  const full: OwnerId[] = [];
  const owners: OwnerId[] = [];
  for (const { direction, link } of references(object.labels)) {
    (direction === 'ref' ? full : owners).push(ownerId({ ...link, namespace }));
  }
  return { flat: object.links.map((link) => ownerId({ ...link, namespace })), full, owners };
}

/** How `owner` keeps `owned`: by a field of its own, or the key of a label of either; undefined when it does not by itself. */
export function relationOf(owner: GcObject, owned: GcObject): string | undefined {
  const names = (link: Link, { kind, key }: GcNode) => link.kind === kind && link.key === key;
  if (owner.links.some((link) => names(link, owned))) return FIELDS[owner.kind];
  for (const { direction, link, label } of references(owner.labels)) {
    if (direction === 'ref' && names(link, owned)) return label;
  }
  for (const { direction, link, label } of references(owned.labels)) {
    if (direction === 'bref' && names(link, owner)) return label;
  }
  return undefined;
}

const FIELDS: Readonly<Record<GcKind, string>> = {
  image: 'target',
  container: 'snapshot',
  snapshot: 'parent',
  lease: 'resource',
  ingest: 'expected digest',
  content: 'content',
};

function* references(
  labels: Labels,
): Generator<{ readonly direction: 'ref' | 'bref'; readonly link: Link; readonly label: string }> {
  for (const [label, value] of Object.entries(labels)) {
    const match = REFERENCE.exec(label);
    if (!match) continue;
    const [, direction, kind, rest = ''] = match as unknown as [string, 'ref' | 'bref', GcKind, string?];
    if (kind === 'container' && direction === 'ref') continue;
    if (kind === 'snapshot' && rest === '') continue;
    yield { direction, label, link: { kind, key: kind === 'snapshot' ? `${rest}/${value}` : value } };
  }
}

/** Whether an object is kept for its own sake. */
function isRoot({ kind, labels, held }: GcObject, nowMs: number): boolean {
  const expires = expiryOf(labels);
  switch (kind) {
    case 'container':
      return true;
    case 'image':
    case 'lease':
      return expires === undefined || nowMs <= expires;
    case 'ingest':
      return held === true;
    case 'content':
    case 'snapshot':
      return rootLabelOf(labels) !== undefined || (expires !== undefined && nowMs <= expires);
  }
}

/** Key of the label that makes content or a snapshot a root. */
export function rootLabelOf(labels: Labels): string | undefined {
  return Object.keys(labels).find((label) => label.startsWith(LABELS.gcRoot));
}

/** When the label `gc.expire` lets go of the object, in milliseconds since 1970. A time that can't be read counts as none (containerd). */
export function expiryOf(labels: Labels): number | undefined {
  const text = labels[LABELS.gcExpire];
  const ms = text !== undefined && TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
