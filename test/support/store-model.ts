import type { Digest } from '../../src/spec/digest.js';

type Labels = Readonly<Record<string, string>>;

export interface ModelSnapshot {
  readonly kind: 'active' | 'view' | 'committed';
  readonly parent: string;
  readonly layer: ModelLayer;
  readonly labels: Labels;
  /** Named by `adopt`, so that other namespaces may take the layer under this name. */
  readonly chained: boolean;
}

export interface ModelLayer {
  /** Bytes of its files. */
  size: number;
}

export interface ModelIngest {
  /** Without a lease; for a day. */
  readonly held: boolean;
  readonly size: number;
  readonly shares?: Digest;
}

export interface ModelLease {
  readonly labels: Labels;
  readonly operation: boolean;
  /** `type id` */
  readonly resources: Set<string>;
  readonly layers: Set<ModelLayer>;
}

/** What one namespace holds. */
export class ModelNamespace {
  readonly content = new Map<Digest, Labels>();
  readonly ingests = new Map<string, ModelIngest>();
  readonly images = new Map<string, { readonly target: Digest; readonly labels: Labels }>();
  readonly containers = new Map<
    string,
    { readonly image: string; readonly snapshot: string; readonly labels: Labels }
  >();
  readonly leases = new Map<string, ModelLease>();
  readonly snapshots = new Map<string, ModelSnapshot>();
}

/** `kind key` of an object; a snapshot's has no snapshotter, as there is but one. */
export type ModelNode = string;

const PREFIX = 'containerd.io/gc.';

/** What the stores should hold, written as plainly as can be: no cleverness is shared with what it checks. */
export class StoreModel {
  readonly namespaces = new Map<string, ModelNamespace>();
  readonly snapshotter: string;

  constructor(names: readonly string[], snapshotter: string) {
    for (const name of names) this.namespaces.set(name, new ModelNamespace());
    this.snapshotter = snapshotter;
  }

  in(namespace: string): ModelNamespace {
    const found = this.namespaces.get(namespace);
    if (!found) throw new Error(`the model has no namespace ${namespace}`);
    return found;
  }

  nodes(namespace: string): ModelNode[] {
    const { content, ingests, images, containers, leases, snapshots } = this.in(namespace);
    const kinds = {
      content,
      ingest: ingests,
      image: images,
      container: containers,
      lease: leases,
      snapshot: snapshots,
    };
    return Object.entries(kinds).flatMap(([kind, map]) => [...map.keys()].map((key) => `${kind} ${key}`));
  }

  /** Whether an object is kept for its own sake, at a time in which what expires in the future has not. */
  isRoot(namespace: string, node: ModelNode): boolean {
    const labels = this.#labelsOf(namespace, node);
    const expire = labels[`${PREFIX}expire`];
    const expired = expire !== undefined && Date.parse(expire) < Date.now();
    switch (node.split(' ', 1)[0]) {
      case 'image':
      case 'lease':
        return !expired;
      case 'container':
        return true;
      case 'ingest':
        return this.in(namespace).ingests.get(keyOf(node))?.held === true;
      default:
        return `${PREFIX}root` in labels || (expire !== undefined && !expired);
    }
  }

