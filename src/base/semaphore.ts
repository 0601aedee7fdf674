import { deferred, onAbort } from './abort.js';

/** Lets at most `limit` holders in at once; the others wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Whether somebody who comes now would have to wait. */
  get isFull(): boolean {
    return this.#free <= 0;
  }

  /** Runs `work` when there is room. @throws The signal's reason when aborted while waiting. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve, reject } = deferred<undefined>();
    const admit = () => {
      resolve(undefined);
    };
    this.#waiting.push(admit);
    using _ = onAbort(signal, (reason) => {
      const at = this.#waiting.indexOf(admit);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      reject(reason);
    });
    await promise;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
