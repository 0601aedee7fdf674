import { DaemonError } from '../../base/errors.js';
import { overLimit } from '../../core/diff/applier.js';
import { readPaxRecords, startFrom, xattrBytes, type PaxValues } from './pax.js';
import { checkSegments, oldGnuRealSize, readOldGnuSegments, SparseMapReader } from './sparse.js';
import type { SparseSegment, TarEntry, TarSink } from './tar-entry.js';
import { BLOCK_BYTES, isZeroBlock, parseHeader, type TarHeader } from './tar-header.js';
import { entryOf, type LongNames } from './tar-member.js';

const NO_BYTES = Buffer.alloc(0);
/** Type flags whose data say something of the entry behind them. */
const EXTENDED = new Set(['x', 'X', 'g', 'L', 'K']);

/** What the next bytes are. */
type State =
  | { readonly kind: 'header' }
  | { readonly kind: 'extended'; readonly flag: string; readonly bytes: Buffer; filled: number }
  | { readonly kind: 'gnu-segments'; readonly entry: TarEntry; readonly segments: SparseSegment[] }
  | { readonly kind: 'sparse-map'; readonly entry: TarEntry; readonly map: SparseMapReader }
  | { readonly kind: 'data'; left: number; readonly padding: number }
  | { readonly kind: 'padding'; left: number }
  | { readonly kind: 'midway' }
  | { readonly kind: 'end' };

const HEADER: State = { kind: 'header' };
/** In an entry that the sink takes by itself. */
const MIDWAY: State = { kind: 'midway' };

/**
 * Reads a tar stream pushed into it piece by piece: ustar, PAX (local and global), GNU long names and links, sparse files
 * of all GNU forms, base-256 numbers. What follows the end marker is taken and ignored.
 */
export class TarParser {
  readonly #sink: TarSink;
  readonly #maxExtendedBytes: number;
  readonly #global: PaxValues = {};
  #pax: PaxValues | undefined;
  /** Of all extended headers since the last entry, but for global ones: a next one adds to what they brought. */
  #extendedBytes = 0;
  #hasGlobal = false;
  #long: LongNames = {};
  #state: State = HEADER;
  /** The part of a block that earlier pieces brought. */
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #blockBytes = 0;
  #zeroBlocks = 0;

  /** @param maxExtendedBytes Bound for the PAX headers and long names of one entry together, for a sparse map, and for what global headers leave behind. */
  constructor(sink: TarSink, maxExtendedBytes: number) {
    this.#sink = sink;
    this.#maxExtendedBytes = maxExtendedBytes;
  }

