import { onAbort } from '../../../base/abort.js';
import { Semaphore } from '../../../base/semaphore.js';
import type { Descriptor } from '../../../spec/descriptor.js';
import { TreeGuard, type Place } from './bounds.js';
import type { Handler } from './handler.js';
import type { WalkOptions } from './walk.js';

export interface DispatchOptions extends WalkOptions {
  /** Handlers that run at the same time, in the order of the documents. */
  readonly concurrency: number;
}

/**
 * Descends in parallel: a parent before its children, siblings at the same time. Each descriptor is visited once.
 *
 * @throws The first error, after the others have been aborted and have stopped.
 */
export async function dispatch(
  handler: Handler,
  roots: readonly Descriptor[],
  options: DispatchOptions,
): Promise<void> {
  const guard = new TreeGuard(options.bounds);
  const room = new Semaphore(options.concurrency);
  const controller = new AbortController();
  using _ = onAbort(options.signal, (reason) => {
    controller.abort(reason);
  });
  let failure: { readonly error: unknown } | undefined;

  const fail = (error: unknown): void => {
    failure ??= { error };
    controller.abort(error);
  };
  /** Fails while it still has its place, so that nobody who waits for one begins. */
  const handle = async (target: Descriptor): Promise<readonly Descriptor[]> => {
    try {
      return await handler(target, controller.signal);
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  const visit = async (place: Place): Promise<void> => {
    try {
      const children = await room.run(() => handle(place.target), controller.signal);
      await visitAll(guard.admit(children, place));
    } catch (error) {
      fail(error);
    }
  };
  const visitAll = async (places: readonly Place[]): Promise<void> => {
    await Promise.all(places.map(visit));
  };

  await visitAll(guard.admit(roots));
  if (failure) throw failure.error;
}
