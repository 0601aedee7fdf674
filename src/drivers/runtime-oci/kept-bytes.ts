/** What is kept of a stream for a reader that comes (back): as much as a pipe holds. */
export const KEPT_BYTES = 65_536;

/** The newest bytes of a stream, in order; with a way to forget the oldest once they are delivered. */
export class KeptBytes {
  #chunks: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get room(): number {
    return KEPT_BYTES - this.#size;
  }

  /** Appends; what does not fit pushes out the oldest. */
  push(bytes: Uint8Array): void {
    const newest = bytes.subarray(Math.max(0, bytes.length - KEPT_BYTES));
    if (newest.length === 0) return;
    this.#chunks.push(Buffer.from(newest));
    this.#size += newest.length;
    if (this.#size > KEPT_BYTES) this.drop(this.#size - KEPT_BYTES);
  }

  /** The oldest piece, undefined when there is none. */
  get first(): Buffer | undefined {
    return this.#chunks[0];
  }

  /** Forgets the oldest bytes. */
  drop(count: number): void {
    let left = Math.min(count, this.#size);
    this.#size -= left;
    while (left > 0) {
      const first = this.#chunks[0];
      if (!first) return;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        return;
      }
      left -= first.length;
      this.#chunks.shift();
    }
  }

  /** A copy of all that is kept. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
