/** How patient we are with registries; all in milliseconds but `tries`. */
export interface Timing {
  /** For a connection, TLS included. */
  readonly connectMs: number;
  /** From request to the response's headers. */
  readonly headersMs: number;
  /** Between two pieces of a body; there is no limit for the whole of a blob. */
  readonly stallMs: number;
  /** For the whole of a document: a manifest, a token, what is said about an error. */
  readonly documentMs: number;
  /** First pause before another try; doubled each time, up to `backOffMaxMs`, with jitter. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** Longest Retry-After that is waited for. */
  readonly retryAfterMaxMs: number;
  /** Tries without any byte of progress between them. */
  readonly tries: number;
}

export const DEFAULT_TIMING: Timing = {
  connectMs: 15_000,
  headersMs: 60_000,
  stallMs: 60_000,
  documentMs: 300_000,
  backOffMs: 300,
  backOffMaxMs: 20_000,
  retryAfterMaxMs: 300_000,
  tries: 6,
};

/** The pause before try number `attempt` (1 is the second one): doubling, between half and the whole of it at random. */
export function backOffMs(timing: Timing, attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(timing.backOffMs * 2 ** (attempt - 1), timing.backOffMaxMs);
  return Math.ceil(whole * (0.5 + random() / 2));
}

/**
 * Milliseconds that a Retry-After header asks for: seconds, or a date in any of its three forms (RFC 9110, 10.2.3).
 *
 * @returns undefined when the header is missing or is neither.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  // The oldest form of a date has no zone, and means UTC (RFC 9110, 5.6.7).
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
