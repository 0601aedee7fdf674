import { kindOf, messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Collectable, GcKind, GcNode, GcReport } from './graph.js';

export interface CollectorOptions {
  readonly log: Logger;
  /** From a request to the run it asks for; several requests make one run. */
  readonly delayMs?: number;
  /** An idle daemon collects this often too, for what expires. */
  readonly intervalMs?: number;
}

/** Deletions seldom come alone: those of several containers make one run. */
const DELAY_MS = 500;
const INTERVAL_MS = 10 * 60 * 1000;
/** Scheduled runs mark and remove for no more than this part of the time. */
const BUSY_PART = 0.02;

/** Runs the garbage collection, one run at a time. */
export class Collector implements AsyncDisposable {
  readonly #stores: Collectable;
  readonly #log: Logger;
  readonly #delayMs: number;
  readonly #stop = new AbortController();
  readonly #interval: NodeJS.Timeout;
  #scheduled: NodeJS.Timeout | undefined;
  #running: Promise<GcReport> | undefined;
  #next: Promise<GcReport> | undefined;
  #restUntilMs = 0;

  constructor(stores: Collectable, { log, delayMs = DELAY_MS, intervalMs = INTERVAL_MS }: CollectorOptions) {
    this.#stores = stores;
    this.#log = log;
    this.#delayMs = delayMs;
    this.#interval = setInterval(() => {
      this.request();
    }, intervalMs).unref();
  }

  /** Asks for a run soon. */
  request(): void {
    if (this.#scheduled !== undefined || this.#stop.signal.aborted) return;
    const waitMs = Math.max(this.#delayMs, this.#restUntilMs - Date.now());
    this.#scheduled = setTimeout(() => {
      this.#scheduled = undefined;
      this.run().catch((error: unknown) => {
        if (kindOf(error) !== 'canceled') this.#log.error({ error: messageOf(error) }, 'garbage collection went wrong');
      });
    }, waitMs);
  }

  /** Settles with a whole run that has started after this call; callers that wait at the same time share it. */
  run(): Promise<GcReport> {
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  async #after(former: Promise<unknown> | undefined): Promise<GcReport> {
    await former?.catch(() => undefined); // told to whoever waited for it
    await Promise.resolve();
    this.#running = this.#next;
    this.#next = undefined;
    return this.#collect();
  }

  async #collect(): Promise<GcReport> {
    this.#stop.signal.throwIfAborted();
    // Whoever asked for a run soon gets it by this one.
    clearTimeout(this.#scheduled);
    this.#scheduled = undefined;
    const startMs = performance.now();
    const removed = await this.#stores.removeNames(this.#stop.signal);
    this.#restUntilMs = Date.now() + (performance.now() - startMs) / BUSY_PART;
    const went = await this.#stores.removeBytes(this.#stop.signal);
    const durationMs = performance.now() - startMs;
    if (removed.length > 0 || went.files > 0 || went.layers > 0) {
      this.#log.info({ removed: countKinds(removed), ...went, durationMs }, 'garbage collected');
    }
    return { removed, ...went, durationMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#interval);
    clearTimeout(this.#scheduled);
    await Promise.allSettled([this.#running, this.#next]);
  }
}

function countKinds(nodes: readonly GcNode[]): Partial<Record<GcKind, number>> {
  const counts: Partial<Record<GcKind, number>> = {};
  for (const { kind } of nodes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
