import type { GcNode } from './graph.js';
import { ownerId, type OwnerId, type Ties } from './owners.js';
import type { Marked } from './unreachable.js';

/**
 * What a marking on a former view has doomed, while it is removed bit by bit and the stores go on changing.
 *
 * A doomed object can be needed again only by way of one that was written since: that, and all that it leads to, is spared.
 */
export class Doomed {
  readonly #nodes: ReadonlyMap<OwnerId, GcNode>;
  readonly #left: Set<OwnerId>;
  readonly #claims = new Map<OwnerId, OwnerId[]>();

  constructor({ doomed, claims }: Marked) {
    this.#nodes = new Map(doomed.map((node) => [ownerId(node), node]));
    this.#left = new Set(this.#nodes.keys());
    for (const { owner, owned } of claims) this.#claims.set(owner, [...(this.#claims.get(owner) ?? []), owned]);
  }

  /**
   * Spares what `written` leads to, itself included. May be called again for the same.
   *
   * @param tiesOf Of the object as it is now; undefined where there is none any more.
   */
  spare(written: Iterable<OwnerId>, tiesOf: (id: OwnerId) => Ties | undefined): void {
    const open = [...written];
    const seen = new Set(open);
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      this.#left.delete(id);
      const ties = tiesOf(id);
      if (ties === undefined) continue;
      for (const next of [...ties.flat, ...ties.full, ...(this.#claims.get(id) ?? [])]) {
        // What is not doomed is needed anyway, and so is all that it leads to.
        if (seen.has(next) || !this.#left.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
  }

  /** The next ones to go, at most `count`; they stay here until they are `taken`. */
  next(count: number): GcNode[] {
    const nodes: GcNode[] = [];
    for (const id of this.#left) {
      if (nodes.length >= count) break;
      const node = this.#nodes.get(id);
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  /** These are gone. */
  taken(nodes: readonly GcNode[]): void {
    for (const node of nodes) this.#left.delete(ownerId(node));
  }
}
