/**
 * CRC-32 as gzip has it (RFC 1952, 8).
 *
 * @param before What it was after the bytes before these; 0 when there are none.
 */
export type Crc32 = (bytes: Uint8Array, before?: number) => number;

/** Checksums by what this machine has for them. */
export interface Checksums {
  readonly crc32: Crc32;
}
