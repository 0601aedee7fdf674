import { deferred, type Deferred } from '../../base/abort.js';

/** Each write costs the same, be it small or large: what comes within this time goes on as one piece of about this size. */
const GATHER_MS = 20;
const GATHER_BYTES = 512 * 1024;

export interface Taking {
  /** Waits a moment for small pieces to become a large one. */
  readonly gather?: boolean;
  /** A piece may be overwritten once the next one is asked for; it saves the memory of one after another. */
  readonly transient?: boolean | undefined;
  /** Called when something was taken out. */
  readonly onTaken?: () => void;
}

/** Bytes from one who has them to one who takes them. An error comes after all that was put in before it. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #end: { readonly error?: unknown } | undefined;
  /** So many bytes are waited for, or until they are due. */
  #enough = 1;
  #timer: NodeJS.Timeout | undefined;
  #wake: Deferred<undefined> | undefined;
  #slab: Buffer | undefined;

  /** Bytes put in and not yet taken. */
  get length(): number {
    return this.#length;
  }

  put(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= this.#enough) this.#wake?.resolve(undefined);
    else this.#wakeSoon();
  }

  /** Ends it, with an error if there is one; the first end counts. */
  end(how: { readonly error?: unknown } = {}): void {
    this.#end ??= how;
    this.#wake?.resolve(undefined);
  }

  /** All that is there, and then what comes, until the end. One reader only. */
  async *taken({ gather = false, transient = false, onTaken }: Taking = {}): AsyncGenerator<Uint8Array, void> {
    this.#enough = gather ? GATHER_BYTES : 1;
    for (;;) {
      await this.#ready();
      while (this.#pieces.length > 0) {
        const next = this.#next(transient);
        onTaken?.();
        yield next;
      }
      if (this.#end && 'error' in this.#end) throw this.#end.error;
      if (this.#end) return;
    }
  }

  async #ready(): Promise<void> {
    if (this.#length < this.#enough && !this.#end) {
      this.#wake = deferred<undefined>();
      if (this.#length > 0) this.#wakeSoon();
      await this.#wake.promise;
      this.#wake = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #wakeSoon(): void {
    const wake = this.#wake;
    if (wake) this.#timer ??= setTimeout(() => wake.resolve(undefined), GATHER_MS);
  }

  #next(transient: boolean): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#pieces) {
      if (count > 0 && bytes + length > GATHER_BYTES) break;
      bytes += length;
      count += 1;
    }
    const taken = this.#pieces.splice(0, count);
    this.#length -= bytes;
    const [only] = taken;
    if (only && count === 1) return only;
    return transient && bytes > GATHER_BYTES / 2 ? this.#copied(taken) : Buffer.concat(taken, bytes);
  }

  #copied(pieces: readonly Uint8Array[]): Uint8Array {
    const slab = (this.#slab ??= Buffer.allocUnsafeSlow(GATHER_BYTES));
    let at = 0;
    for (const piece of pieces) {
      slab.set(piece, at);
      at += piece.length;
    }
    return slab.subarray(0, at);
  }
}
