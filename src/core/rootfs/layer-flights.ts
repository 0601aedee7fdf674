import type { Digest } from '../../spec/digest.js';
import { chainIds } from '../../spec/chain-id.js';
import { EarlyFlush } from './early-flush.js';
import { LayerFlight, type LayerWorkshop } from './layer-flight.js';

/** The layers under way in one snapshotter: one of each chain ID, whoever asks, in whatever namespace. */
export class LayerFlights {
  readonly #workshop: LayerWorkshop;
  readonly #flights = new Map<Digest, LayerFlight>();

  constructor(workshop: Omit<LayerWorkshop, 'earlyFlush'>) {
    this.#workshop = { ...workshop, earlyFlush: new EarlyFlush(workshop.backend) };
  }

  /** Joins the flights of a whole chain, lowest first. Every one is to be left again. */
  join(diffIds: readonly Digest[]): LayerFlight[] {
    const chain: LayerFlight[] = [];
    for (const [at, name] of chainIds(diffIds).entries()) {
      const diffId = diffIds[at] ?? name;
      const below = chain.at(-1);
      const under = this.#flights.get(name);
      // One that stands on a layer which has failed since will fail too.
      const flight = under?.parent === below && under ? under : new LayerFlight(name, diffId, below, this.#workshop);
      this.#flights.set(name, flight);
      flight.users += 1;
      flight.finished.catch(() => {
        this.#forget(flight);
      });
      chain.push(flight);
    }
    return chain;
  }

  /** The last one who leaves a layer that was not adopted stops it; settles when its files are gone. Highest layers first. */
  async leave(chain: readonly LayerFlight[], reason: unknown): Promise<void> {
    const abandoned: Promise<void>[] = [];
    for (const flight of chain.toReversed()) {
      flight.users -= 1;
      if (flight.users > 0) continue;
      this.#forget(flight);
      abandoned.push(flight.abandon(reason));
    }
    await Promise.all(abandoned);
  }

  #forget(flight: LayerFlight): void {
    if (this.#flights.get(flight.name) === flight) this.#flights.delete(flight.name);
  }
}
