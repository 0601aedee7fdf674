import { deferred, type Deferred } from '../../base/abort.js';

/** Bytes from one who has them to one who takes them. An error comes after all that was put in before it. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #end: { readonly error?: unknown } | undefined;
  #wake: Deferred<undefined> | undefined;

  /** Bytes put in and not yet taken. */
  get length(): number {
    return this.#length;
  }

  put(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    this.#wake?.resolve(undefined);
  }

  /** Ends it, with an error if there is one; the first end counts. */
  end(how: { readonly error?: unknown } = {}): void {
    this.#end ??= how;
    this.#wake?.resolve(undefined);
  }

  /**
   * All that is there, and then what comes, until the end. One reader only.
   *
   * @param onTaken Called when nothing is left that was put in.
   */
  async *taken(onTaken?: () => void): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      while (this.#pieces.length > 0) {
        // What came in while the last piece was written goes on as one: each write costs the same, be it small or large.
        const next = Buffer.concat(this.#pieces.splice(0));
        this.#length = 0;
        onTaken?.();
        yield next;
      }
      if (this.#end && 'error' in this.#end) throw this.#end.error;
      if (this.#end) return;
      this.#wake = deferred<undefined>();
      await this.#wake.promise;
    }
  }
}
