import { DaemonError } from '../../base/errors.js';
import type { ChunkRange } from '../../core/content/content-store.js';
import type { Digest } from '../../spec/digest.js';

/** The range with its defaults. @throws out-of-range: it is not within the blob. */
export function checkedRange(
  { digest, size }: { readonly digest: Digest; readonly size: number },
  { from = 0, to = size }: ChunkRange = {},
): { readonly from: number; readonly to: number } {
  if (from >= 0 && from <= to && to <= size) return { from, to };
  throw new DaemonError('out-of-range', `content ${digest}: bytes ${from} to ${to} are outside its ${size}`);
}
