import type { Logger } from '../base/logger.js';
import { messageOf } from '../base/errors.js';
import type { Memory } from '../core/kernel/memory.js';

/** What is looked at, to be told apart from work: the whole process's CPU time in milliseconds. */
export interface QuietTimeParts {
  readonly memory: Pick<Memory, 'releaseUnused' | 'releaseCode'>;
  readonly log: Logger;
  readonly cpuMs: () => number;
}

/** After how long without work memory is given back; idle worker threads have ended by then. */
export const QUIET_MS = 15_000;

/** CPU time in that time that is no work. */
const QUIET_CPU_MS = 150;

/** How long after that V8, of which the heap has become small, has collected once more and brought its own code back for it. */
export const AFTERMATH_MS = 10_000;

/** Gives memory back after work, when there was none for a while. No timer runs while nothing happens. */
export class QuietTime implements Disposable {
  readonly #parts: QuietTimeParts;
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;
  #cpuMs = 0;

  constructor(parts: QuietTimeParts) {
    this.#parts = parts;
    this.stir();
  }

  /** Something was asked for. What it starts may go on for long: that is seen by its CPU time. */
  stir(): void {
    if (this.#timer && !this.#isReleased) return;
    this.#isReleased = false;
    this.#wait(QUIET_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#cpuMs = this.#parts.cpuMs();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, delayMs).unref();
  }

  #look(): void {
    const { memory, cpuMs } = this.#parts;
    if (cpuMs() - this.#cpuMs > QUIET_CPU_MS) {
      this.stir();
    } else if (this.#isReleased) {
      this.#release(() => {
        memory.releaseCode();
      });
    } else {
      this.#isReleased = this.#release(() => {
        memory.releaseUnused();
      });
      if (this.#isReleased) this.#wait(AFTERMATH_MS);
    }
  }

  /** @returns Whether that went well; why not is told. */
  #release(release: () => void): boolean {
    const { log } = this.#parts;
    try {
      const beganMs = performance.now();
      release();
      log.debug({ ms: Math.round(performance.now() - beganMs) }, 'memory that is not in use is given back');
      return true;
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'memory that is not in use could not be given back');
      return false;
    }
  }
}
