import type { Descriptor } from '../../../spec/descriptor.js';
import type { Platform } from '../../../spec/platform.js';
import { childrenOf, type ContentProvider } from './children.js';
import { effect, inOrder } from './handler.js';
import { onlyPlatforms } from './platform-filter.js';
import { walk } from './walk.js';

/**
 * What a push would send, in bytes: the documents and blobs below `target`, each once.
 *
 * @param platforms Of indexes only these count; none means all that the index names.
 * @throws not-found: a document is not in the store.
 */
export async function packedSize(
  content: ContentProvider,
  target: Descriptor,
  platforms: readonly Platform[] = [],
  signal?: AbortSignal,
): Promise<number> {
  let total = 0;
  const add = effect(({ size }) => {
    total += size;
  });
  await walk(inOrder(add, onlyPlatforms(platforms, childrenOf(content))), [target], signal ? { signal } : {});
  return total;
}
