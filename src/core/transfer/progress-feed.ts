import { deferred, type Deferred } from '../../base/abort.js';
import type { TransferProgress } from './progress.js';

/** Nobody sees more of a row that only moves on; each report costs both sides a message. */
const PACE_MS = 100;

/**
 * Carries progress from a flow to one reader. The flow never waits: of reports that the reader has not taken, the last one of each row's
 * stage replaces those before it, save the first of a stage. So memory is bounded by the number of rows. The first report of a stage comes
 * at once, with all before it; others come every 100 ms.
 */
export class ProgressFeed implements AsyncIterable<TransferProgress> {
  readonly #queue: TransferProgress[] = [];
  readonly #stages = new Map<string, TransferProgress['state']>();
  /** Reports in the queue that may still be replaced, by row. */
  readonly #replaceable = new Map<string, TransferProgress>();
  #wake: Deferred<undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When rows that only move on are told again. */
  #dueMs = 0;
  #ended = false;

  readonly push = (progress: TransferProgress): void => {
    if (this.#ended) return;
    const { key, state } = progress;
    const pending = this.#replaceable.get(key);
    if (this.#stages.get(key) !== state) {
      this.#stages.set(key, state);
      this.#replaceable.delete(key);
      this.#queue.push(progress);
      this.#wake?.resolve(undefined);
    } else {
      const at = pending === undefined ? -1 : this.#queue.lastIndexOf(pending);
      if (at < 0) this.#queue.push(progress);
      else this.#queue[at] = progress;
      this.#replaceable.set(key, progress);
      this.#wakeWhenDue();
    }
  };

  /** No more will come; the reader gets what is in the queue and then the end. */
  end(): void {
    this.#ended = true;
    this.#wake?.resolve(undefined);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TransferProgress, void> {
    for (;;) {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) yield next;
      this.#dueMs = performance.now() + PACE_MS;
      if (this.#ended) return;
      this.#wake = deferred<undefined>();
      await this.#wake.promise;
      this.#wake = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #wakeWhenDue(): void {
    const wake = this.#wake;
    if (wake) this.#timer ??= setTimeout(() => wake.resolve(undefined), this.#dueMs - performance.now());
  }
}
