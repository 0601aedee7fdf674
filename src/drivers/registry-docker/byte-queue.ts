import { Gathering } from './gathering.js';

/** What comes within a moment goes on as one piece of about this size. */
const GATHER_BYTES = 512 * 1024;
/** Less than this is not worth memory of its own. */
const SMALL_BYTES = 128 * 1024;

export interface Taking {
  /** Waits a moment for small pieces to become a large one. */
  readonly gather?: boolean;
  /**
   * A piece may be overwritten once the next one is asked for. What is put in is copied at once, then: thousands of buffers that wait here
   * would be old when they are done with, and a collection of all memory be needed each time to have it back.
   */
  readonly transient?: boolean | undefined;
  /** Called when something was taken out. */
  readonly onTaken?: () => void;
}

/** Bytes from one who has them to one who takes them. An error comes after all that was put in before it. */
export class ByteQueue {
  readonly #gather: boolean;
  readonly #transient: boolean;
  readonly #onTaken: () => void;
  /** Behind what the slab has. */
  #pieces: Uint8Array[] = [];
  #length = 0;
  #end: { readonly error?: unknown } | undefined;
  readonly #gathering = new Gathering();
  #slab: Slab | undefined;

  constructor({ gather = false, transient = false, onTaken = () => undefined }: Taking = {}) {
    this.#gather = gather;
    this.#transient = transient;
    this.#onTaken = onTaken;
  }

  /** Bytes put in and not yet taken. */
  get length(): number {
    return this.#length;
  }

  put(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    if (this.#transient && this.#length > SMALL_BYTES) this.#slab ??= new Slab();
    this.#copy();
    if (this.#isEnough()) this.#gathering.enough();
    else this.#gathering.some();
  }

  /** Ends it, with an error if there is one; the first end counts. */
  end(how: { readonly error?: unknown } = {}): void {
    this.#end ??= how;
    this.#gathering.enough();
  }

  /** All that is there, and then what comes, until the end. One reader only. */
  async *taken(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      if (!this.#isEnough() && !this.#end) await this.#gathering.wait(this.#length > 0);
      for (let next = this.#next(); next; next = this.#next()) {
        this.#onTaken();
        yield next;
        if (!this.#isEnough()) break;
      }
      if (this.#length > 0) continue;
      if (this.#end && 'error' in this.#end) throw this.#end.error;
      if (this.#end) return;
    }
  }

  #isEnough(): boolean {
    return this.#length >= (this.#gather ? GATHER_BYTES : 1);
  }

  #copy(): void {
    let copied = 0;
    while (copied < this.#pieces.length && this.#slab?.add(this.#pieces[copied] as Uint8Array)) copied += 1;
    if (copied > 0) this.#pieces.splice(0, copied);
  }

  #next(): Uint8Array | undefined {
    const next = this.#slab?.take() ?? this.#concat();
    this.#length -= next?.length ?? 0;
    this.#copy();
    return next;
  }

  #concat(): Uint8Array | undefined {
    let count = 0;
    let bytes = 0;
    for (const { length } of this.#pieces) {
      if (count > 0 && bytes + length > GATHER_BYTES) break;
      bytes += length;
      count += 1;
    }
    const taken = this.#pieces.splice(0, count);
    return taken.length > 1 ? Buffer.concat(taken, bytes) : taken[0];
  }
}

/** Two buffers: one is filled while the other one is in use. */
class Slab {
  #filling: Buffer = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #other: Buffer | undefined;
  #filled = 0;

  /** @returns False when there is no room for it. */
  add(bytes: Uint8Array): boolean {
    if (this.#filled + bytes.length > this.#filling.length) return false;
    this.#filling.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return true;
  }

  /** What is there; overwritten after the next time. */
  take(): Uint8Array | undefined {
    if (this.#filled === 0) return undefined;
    const taken = this.#filling.subarray(0, this.#filled);
    const next = this.#other ?? Buffer.allocUnsafeSlow(GATHER_BYTES);
    this.#other = this.#filling;
    this.#filling = next;
    this.#filled = 0;
    return taken;
  }
}
