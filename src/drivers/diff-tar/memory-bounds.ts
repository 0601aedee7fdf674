import { DaemonError } from '../../base/errors.js';

/** What a worker's heap has room for; no image comes near, and a thread that runs out of memory leaves its descriptors open. */
const MAXIMA = {
  directories: 250_000,
  deletions: 200_000,
  'links to lower layers': 200_000,
  paths: 1_000_000,
} as const;

/** Counts what is remembered until all of a layer is written. */
export class MemoryBounds {
  readonly #counts = new Map<keyof typeof MAXIMA, number>();

  /** @throws resource-exhausted: one too many. */
  add(what: keyof typeof MAXIMA): void {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    if (count <= MAXIMA[what]) return;
    throw new DaemonError('resource-exhausted', `layer: over the limit of ${MAXIMA[what]} ${what}`);
  }
}
