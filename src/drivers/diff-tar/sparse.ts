import { DaemonError } from '../../base/errors.js';
import { overLimit } from '../../core/diff/applier.js';
import { pairUp } from './pax.js';
import type { SparseSegment } from './tar-entry.js';
import { BLOCK_BYTES } from './tar-header.js';
import { parseDecimal, parseNumericField } from './tar-number.js';

const OLD_GNU_HEADER = { at: 386, count: 4, extendedAt: 482, realSizeAt: 483 } as const;
const OLD_GNU_EXTENSION = { at: 0, count: 21, extendedAt: 504 } as const;
const FIELD_BYTES = 12;
const NEWLINE = 0x0a;

/** Bytes of the file that a header of type `S` describes. */
export function oldGnuRealSize(header: Buffer): number {
  const at = OLD_GNU_HEADER.realSizeAt;
  return parseNumericField(header.subarray(at, at + FIELD_BYTES), 'real size');
}

/**
 * Adds the segments of an old-GNU sparse header, or of one of the extension blocks behind it (GNU tar's manual,
 * "Old GNU Format").
 *
 * @returns True when another extension block follows.
 */
export function readOldGnuSegments(block: Buffer, kind: 'header' | 'extension', segments: SparseSegment[]): boolean {
  const layout = kind === 'header' ? OLD_GNU_HEADER : OLD_GNU_EXTENSION;
  for (let index = 0; index < layout.count; index += 1) {
    const at = layout.at + index * 2 * FIELD_BYTES;
    if (block[at] === 0) break;
    segments.push({
      offset: parseNumericField(block.subarray(at, at + FIELD_BYTES), 'sparse offset'),
      length: parseNumericField(block.subarray(at + FIELD_BYTES, at + 2 * FIELD_BYTES), 'sparse length'),
    });
  }
  return block[layout.extendedAt] !== 0;
}

/** Reads the map in front of a PAX 1.0 sparse file's data: decimal numbers, a line each, filled up to whole blocks. */
export class SparseMapReader {
  readonly #numbers: number[] = [];
  readonly #maxBytes: number;
  #line = '';
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the map's blocks so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns The segments once the map is complete. */
  push(block: Buffer): SparseSegment[] | undefined {
    this.#bytes += BLOCK_BYTES;
    if (this.#bytes > this.#maxBytes) {
      throw overLimit('maxPaxBytes', `tar: a sparse file's map is over ${this.#maxBytes} bytes`);
    }
    for (let from = 0; from < block.length && !this.#complete;) {
      const newline = block.indexOf(NEWLINE, from);
      this.#line += block.toString('latin1', from, newline < 0 ? block.length : newline);
      if (this.#line.length > 20)
        throw new DaemonError('invalid-argument', "tar: a sparse file's map is no list of numbers");
      if (newline < 0) break;
      this.#numbers.push(parseDecimal(this.#line, 'sparse map'));
      this.#line = '';
      from = newline + 1;
    }
    return this.#complete ? pairUp(this.#numbers.slice(1)) : undefined;
  }

  get #complete(): boolean {
    const count = this.#numbers[0];
    return count !== undefined && this.#numbers.length >= 1 + 2 * count;
  }
}

/**
 * Checks that segments rise without overlap, stay inside of the file and hold just the stored bytes.
 *
 * @throws invalid-argument: they do not.
 */
export function checkSegments(segments: readonly SparseSegment[], storedBytes: number, sizeBytes: number): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of segments) {
    if (offset < end || length < 0 || offset + length > sizeBytes) {
      throw new DaemonError('invalid-argument', 'tar: the segments of a sparse file overlap or lie outside of it');
    }
    end = offset + length;
    total += length;
  }
  if (total !== storedBytes || !Number.isSafeInteger(sizeBytes)) {
    throw new DaemonError('invalid-argument', 'tar: the segments of a sparse file do not add up to its stored bytes');
  }
}
