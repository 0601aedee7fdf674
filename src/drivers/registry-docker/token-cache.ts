import { createHash } from 'node:crypto';
import { SingleFlight } from '../../base/single-flight.js';
import { requestToken, type Token, type TokenRequest } from './token.js';
import type { Transport } from './transport.js';

/** What a registry is shown. */
export interface Grant {
  readonly authorization: string;
  /** By the monotonic clock, in milliseconds. */
  readonly expiresAt: number;
}

/** Renewed that much before the end, since a request takes its time. */
const MARGIN_MS = 5_000;
const GRANTS_MAX = 1000;

/**
 * Tokens that were given, for all transfers of the daemon. One is used again only for the same registry, the same scopes and the same
 * credentials; these are known here by a hash. Several that want the same at a time ask for it once.
 */
export class TokenCache {
  readonly #transport: Transport;
  readonly #grants = new Map<string, Grant>();
  readonly #flights = new SingleFlight<Grant>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * @param origin Of the registry that will be shown it.
   * @param refused What that registry has refused: another one is got then.
   * @throws As requestToken.
   */
  async grant(
    origin: string,
    request: TokenRequest,
    refused: string | undefined,
    signal?: AbortSignal,
  ): Promise<Grant> {
    const key = keyOf(origin, request);
    const known = this.#grants.get(key);
    if (known && known.expiresAt > performance.now() && known.authorization !== refused) return known;
    return await this.#flights.run(
      key,
      async (until) => {
        const token = await requestToken(this.#transport, request, until);
        const grant = { authorization: `Bearer ${token.text}`, expiresAt: expiryOf(token) };
        this.#keep(key, grant);
        return grant;
      },
      signal,
    );
  }

  #keep(key: string, grant: Grant): void {
    this.#grants.delete(key);
    this.#grants.set(key, grant);
    const [oldest] = this.#grants.keys();
    if (this.#grants.size > GRANTS_MAX && oldest !== undefined) this.#grants.delete(oldest);
  }
}

function keyOf(origin: string, { realm, service, scopes, credentials, connection }: TokenRequest): string {
  const parts = [origin, realm.href, service ?? '', [...scopes].sort(), credentials ?? null, connection ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function expiryOf({ expiresInS }: Token): number {
  const lifeMs = expiresInS * 1000;
  return performance.now() + Math.max(lifeMs / 2, lifeMs - MARGIN_MS);
}
