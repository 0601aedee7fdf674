import { deferred, type Deferred } from '../../base/abort.js';

/** What comes within this time goes on as one piece: each write costs the same, be it small or large. */
const GATHER_MS = 20;

/** Where one reader waits until enough has come, or a moment has gone by since something came. */
export class Gathering {
  #wake: Deferred<undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Enough is there, or nothing more will come. */
  enough(): void {
    this.#wake?.resolve(undefined);
  }

  /** Something is there, and perhaps more comes. */
  some(): void {
    const wake = this.#wake;
    if (wake) this.#timer ??= setTimeout(() => wake.resolve(undefined), GATHER_MS);
  }

  /** @param hasSome Something is there already. */
  async wait(hasSome: boolean): Promise<void> {
    this.#wake = deferred<undefined>();
    if (hasSome) this.some();
    await this.#wake.promise;
    this.#wake = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
