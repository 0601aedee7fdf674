import { setTimeout as sleep } from 'node:timers/promises';

/** Keeps every request to a host back until the time that the host asked for. */
export class HostGate {
  readonly #notBefore = new Map<string, number>();

  /** Nothing goes to `host` for that long; a longer wait that is already set stays. */
  close(host: string, ms: number): void {
    const until = performance.now() + ms;
    if (until > (this.#notBefore.get(host) ?? 0)) this.#notBefore.set(host, until);
  }

  /** Milliseconds until the host may be asked again. */
  remainingMs(host: string): number {
    const left = (this.#notBefore.get(host) ?? 0) - performance.now();
    if (left > 0) return Math.ceil(left);
    this.#notBefore.delete(host);
    return 0;
  }

  /** Waits until the host may be asked. @throws The signal's reason. */
  async pass(host: string, signal?: AbortSignal): Promise<void> {
    for (let left = this.remainingMs(host); left > 0; left = this.remainingMs(host)) {
      await sleep(left, undefined, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      });
    }
  }
}
