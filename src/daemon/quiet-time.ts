import type { Logger } from '../base/logger.js';
import { messageOf } from '../base/errors.js';
import type { Memory } from '../core/kernel/memory.js';

/** What is looked at, to be told apart from work: the whole process's CPU time in milliseconds. */
export interface QuietTimeParts {
  readonly memory: Pick<Memory, 'releaseUnused'>;
  readonly log: Logger;
  readonly cpuMs: () => number;
}

/** After how long without work memory is given back; idle worker threads have ended by then. */
export const QUIET_MS = 15_000;

/** CPU time in that time that is no work. */
const QUIET_CPU_MS = 150;

/** Gives memory back once after work, when there was none for a while. No timer runs while nothing happens. */
export class QuietTime implements Disposable {
  readonly #parts: QuietTimeParts;
  #timer: NodeJS.Timeout | undefined;
  #cpuMs = 0;

  constructor(parts: QuietTimeParts) {
    this.#parts = parts;
    this.stir();
  }

  /** Something was asked for. What it starts may go on for long: that is seen by its CPU time. */
  stir(): void {
    if (this.#timer) return;
    this.#cpuMs = this.#parts.cpuMs();
    this.#timer = setTimeout(() => {
      this.#look();
    }, QUIET_MS).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { memory, log, cpuMs } = this.#parts;
    this.#timer = undefined;
    if (cpuMs() - this.#cpuMs > QUIET_CPU_MS) {
      this.stir();
      return;
    }
    try {
      const beganMs = performance.now();
      memory.releaseUnused();
      log.debug({ ms: Math.round(performance.now() - beganMs) }, 'memory that is not in use is given back');
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'memory that is not in use could not be given back');
    }
  }
}
