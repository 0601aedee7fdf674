import { DaemonError } from '../../base/errors.js';
import { parseNumericField } from './tar-number.js';

/** Tar archives are read in blocks of this size. */
export const BLOCK_BYTES = 512;

/** The fields of one 512-byte header block as they stand, whatever extended headers say. */
export interface TarHeader {
  /** Type flag as a character; `\0` in archives older than POSIX. */
  readonly typeFlag: string;
  readonly name: Buffer;
  readonly link: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  /** The variant by its magic field: old-GNU has other fields where ustar has a prefix. */
  readonly format: 'v7' | 'ustar' | 'gnu';
}

const USTAR = Buffer.from('ustar\0', 'latin1');
const GNU = Buffer.from('ustar  \0', 'latin1');
const STAR_TRAILER = Buffer.from('tar\0', 'latin1');
const NO_BYTES = Buffer.alloc(0);

/** True when a block holds nothing but NULs: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  if (block[0] !== 0) return false;
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

/**
 * Reads a header block (POSIX.1-1988 ustar; GNU tar's manual, "Basic Tar Format"). Names are copies.
 *
 * @throws invalid-argument: a wrong checksum (no tar at all, as a rule), or a field that is no number.
 */
export function parseHeader(block: Buffer): TarHeader {
  checkChecksum(block);
  const format = formatOf(block);
  const hasDevice = format !== 'v7';
  return {
    typeFlag: block.toString('latin1', 156, 157),
    name: nameOf(block, format),
    link: textField(block, 157, 257),
    mode: parseNumericField(block.subarray(100, 108), 'mode') & 0o7777,
    uid: parseNumericField(block.subarray(108, 116), 'uid'),
    gid: parseNumericField(block.subarray(116, 124), 'gid'),
    sizeBytes: parseNumericField(block.subarray(124, 136), 'size'),
    mtime: parseNumericField(block.subarray(136, 148), 'mtime'),
    major: hasDevice ? parseNumericField(block.subarray(329, 337), 'device major') : 0,
    minor: hasDevice ? parseNumericField(block.subarray(337, 345), 'device minor') : 0,
    format,
  };
}

/** The sum of all bytes, those of the checksum field taken as spaces; some old programs summed signed bytes. */
function checkChecksum(block: Buffer): void {
  let sum = 8 * 0x20;
  let highBytes = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    sum += byte;
    highBytes += byte >> 7;
  }
  const text = block.toString('latin1', 148, 156).replaceAll(/[\0 ]/g, '');
  const stored = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
  if (stored !== sum && stored !== sum - 256 * highBytes) {
    throw new DaemonError('invalid-argument', 'not a tar archive, or a broken one: the checksum of a header is wrong');
  }
}

function formatOf(block: Buffer): TarHeader['format'] {
  if (block.compare(USTAR, 0, 6, 257, 263) === 0) return 'ustar';
  return block.compare(GNU, 0, 8, 257, 265) === 0 ? 'gnu' : 'v7';
}

function nameOf(block: Buffer, format: TarHeader['format']): Buffer {
  const name = textField(block, 0, 100);
  if (format !== 'ustar') return name;
  const isStar = block.compare(STAR_TRAILER, 0, 4, 508, 512) === 0;
  const prefix = textField(block, 345, isStar ? 476 : 500);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** A copy of the field up to its first NUL. */
function textField(block: Buffer, from: number, to: number): Buffer {
  if (block[from] === 0) return NO_BYTES;
  const nul = block.indexOf(0, from);
  return Buffer.from(block.subarray(from, nul < 0 || nul > to ? to : nul));
}
