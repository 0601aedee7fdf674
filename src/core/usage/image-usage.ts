import type { GcReport, StoredObject } from '../gc/graph.js';
import { OwnerGraph, ownerId, type OwnerId, type Step } from '../gc/owners.js';
import { markUnreachable } from '../gc/unreachable.js';
import { pieceOf, type DiskView, type Piece } from './disk-inventory.js';

/** Bytes; what several ways lead to counts once. */
interface Sizes {
  /** Content. */
  readonly packed: number;
  /** Layers. */
  readonly unpacked: number;
  /** Of both, what more than one image of any namespace has. */
  readonly shared: number;
  /** Of both, what only one image has. */
  readonly unique: number;
}

export interface ImageUsage extends Sizes {
  readonly name: string;
  /** What removing this name alone would free. */
  readonly reclaimable: number;
  /** Ids of those that were made from it. */
  readonly containers: readonly string[];
}

export interface Amount {
  readonly count: number;
  readonly size: number;
}

export interface NamespaceUsage {
  /** Ordered by name. */
  readonly images: readonly ImageUsage[];
  /** Of all these images. */
  readonly total: Sizes & {
    /** What removing all of them that no container uses, and collecting, would free. */
    readonly reclaimable: number;
  };
  /** What the next collection takes, whatever the namespace. */
  readonly garbage: number;
  /** On disk, of all namespaces. */
  readonly disk: Readonly<Record<Piece['kind'], Amount>>;
  readonly metadataBytes: number;
}

/** Who has which piece of the disk. */
class Holdings {
  readonly #view: DiskView;
  readonly #graph: OwnerGraph<StoredObject>;
  /** How many images have a piece, and how many roots do. */
  readonly #images = new Map<string, number>();
  readonly #pieces = new Map<string, number>();
  readonly #roots: readonly Step[];
  /** Images that others keep too: their names are more than roots. */
  readonly #nested = new Set<OwnerId>();