  #labelsOf(namespace: string, node: ModelNode): Labels {
    const { content, images, containers, leases, snapshots } = this.in(namespace);
    const key = keyOf(node);
    const kind = node.split(' ', 1)[0];
    if (kind === 'content') return content.get(key as Digest) ?? {};
    const labelled = { image: images, container: containers, lease: leases, snapshot: snapshots }[kind ?? ''];
    return labelled?.get(key)?.labels ?? {};
  }

  /** Whether one object keeps another by itself; a flat way does not go by labels. */
  keeps(namespace: string, owner: ModelNode, owned: ModelNode, flat: boolean): boolean {
    if (this.#fieldsOf(namespace, owner).includes(owned)) return true;
    return (
      !flat &&
      (this.#refs(namespace, owner, 'ref').includes(owned) || this.#refs(namespace, owned, 'bref').includes(owner))
    );
  }

  #fieldsOf(namespace: string, node: ModelNode): readonly ModelNode[] {
    const { images, containers, leases, snapshots, ingests } = this.in(namespace);
    const key = keyOf(node);
    const fields: Readonly<Record<string, () => readonly (ModelNode | undefined)[]>> = {
      image: () => [`content ${images.get(key)?.target}`],
      container: () => [`snapshot ${containers.get(key)?.snapshot}`],
      snapshot: () => [`snapshot ${snapshots.get(key)?.parent}`],
      lease: () => [...(leases.get(key)?.resources ?? [])],
      ingest: () => [`content ${ingests.get(key)?.shares}`],
    };
    return (fields[node.split(' ', 1)[0] ?? '']?.() ?? []).filter((each) => each !== undefined);
  }

  #refs(namespace: string, node: ModelNode, direction: 'ref' | 'bref'): readonly ModelNode[] {
    const found: ModelNode[] = [];
    for (const [label, value] of Object.entries(this.#labelsOf(namespace, node))) {
      for (const kind of ['content', 'image', 'container', `snapshot.${this.snapshotter}`]) {
        if (label === `${PREFIX}${direction}.${kind}`) found.push(`${kind.split('.', 1)[0] ?? ''} ${value}`);
      }
    }
    return found;
  }

  /** What some objects keep, they included. */
  keptBy(namespace: string, starts: readonly ModelNode[]): ReadonlySet<ModelNode> {
    const all = this.nodes(namespace);
    const full = new Set<ModelNode>();
    const flat = new Set<ModelNode>();
    for (const start of starts) {
      const isFlat = start.startsWith('lease ') && `${PREFIX}flat` in this.#labelsOf(namespace, start);
      (isFlat ? flat : full).add(start);
    }
    for (let before = -1; before !== full.size + flat.size;) {
      before = full.size + flat.size;
      for (const node of all) {
        if ([...full].some((owner) => this.keeps(namespace, owner, node, false))) full.add(node);
        if ([...flat].some((owner) => this.keeps(namespace, owner, node, true))) flat.add(node);
      }
    }
    return new Set([...full, ...flat]);
  }

  roots(namespace: string): ModelNode[] {
    return this.nodes(namespace).filter((node) => this.isRoot(namespace, node));
  }

  /** Takes away what a collection should. @returns `namespace kind key` of what went. */
  collect(): string[] {
    const gone: string[] = [];
    for (const [name, namespace] of this.namespaces) {
      const kept = this.keptBy(name, this.roots(name));
      for (const node of this.nodes(name).filter((each) => !kept.has(each))) {
        gone.push(`${name} ${node}`);
        const key = keyOf(node);
        if (node.startsWith('content ')) namespace.content.delete(key as Digest);
        if (node.startsWith('ingest ')) namespace.ingests.delete(key);
        if (node.startsWith('image ')) namespace.images.delete(key);
        if (node.startsWith('lease ')) namespace.leases.delete(key);
        if (node.startsWith('snapshot ')) namespace.snapshots.delete(key);
      }
    }
    return gone;
  }

  /** A restart ends the leases of operations. */
  restart(): void {
    for (const { leases } of this.namespaces.values()) {
      for (const [id, { operation }] of leases) if (operation) leases.delete(id);
    }
  }

  /** Digests whose bytes have to be on disk. */
  digests(): ReadonlySet<Digest> {
    const digests = new Set<Digest>();
    for (const { content, ingests } of this.namespaces.values()) {
      for (const digest of content.keys()) digests.add(digest);
      for (const { shares } of ingests.values()) if (shares) digests.add(shares);
    }
    return digests;
  }

  layers(): ReadonlySet<ModelLayer> {
    const layers = new Set<ModelLayer>();
    for (const { snapshots, leases } of this.namespaces.values()) {
      for (const { layer } of snapshots.values()) layers.add(layer);
      for (const lease of leases.values()) for (const layer of lease.layers) layers.add(layer);
    }
    return layers;
  }

  /** The layer that bears a name as chain ID in any namespace. */
  chained(name: string): ModelLayer | undefined {
    for (const { snapshots } of this.namespaces.values()) {
      const found = snapshots.get(name);
      if (found?.chained) return found.layer;
    }
    return undefined;
  }
}

export function keyOf(node: ModelNode): string {
  return node.slice(node.indexOf(' ') + 1);
}
