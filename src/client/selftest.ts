import type { Session } from './session.js';

/** What became of an attack of the daemon on itself. */
export interface AttackOutcome {
  /** Class of attacks: S1 to S14. */
  readonly row: string;
  /** What it tries. */
  readonly name: string;
  /** What stops it: a short name, and in words. */
  readonly guard: string;
  readonly guardText: string;
  /** How the hostile layer was applied: as for overlayfs, or onto what is there. */
  readonly form: string;
  /** What went wrong; empty when it was held. */
  readonly complaints: readonly string[];
}

/** Lets the daemon unpack every hostile layer that it knows, in a place of its own. `onOutcome` is told of each. */
export async function hostileSelftest(
  session: Session,
  options: {
    readonly onOutcome?: (outcome: AttackOutcome, total: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<readonly AttackOutcome[]> {
  const { onOutcome, signal } = options;
  const replies = session
    .service('wharfd.services.selftest.v1.SelftestService')
    .hostile({}, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  const outcomes: AttackOutcome[] = [];
  for await (const { row, name, guard, guard_text, form, complaints, total } of replies) {
    const outcome = { row, name, guard, guardText: guard_text, form, complaints };
    outcomes.push(outcome);
    onOutcome?.(outcome, total);
  }
  return outcomes;
}
