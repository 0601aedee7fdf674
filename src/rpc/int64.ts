import { DaemonError } from '../base/errors.js';

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const DECIMAL = /^-?\d{1,20}$/;

/** The value of a 64-bit field, which crosses the wire layer as a decimal string. @throws invalid-argument: it is none. */
export function toBigInt(decimal: string): bigint {
  const value = DECIMAL.test(decimal) ? BigInt(decimal) : undefined;
  if (value === undefined || value < INT64_MIN || value > UINT64_MAX) {
    throw new DaemonError('invalid-argument', `${JSON.stringify(decimal)} is no 64-bit integer`);
  }
  return value;
}

/**
 * As `toBigInt`, for sizes and offsets that the program counts in numbers.
 *
 * @throws out-of-range: a number cannot hold it exactly (beyond 2^53 - 1 either way).
 */
export function toSafeNumber(decimal: string): number {
  const value = toBigInt(decimal);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new DaemonError('out-of-range', `${decimal} is beyond 2^53 - 1`);
  return number;
}

/** The decimal string for a 64-bit field. @throws out-of-range: no such field holds it, or the number is no exact integer. */
export function fromInteger(value: number | bigint): string {
  const exact = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (exact === undefined || exact < INT64_MIN || exact > UINT64_MAX) {
    throw new DaemonError('out-of-range', `${String(value)} is no exact 64-bit integer`);
  }
  return exact.toString();
}
