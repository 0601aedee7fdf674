/** What became of one attack. */
export interface AttackOutcome {
  /** Class of attacks: S1 to S14. */
  readonly row: string;
  readonly name: string;
  /** What stops it, and that in words. */
  readonly guard: string;
  readonly guardText: string;
  /** How the layer was applied: as for overlayfs, or onto what is there. */
  readonly form: 'overlay' | 'plain';
  /** What went wrong; empty when it was held. */
  readonly complaints: readonly string[];
}

/** Attacks of our own on ourselves, on the machine at hand. */
export interface Selftest {
  /**
   * Applies every hostile layer to a scratch directory, each beside files that must not change, one after another.
   *
   * @returns Outcomes with how many there will be.
   */
  hostile(signal: AbortSignal): AsyncIterable<{ readonly outcome: AttackOutcome; readonly total: number }>;
}
