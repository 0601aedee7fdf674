import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { isDiskFull } from '../../base/errors.js';
import type { Descriptors } from '../../core/kernel/descriptors.js';
import type { Fd } from '../../core/kernel/directory-files.js';
import type { OutputSource } from './reaped-output.js';
import type { SpoolLedger } from './spool-ledger.js';
import type { StreamName } from './stream-name.js';

const PIECE_BYTES = 65_536;

export interface SpooledFifoParts {
  readonly descriptors: Descriptors;
  readonly fifo: string;
  /** A file beside it, which the daemon after this one finds. */
  readonly spool: string;
  readonly stream: StreamName;
  readonly ledger: SpoolLedger;
  /** At a time. What is logged is dropped when it is as much: the file is one of the state directory, which is memory. */
  readonly pieceBytes?: number;
}

/**
 * A FIFO whose bytes go through a file on their way to the log, so that a daemon that dies between reading and logging them loses none:
 * they are moved by the kernel, and what is in the file and not in the log is there for the next daemon.
 */
export class SpooledFifo implements OutputSource {
  readonly #parts: SpooledFifoParts;
  readonly #closing = new AbortController();
  readonly #fifo: Fd;
  readonly #spool: Fd;
  readonly #pieceBytes: number;
  #size: number;

  /** Takes up what a daemon before this one has left in the file. */
  constructor(parts: SpooledFifoParts) {
    this.#parts = parts;
    this.#pieceBytes = parts.pieceBytes ?? PIECE_BYTES;
    this.#fifo = parts.descriptors.openFifo(parts.fifo, 'read');
    try {
      this.#spool = openSync(parts.spool, constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch (cause) {
      parts.descriptors.close(this.#fifo);
      throw cause;
    }
    this.#size = fstatSync(this.#spool).size;
  }

  destroy(): void {
    this.#closing.abort();
  }

  /** Its bytes, a piece at a time: the one before has to be logged when the next is asked for. */
  async *chunks(): AsyncGenerator<Uint8Array, undefined> {
    const { ledger, stream } = this.#parts;
    try {
      // A file that is shorter than what was taken of it was emptied after that.
      if (ledger.taken(stream) > this.#size) ledger.emptied(stream);
      yield* this.#unlogged();
      for (;;) {
        if (ledger.taken(stream) >= this.#pieceBytes) this.#empty();
        const filled = await this.#fill();
        if (filled === 0) return undefined;
        if (typeof filled === 'object') {
          yield filled;
          ledger.emptied(stream); // it never was in the file
        }
        yield* this.#unlogged();
      }
    } finally {
      this.#parts.descriptors.close(this.#fifo);
      closeSync(this.#spool);
    }
  }

  *#unlogged(): Generator<Uint8Array> {
    const { ledger, stream } = this.#parts;
    for (let at = ledger.taken(stream); at < this.#size; at = ledger.taken(stream)) {
      const piece = Buffer.alloc(Math.min(this.#pieceBytes, this.#size - at));
      const got = readSync(this.#spool, piece, 0, piece.length, at);
      if (got === 0)
        this.#size = at; // somebody else has cut it
      else yield piece.subarray(0, got);
    }
  }

  /** Waits for bytes. @returns How many are in the file now, 0 at the end; or bytes that the disk has no room for. */
  async #fill(): Promise<number | Uint8Array | undefined> {
    const { descriptors } = this.#parts;
    await descriptors.ready(this.#fifo, 'readable', this.#closing.signal);
    try {
      return this.#drain();
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
    }
    this.#empty();
    try {
      return this.#drain();
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
    }
    const piece = Buffer.alloc(this.#pieceBytes);
    return piece.subarray(0, readSync(this.#fifo, piece));
  }

  #drain(): number | undefined {
    const moved = this.#parts.descriptors.drainFifo(this.#fifo, this.#spool, this.#size, this.#pieceBytes);
    this.#size += moved ?? 0;
    return moved;
  }

  /** Only when all of it is logged. */
  #empty(): void {
    ftruncateSync(this.#spool);
    this.#size = 0;
    this.#parts.ledger.emptied(this.#parts.stream);
  }
}
