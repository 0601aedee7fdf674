import type { Digest } from '../../spec/digest.js';

/** A layer that we unpacked ourselves. */
export interface LayerRecord {
  readonly snapshotter: string;
  /** Number of its directory. */
  readonly id: number;
  readonly chainId: Digest;
  readonly namespaces: readonly string[];
}
