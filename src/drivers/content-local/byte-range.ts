import { DaemonError } from '../../base/errors.js';
import type { Digest } from '../../spec/digest.js';

/** Part of a blob in bytes: `from` inclusive (default 0), `to` exclusive (default the size). */
export interface ByteRange {
  readonly from?: number;
  readonly to?: number;
}

/** The range with its defaults. @throws out-of-range: it is not within the blob. */
export function checkedRange(
  { digest, size }: { readonly digest: Digest; readonly size: number },
  { from = 0, to = size }: ByteRange = {},
): { readonly from: number; readonly to: number } {
  if (from >= 0 && from <= to && to <= size) return { from, to };
  throw new DaemonError('out-of-range', `content ${digest}: bytes ${from} to ${to} are outside its ${size}`);
}