  /**
   * Takes the next bytes. What the sink gets of them stays valid until it returns.
   *
   * @throws invalid-argument: no tar, or a broken one. resource-exhausted: an extended header over the bound.
   */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#take(chunk, at);
  }

  /** @throws data-loss: the stream ends within an entry. */
  finish(): void {
    const atBoundary = this.#state.kind === 'header' && this.#blockBytes === 0 && this.#pax === undefined;
    if (this.#state.kind !== 'end' && !atBoundary) {
      throw new DaemonError('data-loss', 'the tar archive ends in the middle of an entry: it is cut off');
    }
  }

  /** @returns Where the bytes that are left begin. */
  #take(chunk: Buffer, at: number): number {
    const state = this.#state;
    switch (state.kind) {
      case 'end':
        return chunk.length;
      case 'padding':
        return this.#skip(state, chunk, at);
      case 'data':
        return this.#passData(state, chunk, at);
      case 'extended':
        return this.#collect(state, chunk, at);
      case 'midway':
        return this.#run(chunk, at);
      case 'header': {
        const next = this.#run(chunk, at);
        return next < chunk.length ? this.#takeBlock(state, chunk, next) : next;
      }
      default:
        return this.#takeBlock(state, chunk, at);
    }
  }

  #run(chunk: Buffer, at: number): number {
    if (this.#sink.run === undefined || !this.#saysNothing()) return at;
    const next = this.#sink.run(chunk, at);
    this.#state = next < 0 ? MIDWAY : HEADER;
    return next < 0 ? chunk.length : next;
  }

  /** Whether nothing before it says anything of the next entry. */
  #saysNothing(): boolean {
    const { name, link } = this.#long;
    const isPlain = this.#pax === undefined && name === undefined && link === undefined && this.#extendedBytes === 0;
    return isPlain && !this.#hasGlobal && this.#blockBytes === 0 && this.#zeroBlocks === 0;
  }

  #skip(state: { left: number }, chunk: Buffer, at: number): number {
    const count = Math.min(state.left, chunk.length - at);
    state.left -= count;
    if (state.left === 0) this.#state = HEADER;
    return at + count;
  }

  #passData(state: { left: number; padding: number }, chunk: Buffer, at: number): number {
    const count = Math.min(state.left, chunk.length - at);
    this.#sink.data(chunk.subarray(at, at + count));
    state.left -= count;
    if (state.left === 0) {
      this.#sink.end();
      this.#pad(state.padding);
    }
    return at + count;
  }

  #collect(state: State & { kind: 'extended' }, chunk: Buffer, at: number): number {
    const count = Math.min(state.bytes.length - state.filled, chunk.length - at);
    chunk.copy(state.bytes, state.filled, at, at + count);
    state.filled += count;
    if (state.filled === state.bytes.length) {
      this.#pad(paddingOf(state.bytes.length));
      this.#extend(state.flag, state.bytes);
    }
    return at + count;
  }

  #pad(bytes: number): void {
    this.#state = bytes === 0 ? HEADER : { kind: 'padding', left: bytes };
  }

  #takeBlock(state: State, chunk: Buffer, at: number): number {
    if (this.#blockBytes === 0 && chunk.length - at >= BLOCK_BYTES) {
      const next = at + BLOCK_BYTES;
      return next + this.#useBlock(state, chunk.subarray(at, next), chunk, next);
    }
    const count = Math.min(BLOCK_BYTES - this.#blockBytes, chunk.length - at);
    chunk.copy(this.#block, this.#blockBytes, at, at + count);
    this.#blockBytes += count;
    if (this.#blockBytes < BLOCK_BYTES) return at + count;
    this.#blockBytes = 0;
    return at + count + this.#useBlock(state, this.#block, chunk, at + count);
  }

  /** @returns How many bytes behind the block were used as well. */
  #useBlock(state: State, block: Buffer, chunk: Buffer, next: number): number {
    switch (state.kind) {
      case 'gnu-segments':
        if (readOldGnuSegments(block, 'extension', state.segments)) {
          this.#checkSegmentCount(state.segments);
          return 0;
        }
        return this.#startSparse(state.entry, state.segments, 0);
      case 'sparse-map': {
        const segments = state.map.push(block);
        return segments === undefined ? 0 : this.#startSparse(state.entry, segments, state.map.bytes);
      }
      default:
        return this.#useHeader(block, chunk, next);
    }
  }

  #useHeader(block: Buffer, chunk: Buffer, next: number): number {
    if (isZeroBlock(block)) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#state = { kind: 'end' };
      return 0;
    }
    if (this.#zeroBlocks > 0) {
      throw new DaemonError(
        'invalid-argument',
        'tar: an entry follows a single block of zeros; two of them end an archive',
      );
    }
    const header = parseHeader(block);
    if (EXTENDED.has(header.typeFlag)) return this.#startExtended(header);
    return this.#startEntry(header, block, chunk, next);
  }

  #startExtended(header: TarHeader): number {
    const bytes = header.sizeBytes;
    const before = header.typeFlag === 'g' ? 0 : this.#extendedBytes;
    this.#checkExtended(bytes < 0 ? Infinity : before + bytes);
    if (header.typeFlag !== 'g') this.#extendedBytes += bytes;
    if (bytes === 0) this.#extend(header.typeFlag, NO_BYTES);
    else this.#state = { kind: 'extended', flag: header.typeFlag, bytes: Buffer.allocUnsafe(bytes), filled: 0 };
    return 0;
  }

  #checkExtended(bytes: number): void {
    if (bytes <= this.#maxExtendedBytes) return;
    throw overLimit(
      'maxPaxBytes',
      `tar: extended headers of ${bytes} bytes, over the limit of ${this.#maxExtendedBytes}`,
    );
  }

  #extend(flag: string, bytes: Buffer): void {
    if (flag === 'L') this.#long.name = untilNul(bytes);
    else if (flag === 'K') this.#long.link = untilNul(bytes);
    else if (flag === 'g') {
      this.#hasGlobal = true;
      readPaxRecords(bytes, this.#global, 'global');
      this.#checkExtended(xattrBytes(this.#global));
    } else {
      // Of several before one entry the last one counts, as for GNU tar and Go's reader.
      readPaxRecords(bytes, (this.#pax = startFrom(this.#global)), 'local');
    }
  }

  #startEntry(header: TarHeader, block: Buffer, chunk: Buffer, next: number): number {
    const pax = this.#pax ?? startFrom(this.#global);
    const entry = entryOf(header, pax, this.#long);
    this.#pax = undefined;
    this.#extendedBytes = 0;
    this.#long = {};
    if (header.typeFlag === 'S') return this.#startOldGnu(entry, block);
    if (pax.sparse?.major === 1 && entry.type === 'file') {
      this.#state = { kind: 'sparse-map', entry, map: new SparseMapReader(this.#maxExtendedBytes) };
      return 0;
    }
    if (pax.sparse && pax.sparse.sizeBytes !== undefined && entry.type === 'file') {
      return this.#startSparse(entry, pax.sparse.segments, 0);
    }
    return this.#startData(entry, chunk, next);
  }

  #startOldGnu(entry: TarEntry, block: Buffer): number {
    const segments: SparseSegment[] = [];
    const whole = { ...entry, sizeBytes: oldGnuRealSize(block) };
    if (!readOldGnuSegments(block, 'header', segments)) return this.#startSparse(whole, segments, 0);
    this.#state = { kind: 'gnu-segments', entry: whole, segments };
    return 0;
  }

  #checkSegmentCount(segments: readonly SparseSegment[]): void {
    if (segments.length * 24 > this.#maxExtendedBytes) {
      throw overLimit('maxPaxBytes', `tar: a sparse file has over ${segments.length} segments`);
    }
  }

  /** @param mapBytes Of the entry's stored bytes, those that the map took. */
  #startSparse(entry: TarEntry, segments: readonly SparseSegment[], mapBytes: number): number {
    const storedBytes = entry.storedBytes - mapBytes;
    checkSegments(segments, storedBytes, entry.sizeBytes);
    const sparse = segments.filter((segment) => segment.length > 0);
    this.#sink.entry({ ...entry, storedBytes, sparse }, storedBytes === 0 ? NO_BYTES : undefined);
    if (storedBytes === 0) this.#pad(0);
    else this.#state = { kind: 'data', left: storedBytes, padding: paddingOf(storedBytes) };
    return 0;
  }

  #startData(entry: TarEntry, chunk: Buffer, next: number): number {
    const bytes = entry.storedBytes;
    const padding = paddingOf(bytes);
    if (bytes + padding <= chunk.length - next) {
      this.#state = HEADER;
      this.#sink.entry(entry, bytes === 0 ? NO_BYTES : chunk.subarray(next, next + bytes));
      return bytes + padding;
    }
    this.#sink.entry(entry, undefined);
    this.#state = { kind: 'data', left: bytes, padding };
    return 0;
  }
}

function paddingOf(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function untilNul(bytes: Buffer): Buffer {
  const nul = bytes.indexOf(0);
  return Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul));
}
