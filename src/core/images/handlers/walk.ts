import type { Descriptor } from '../../../spec/descriptor.js';
import { TreeGuard, type Place, type TreeBounds } from './bounds.js';
import type { Handler } from './handler.js';

export interface WalkOptions {
  readonly signal?: AbortSignal;
  readonly bounds?: TreeBounds;
}

/**
 * Descends one by one, depth first, siblings in order. Each descriptor is visited once.
 *
 * @throws The first error of the handler; what was not visited by then stays so.
 */
export async function walk(handler: Handler, roots: readonly Descriptor[], options: WalkOptions = {}): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  const guard = new TreeGuard(options.bounds);
  const visit = async (places: readonly Place[]): Promise<void> => {
    for (const place of places) {
      signal.throwIfAborted();
      await visit(guard.admit(await handler(place.target, signal), place));
    }
  };
  await visit(guard.admit(roots));
}
