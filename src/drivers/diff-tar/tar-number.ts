import { DaemonError } from '../../base/errors.js';

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

/**
 * A numeric field of a tar header: octal digits between spaces or NULs (POSIX ustar), or big-endian base-256 when the
 * highest bit of the first byte is set (GNU; two's complement in the other bits). An empty field is 0.
 *
 * @param what Names the field in the error.
 * @throws invalid-argument: neither form, or outside of ±(2^53-1).
 */
export function parseNumericField(field: Uint8Array, what: string): number {
  return ((field[0] ?? 0) & 0x80) === 0 ? parseOctal(field, what) : parseBase256(field, what);
}

function parseOctal(field: Uint8Array, what: string): number {
  let at = 0;
  while (at < field.length && isBlank(field[at])) at += 1;
  let value = 0;
  for (; at < field.length; at += 1) {
    const digit = field[at] ?? 0;
    if (digit < ZERO || digit > SEVEN) break;
    value = value * 8 + (digit - ZERO);
  }
  if (field[at] !== 0) {
    for (; at < field.length; at += 1) {
      if (!isBlank(field[at])) throw new DaemonError('invalid-argument', `tar header: ${what} is not an octal number`);
    }
  }
  return checkRange(value, what);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0;
}

function parseBase256(field: Uint8Array, what: string): number {
  const first = field[0] ?? 0;
  let value = BigInt(first & 0x7f);
  for (let at = 1; at < field.length; at += 1) value = (value << 8n) | BigInt(field[at] ?? 0);
  if ((first & 0x40) !== 0) value -= 1n << BigInt(8 * field.length - 1);
  return checkRange(Number(value), what);
}

/**
 * A whole decimal number, as PAX records have it.
 *
 * @throws invalid-argument: other characters, or outside of ±(2^53-1).
 */
export function parseDecimal(text: string, what: string): number {
  if (!/^-?\d{1,20}$/.test(text)) {
    throw new DaemonError(
      'invalid-argument',
      `tar header: ${what} ${JSON.stringify(text.slice(0, 40))} is not a number`,
    );
  }
  return checkRange(Number(text), what);
}

function checkRange(value: number, what: string): number {
  if (Number.isSafeInteger(value)) return value;
  throw new DaemonError('invalid-argument', `tar header: ${what} is out of range`);
}
