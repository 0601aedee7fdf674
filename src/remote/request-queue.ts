import { deferred, type Deferred } from '../base/abort.js';

/** Requests of a stream, pushed by one side and taken in order by the other. Bounded by its user, who waits for each answer. */
export class RequestQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #news: Deferred<undefined> = deferred();
  #ended = false;

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** No more requests come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#news;
    this.#news = deferred();
    resolve(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const news = this.#news.promise;
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended) return;
      else await news;
    }
  }
}
