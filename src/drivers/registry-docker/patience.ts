import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../../base/errors.js';
import type { FetchWait } from '../../core/remotes/remotes.js';
import { ConnectionError } from './connection-error.js';
import { failureOf } from './failure.js';
import { backOffMs, retryAfterMs } from './timing.js';
import type { HttpResponse } from './http-messages.js';
import type { Transport } from './transport.js';

const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

/** How often and how long one piece of work is tried again. Progress makes the patience new. */
export class Patience {
  readonly #transport: Transport;
  readonly #what: string;
  readonly #onWait: ((wait: FetchWait) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #tries: number;
  readonly #connectTries: number;
  #attempt = 1;

  constructor(
    transport: Transport,
    options: {
      readonly what: string;
      readonly onWait?: ((wait: FetchWait) => void) | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly tries?: number | undefined;
      readonly connectTries?: number | undefined;
    },
  ) {
    this.#transport = transport;
    this.#what = options.what;
    this.#onWait = options.onWait;
    this.#signal = options.signal;
    this.#tries = options.tries ?? transport.timing.tries;
    this.#connectTries = Math.min(options.connectTries ?? this.#tries, this.#tries);
  }

  static retries(status: number): boolean {
    return RETRIED.has(status);
  }

  progressed(): void {
    this.#attempt = 1;
  }

  /** Waits after a response that is worth another try. @throws Its failure, when there was enough of it or the wait is too long. */
  async afterResponse(response: HttpResponse): Promise<void> {
    const { timing, gate } = this.#transport;
    const asked = retryAfterMs(response.header('retry-after'), Date.now());
    const ms = Math.max(asked ?? 0, backOffMs(timing, this.#attempt));
    const { status, url } = response;
    // For others, too, who come when this one has given up; but a wait that nobody would wait for keeps nobody.
    if (asked !== undefined && ms <= timing.retryAfterMaxMs) gate.close(url.host, ms);
    if (this.#attempt >= this.#tries || ms > timing.retryAfterMaxMs) {
      const failure = await failureOf(response, this.#what);
      if (asked === undefined) throw failure;
      throw new DaemonError(failure.kind, `${failure.message}; it asks to wait ${Math.ceil(asked / 1000)} s`);
    }
    await response.discard();
    await this.#pause(`status ${status} from ${url.host}`, ms);
  }

  /** Waits after a connection that could not be made or broke. @throws The error, when there were enough of them or waiting is no use. */
  async afterError(error: unknown): Promise<void> {
    const transient = error instanceof ConnectionError && error.transient;
    if (!transient || this.#attempt >= this.#connectTries) throw named(error, this.#what);
    await this.#pause(error.message, backOffMs(this.#transport.timing, this.#attempt));
  }

  async #pause(reason: string, ms: number): Promise<void> {
    this.#attempt += 1;
    this.#onWait?.({ reason: `${reason}; next try in ${(ms / 1000).toFixed(1)} s`, delayMs: ms });
    await sleep(ms, undefined, this.#signal ? { signal: this.#signal } : {});
  }
}

function named(error: unknown, what: string): unknown {
  return error instanceof ConnectionError
    ? new DaemonError(error.kind, `${what}: ${error.message}`, { cause: error })
    : error;
}
