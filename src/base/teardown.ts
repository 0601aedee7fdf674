type Step = () => Promise<void> | void;

/** Steps to undo what was done, run last first. One that throws does not keep the others from running. */
export class Teardown implements AsyncDisposable {
  #steps: Step[] = [];

  /** Adds a step; it runs before those that were added earlier. */
  add(step: Step): void {
    this.#steps.push(step);
  }

  /** Disposes `resource` at the end, and hands it on. */
  own<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.add(async () => {
      if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
      else resource[Symbol.dispose]();
    });
    return resource;
  }

  /**
   * Runs every step, last first; a second call finds none.
   *
   * @throws The one error of a step, or an AggregateError of several, after all have run.
   */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'several clean-up steps went wrong');
  }

  /** Hands all steps over to the caller's `other`, so that this scope undoes nothing. */
  moveTo(other: Teardown): void {
    const steps = this.#steps;
    this.#steps = [];
    for (const step of steps) other.add(step);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.run();
  }

  /** Builds something from parts that each add their undoing; when a later part throws, the earlier ones are undone. */
  static async build<T>(make: (down: Teardown) => Promise<T>): Promise<T> {
    const down = new Teardown();
    try {
      return await make(down);
    } catch (cause) {
      await down.run();
      throw cause;
    }
  }
}
