import { Semaphore } from './semaphore.js';

interface Holder {
  readonly gate: Semaphore;
  users: number;
}

/** Mutual exclusion by key: pieces of work under one key run one after another, in the order they came. */
export class KeyedLock {
  readonly #holders = new Map<string, Holder>();

  /** @throws The signal's reason when aborted while waiting; and what `work` throws. */
  async run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const holder = this.#holders.get(key) ?? { gate: new Semaphore(1), users: 0 };
    this.#holders.set(key, holder);
    holder.users += 1;
    try {
      return await holder.gate.run(work, signal);
    } finally {
      holder.users -= 1;
      if (holder.users === 0) this.#holders.delete(key);
    }
  }
}
