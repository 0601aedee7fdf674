import { DaemonError, messageOf } from './errors.js';
import type { Logger } from './logger.js';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/**
 * What could not be removed, by the name that it takes. The removal is tried again: by itself, less and less often, and when the name
 * is wanted.
 */
export class Leftovers {
  readonly #left = new Map<string, Leftover>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Takes over what could not be removed because of `error`; a later call for that name replaces an earlier one. */
  keep(name: string, remove: () => Promise<void>, error: unknown): void {
    this.forget(name);
    this.#left.set(name, { remove, retryMs: FIRST_RETRY_MS, timer: undefined, running: undefined });
    this.#complain(name, error);
    this.#later(name);
  }

  /**
   * Removes what is left of that name, if anything is; resolves when nothing is.
   *
   * @throws failed-precondition: it can't be removed now, and why.
   */
  async clear(name: string): Promise<void> {
    const leftover = this.#left.get(name);
    if (!leftover) return;
    try {
      await this.#remove(name, leftover);
    } catch (cause) {
      throw new DaemonError(
        'failed-precondition',
        `what is left of ${name} can't be removed: ${messageOf(cause)}; put that right and try again`,
        { cause },
      );
    }
  }

  /** Tries no more. */
  forget(name: string): void {
    clearTimeout(this.#left.get(name)?.timer);
    this.#left.delete(name);
  }

  /** Two who want it at one time share one removal. */
  async #remove(name: string, leftover: Leftover): Promise<void> {
    leftover.running ??= leftover.remove().finally(() => {
      leftover.running = undefined;
    });
    await leftover.running;
    if (this.#left.get(name) === leftover) this.forget(name);
  }

  #later(name: string): void {
    const leftover = this.#left.get(name);
    if (!leftover) return;
    leftover.timer = setTimeout(() => {
      this.#remove(name, leftover).catch((error: unknown) => {
        if (this.#left.get(name) !== leftover) return;
        leftover.retryMs = Math.min(leftover.retryMs * 2, LAST_RETRY_MS);
        this.#complain(name, error);
        this.#later(name);
      });
    }, leftover.retryMs);
    leftover.timer.unref();
  }

  #complain(name: string, error: unknown): void {
    const { retryMs } = this.#left.get(name) ?? {};
    this.#log.error({ name, error: messageOf(error), retryMs }, 'what is left could not be removed; it is tried again');
  }
}

interface Leftover {
  readonly remove: () => Promise<void>;
  retryMs: number;
  timer: NodeJS.Timeout | undefined;
  running: Promise<void> | undefined;
}
