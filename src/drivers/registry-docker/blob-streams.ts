/** How a large blob is fetched in several ranges at one time. */
export interface RangeLimits {
  /** Connections for one blob; 1 fetches everything in one piece. */
  readonly connectionsMax: number;
  /** Bytes of the smallest range. */
  readonly partBytesMin: number;
  /** Bytes of the largest range; all but one of them that are under way are held in memory. */
  readonly partBytesMax: number;
}

export const DEFAULT_RANGES: RangeLimits = {
  connectionsMax: 4,
  partBytesMin: 1024 ** 2,
  partBytesMax: 8 * 1024 ** 2,
};

/** What several connections to a host bring is found out anew after so long: its load and the way to it change. */
const KNOWN_MS = 600_000;
const HOSTS_MAX = 1_000;

/** One blob that is on its way from a host. */
export interface BlobStream extends Disposable {
  /** How many connections were found to be best for this host not long ago. */
  best: number | undefined;
  /** Whether it may have further connections: it is the only one from its host, and no other blob of the daemon has any. */
  mayWiden(): boolean;
  /** Gives further connections up, so that another blob may have them. */
  narrow(): void;
}

/** The blobs that are on their way to this daemon: where one goes alone, its host's bandwidth may be had by several ranges of it. */
export class BlobStreams {
  readonly limits: RangeLimits;
  readonly #of = new Map<string, Set<BlobStream>>();
  readonly #best = new Map<string, { readonly connections: number; readonly atMs: number }>();
  #wide: BlobStream | undefined;

  constructor(limits: RangeLimits = DEFAULT_RANGES) {
    this.limits = limits;
  }

  /**
   * @param origin Of the host that it is asked from.
   * @param size In bytes; a small one is in nobody's way.
   */
  open(origin: string, size: number): BlobStream {
    const streams = this.#of.get(origin) ?? new Set();
    this.#of.set(origin, streams);
    const narrow = () => {
      if (this.#wide === stream) this.#wide = undefined;
    };
    const { limits } = this;
    const best = this.#best;
    const stream: BlobStream = {
      get best() {
        const known = best.get(origin);
        return known && performance.now() - known.atMs < KNOWN_MS ? known.connections : undefined;
      },
      set best(connections) {
        if (best.size >= HOSTS_MAX) best.clear();
        if (connections !== undefined) best.set(origin, { connections, atMs: performance.now() });
      },
      mayWiden: () => {
        if (streams.size > (streams.has(stream) ? 1 : 0)) return false;
        this.#wide ??= stream;
        return this.#wide === stream;
      },
      narrow,
      [Symbol.dispose]: () => {
        narrow();
        streams.delete(stream);
        if (streams.size === 0 && this.#of.get(origin) === streams) this.#of.delete(origin);
      },
    };
    if (size >= limits.partBytesMin) streams.add(stream);
    return stream;
  }
}