  constructor(view: DiskView, graph: OwnerGraph<StoredObject>, nowMs: number) {
    this.#view = view;
    this.#graph = graph;
    this.#roots = [...graph.roots(nowMs)];
    for (const root of this.#roots) {
      const reached = graph.reach([root]);
      count(this.#pieces, piecesOf(view, graph, reached));
      for (const id of reached) if (id !== root.id && graph.get(id)?.kind === 'image') this.#nested.add(id);
    }
    for (const object of graph.objects()) {
      if (object.kind === 'image') count(this.#images, this.of([stepOf(object)]));
    }
  }

  /** Pieces that `starts` keep. */
  of(starts: Iterable<Step>): ReadonlySet<string> {
    return piecesOf(this.#view, this.#graph, this.#graph.reach(starts));
  }

  sizes(pieces: Iterable<string>): Sizes {
    const sizes = { packed: 0, unpacked: 0, shared: 0, unique: 0 };
    for (const name of pieces) {
      const piece = this.#view.pieces.get(name);
      if (!piece) continue;
      sizes[piece.kind === 'blob' || piece.kind === 'ingest' ? 'packed' : 'unpacked'] += piece.size;
      sizes[(this.#images.get(name) ?? 0) > 1 ? 'shared' : 'unique'] += piece.size;
    }
    return sizes;
  }

  /** What removing an image's name would free of its pieces. */
  reclaimable(image: OwnerId, pieces: ReadonlySet<string>): number {
    if (this.#nested.has(image)) {
      const left = this.without(new Set([image]));
      return this.#bytes(pieces, (name) => !left.has(name));
    }
    const isRoot = this.#roots.some(({ id }) => id === image);
    return isRoot ? this.#bytes(pieces, (name) => this.#pieces.get(name) === 1) : 0;
  }

  /** Pieces that are kept, were some objects gone. */
  without(gone: ReadonlySet<OwnerId>): ReadonlySet<string> {
    return keptPieces(this.#view, this.#graph, this.#roots, gone);
  }

  #bytes(pieces: Iterable<string>, counts: (name: string) => boolean): number {
    let sum = 0;
    for (const name of pieces) if (counts(name)) sum += this.#view.pieces.get(name)?.size ?? 0;
    return sum;
  }
}

/** What the images of a namespace take. @param nowMs Milliseconds since 1970. */
export function usageOf(view: DiskView, namespace: string, nowMs: number): NamespaceUsage {
  const graph = new OwnerGraph(view.objects);
  const holdings = new Holdings(view, graph, nowMs);
  const users = usersOf(view.objects, namespace);
  const all = new Set<string>();
  const images: ImageUsage[] = [];
  const unused = new Set<OwnerId>();
  for (const object of view.objects) {
    if (object.kind !== 'image' || object.namespace !== namespace) continue;
    const pieces = holdings.of([stepOf(object)]);
    for (const piece of pieces) all.add(piece);
    const containers = users.get(object.key) ?? [];
    if (containers.length === 0) unused.add(ownerId(object));
    const reclaimable = holdings.reclaimable(ownerId(object), pieces);
    images.push({ name: object.key, ...holdings.sizes(pieces), reclaimable, containers });
  }
  images.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    images,
    total: { ...holdings.sizes(all), reclaimable: bytesBeside(view, holdings.without(unused)) },
    garbage: bytesBeside(view, holdings.without(new Set())),
    disk: amountsOf(view),
    metadataBytes: view.metadataBytes,
  };
}

/** What a collection would do. @param nowMs Milliseconds since 1970. */
export function garbageOf(view: DiskView, nowMs: number): GcReport {
  const graph = new OwnerGraph(view.objects);
  const kept = keptPieces(view, graph, graph.roots(nowMs));
  let [files, layers] = [0, 0];
  for (const [name, { kind }] of view.pieces) {
    if (kept.has(name)) continue;
    if (kind === 'blob' || kind === 'ingest') files += 1;
    else layers += 1;
  }
  return {
    removed: markUnreachable(view.objects, nowMs).doomed,
    files,
    layers,
    bytes: bytesBeside(view, kept),
    durationMs: 0,
  };
}

function usersOf(objects: readonly StoredObject[], namespace: string): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const object of objects) {
    if (object.kind !== 'container' || object.namespace !== namespace || object.image === undefined) continue;
    users.set(object.image, [...(users.get(object.image) ?? []), object.key]);
  }
  return users;
}

function keptPieces(
  view: DiskView,
  graph: OwnerGraph<StoredObject>,
  roots: Iterable<Step>,
  without: ReadonlySet<OwnerId> = new Set(),
): ReadonlySet<string> {
  return piecesOf(view, graph, graph.reach(roots, { without }));
}

function piecesOf({ held }: DiskView, graph: OwnerGraph<StoredObject>, ids: Iterable<OwnerId>): ReadonlySet<string> {
  const pieces = new Set<string>();
  for (const id of ids) {
    const object = graph.get(id);
    const piece = object && pieceOf(object);
    if (piece !== undefined) pieces.add(piece);
    for (const other of held.get(id) ?? []) pieces.add(other);
  }
  return pieces;
}

function bytesBeside(view: DiskView, kept: ReadonlySet<string>): number {
  let sum = 0;
  for (const [name, { size }] of view.pieces) if (!kept.has(name)) sum += size;
  return sum;
}

function amountsOf({ pieces }: DiskView): NamespaceUsage['disk'] {
  const amounts = { blob: [0, 0], ingest: [0, 0], layer: [0, 0], writable: [0, 0] } satisfies Record<
    Piece['kind'],
    number[]
  >;
  for (const { kind, size } of pieces.values()) {
    const amount = amounts[kind];
    amount[0] = (amount[0] ?? 0) + 1;
    amount[1] = (amount[1] ?? 0) + size;
  }
  const of = ([number = 0, size = 0]: readonly number[]): Amount => ({ count: number, size });
  return {
    blob: of(amounts.blob),
    ingest: of(amounts.ingest),
    layer: of(amounts.layer),
    writable: of(amounts.writable),
  };
}

function count(counts: Map<string, number>, pieces: Iterable<string>): void {
  for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
}

function stepOf(object: StoredObject): Step {
  return { id: ownerId(object), flat: false };
}
