/**
 * Waits until all have settled, as `Promise.all` does not when one rejects: nothing of them goes on after that.
 *
 * @throws What the first of them that rejected, in their order, rejects with.
 */
export async function allDone<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
