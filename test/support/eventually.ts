import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until `check` no longer throws, for states of the kernel that announce themselves by no event (a process table,
 * a mount table). Anything that has an event is awaited by it instead.
 *
 * @throws What `check` threw last, after `timeoutMs` (default 10,000).
 */
export async function eventually<T>(check: () => Promise<T> | T, timeoutMs = 10_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(20);
    }
  }
}
