import { Gathering } from './gathering.js';

const BUFFER_BYTES = 1024 * 1024;
/** With less room than this a buffer counts as full. */
const ROOM_MIN = 16 * 1024;
/** Received and not yet taken; no more is wanted then. */
const AHEAD_BYTES_MAX = BUFFER_BYTES;

interface Block {
  readonly buffer: Buffer;
  filled: number;
  taken: number;
}

/** Bytes that are received right into buffers, which come round again: none is copied, and none is made for each piece. */
export class ReceiveBuffers {
  readonly #blocks: Block[] = [emptyBlock()];
  readonly #spare: Block[] = [];
  readonly #onTaken: () => void;
  #untaken = 0;
  #end: { readonly error?: unknown } | undefined;
  readonly #gathering = new Gathering();

  /** @param onTaken Called when something was taken out. */
  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  /** Whether enough has come for now. */
  get isFull(): boolean {
    return this.#untaken >= AHEAD_BYTES_MAX;
  }

  /** Where the next bytes are to go; there is always room. */
  room(): Buffer {
    const { buffer, filled } = this.#last();
    return buffer.subarray(filled);
  }

  /** So many bytes have come into the room that was given last. */
  received(bytes: number): void {
    const block = this.#last();
    block.filled += bytes;
    this.#untaken += bytes;
    if (block.buffer.length - block.filled < ROOM_MIN) this.#blocks.push(this.#spare.pop() ?? emptyBlock());
    if (this.isFull) this.#gathering.enough();
    else this.#gathering.some();
  }

  /** Takes bytes that came into other memory. */
  copy(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.room();
      const part = bytes.subarray(at, at + room.length);
      room.set(part);
      this.received(part.length);
      at += part.length;
    }
  }

  /** Ends it, with an error if there is one, which comes after all that was received; the first end counts. */
  end(how: { readonly error?: unknown } = {}): void {
    this.#end ??= how;
    this.#gathering.enough();
  }

  /** All that is there, and then what comes, until the end. A piece is overwritten once the next one is asked for. One reader only. */
  async *taken(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      if (!this.isFull && !this.#end) await this.#gathering.wait(this.#untaken > 0);
      for (let piece = this.#take(); piece; piece = this.#take()) {
        this.#onTaken();
        yield piece;
        this.#recycle();
        if (!this.isFull) break;
      }
      if (this.#untaken > 0) continue;
      if (this.#end && 'error' in this.#end) throw this.#end.error;
      if (this.#end) return;
    }
  }

  #take(): Uint8Array | undefined {
    const [block] = this.#blocks;
    if (block === undefined || block.taken === block.filled) return undefined;
    const piece = block.buffer.subarray(block.taken, block.filled);
    block.taken = block.filled;
    this.#untaken -= piece.length;
    return piece;
  }

  /** Gives back what is full and taken. */
  #recycle(): void {
    while (this.#blocks.length > 1 && this.#blocks[0]?.taken === this.#blocks[0]?.filled) {
      const block = this.#blocks.shift();
      if (block && this.#spare.length === 0) this.#spare.push(Object.assign(block, { filled: 0, taken: 0 }));
    }
  }

  #last(): Block {
    return this.#blocks.at(-1) ?? emptyBlock();
  }
}

function emptyBlock(): Block {
  // Memory of its own: what is in it is read by other threads.
  return { buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES), filled: 0, taken: 0 };
}
