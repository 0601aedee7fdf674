import { closeSync, fsyncSync, openSync, statfsSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDiskFull } from '../../base/errors.js';
import { faultPoint } from '../../base/fault-point.js';

const RESERVE_BYTES = 2 << 20;
const PIECE_BYTES = 1 << 16;
/** Below that nothing is set aside: others need the room more. */
const PLENTY_BYTES = 4 * RESERVE_BYTES;
/** Above that a write error has another cause than a full disk. */
const FULL_BYTES = 1 << 20;

/** A file that only takes room, to be given up for as long as what frees some has no room itself. */
export class SpaceReserve {
  readonly #path: string;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Gives the room up; false when there is none. */
  spend(): boolean {
    if (this.#bytes === 0) return false;
    this.#bytes = 0;
    truncateSync(this.#path);
    return true;
  }

  /** Sets room aside, once there is plenty. */
  restore(): void {
    if (this.#bytes < RESERVE_BYTES && this.#freeBytes() >= PLENTY_BYTES) this.refill();
  }

  /** Takes back what is left of the room, before others do. */
  refill(): void {
    try {
      this.#fill();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  #fill(): void {
    this.#bytes = 0;
    const fd = openSync(this.#path, 'w', 0o600);
    try {
      const piece = Buffer.alloc(PIECE_BYTES);
      while (this.#bytes < RESERVE_BYTES) this.#bytes += writeSync(fd, piece);
      fsyncSync(fd);
      faultPoint('room is set aside');
    } finally {
      closeSync(fd);
    }
  }

  isDiskFull(): boolean {
    return this.#freeBytes() < FULL_BYTES;
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return bavail * bsize;
  }
}
