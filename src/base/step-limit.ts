import { abortable } from './abort.js';

/** A bound for each step of some work, however long the whole takes: a step beyond it aborts `signal`. */
export class StepLimit {
  readonly #ms: number;
  readonly #late: () => Error;
  readonly #controller = new AbortController();

  /**
   * @param ms Milliseconds for one step.
   * @param late Makes the error of a step that takes longer.
   */
  constructor(ms: number, late: () => Error) {
    this.#ms = ms;
    this.#late = late;
  }

  /** To be given to the work. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles as `work` does. @throws What `late` makes, also of every later step. */
  async step<T>(work: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const timer = setTimeout(() => {
      this.#controller.abort(this.#late());
    }, this.#ms);
    try {
      return await abortable(work, this.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
