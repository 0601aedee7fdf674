import { deferred, type Deferred } from '../base/abort.js';

/** Messages for a call's request stream, pushed from several places. A push resolves when the call has taken the message. */
export class RequestQueue<Message> implements AsyncIterable<Message> {
  readonly #waiting: { readonly message: Message; readonly taken: Deferred<undefined> }[] = [];
  #more: Deferred<undefined> = deferred();
  #ended = false;
  #error: unknown;

  /** Resolves when the message is taken, or at once after the end (it is dropped then). */
  push(message: Message): Promise<undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const taken = deferred<undefined>();
    this.#waiting.push({ message, taken });
    this.#more.resolve(undefined);
    return taken.promise;
  }

  /** No more messages; those that wait are dropped. */
  end(): void {
    this.#ended = true;
    for (const { taken } of this.#waiting.splice(0)) taken.resolve(undefined);
    this.#more.resolve(undefined);
  }

  /** The call is told of the error, and the queue ends. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Message> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next) {
          yield next.message;
          next.taken.resolve(undefined);
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error as Error;
          return;
        } else {
          await this.#more.promise;
          this.#more = deferred();
        }
      }
    } finally {
      this.end();
    }
  }
}
