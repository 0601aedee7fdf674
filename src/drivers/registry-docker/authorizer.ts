import { DaemonError } from '../../base/errors.js';
import { SingleFlight } from '../../base/single-flight.js';
import type { Credentials, RemoteOptions } from '../../core/remotes/remotes.js';
import { parseChallenges, type Challenge } from './challenge.js';
import type { Endpoint } from './endpoint.js';
import type { Grant, TokenCache } from './token-cache.js';
import { basicAuthorization } from './token.js';

/** Whom a registry has to do with. */
export interface Identity {
  /** The name that the user gave; empty where there is none. */
  readonly name: string;
  /** What a token has to allow, such as `repository:library/redis:pull`; may be none. */
  readonly scopes: readonly string[];
  readonly ask: RemoteOptions['credentials'];
}

/**
 * Answers one registry's challenges for one repository. What it holds is for that registry's origin only; its user never sends it
 * elsewhere.
 */
export class Authorizer {
  readonly #tokens: TokenCache;
  readonly #endpoint: Endpoint;
  readonly #identity: Identity;
  readonly #scopes: Set<string>;
  readonly #renewals = new SingleFlight<void>();
  #credentials: Promise<Credentials | undefined> | undefined;
  #known = false;
  #challenge: Challenge | undefined;
  #grant: Grant | undefined;

  constructor(tokens: TokenCache, endpoint: Endpoint, identity: Identity) {
    this.#tokens = tokens;
    this.#endpoint = endpoint;
    this.#identity = identity;
    this.#scopes = new Set(identity.scopes);
  }

  /** True when credentials were asked for, and there are some. */
  get known(): boolean {
    return this.#known;
  }

  /** From now on tokens have to allow this too. */
  want(scope: string): void {
    if (this.#scopes.has(scope)) return;
    this.#scopes.add(scope);
    if (this.#challenge && this.#grant) this.#grant = { ...this.#grant, expiresAt: 0 };
  }

  /** The Authorization header as of now; a token about to expire is renewed first. undefined until a challenge came. */
  async current(signal?: AbortSignal): Promise<string | undefined> {
    if (this.#challenge && this.#grant && this.#grant.expiresAt <= performance.now()) await this.#renew(signal);
    return this.#grant?.authorization;
  }

  /**
   * Takes in the challenge of a 401.
   *
   * @param refused The header that was sent; when another is there by now, that is the answer.
   * @returns false when there is nothing new to offer.
   */
  async answer(headers: readonly string[], refused: string | undefined, signal?: AbortSignal): Promise<boolean> {
    if (this.#grant && this.#grant.authorization !== refused) return true;
    const challenge = answerable(parseChallenges(headers));
    if (!challenge) return false;
    const credentials = await (this.#credentials ??= this.#ask(headers));
    this.#known = credentials !== undefined;
    if (challenge.scheme === 'basic' || credentials?.kind === 'header') {
      const authorization = plainAuthorization(credentials);
      if (authorization === undefined || authorization === refused) return false;
      this.#grant = { authorization, expiresAt: Infinity };
      return true;
    }
    this.#challenge = challenge;
    await this.#renew(signal);
    return true;
  }

  async #ask(challenges: readonly string[]): Promise<Credentials | undefined> {
    const { ask, name } = this.#identity;
    return ask?.(this.#endpoint.host, name, challenges);
  }

  async #renew(signal?: AbortSignal): Promise<void> {
    await this.#renewals.run('token', (until) => this.#fetchToken(until), signal);
  }

  async #fetchToken(signal: AbortSignal): Promise<void> {
    const params = this.#challenge?.params ?? {};
    this.#grant = await this.#tokens.grant(
      this.#endpoint.origin,
      {
        realm: this.#realm(params['realm'] ?? ''),
        ...(params['service'] !== undefined && { service: params['service'] }),
        scopes: this.#scopesWith((params['scope'] ?? '').split(' ').filter(Boolean)),
        connection: this.#endpoint.connection,
        credentials: await this.#credentials,
      },
      this.#grant?.authorization,
      signal,
    );
  }

  /** What the registry asks for too, unless it is a part of what we want anyway. */
  #scopesWith(asked: readonly string[]): string[] {
    const wanted = [...this.#scopes];
    const covers = (scope: string): boolean => wanted.some((own) => own === scope || own.startsWith(`${scope},`));
    return [...wanted, ...new Set(asked.filter((scope) => !covers(scope)))];
  }

  /** Credentials go over https only, unless the registry itself was asked for over plain http. */
  #realm(text: string): URL {
    const host = this.#endpoint.host;
    if (!URL.canParse(text)) {
      throw new DaemonError(
        'unavailable',
        `${host} asks for a token from ${JSON.stringify(text.slice(0, 160))}, which is no URL`,
      );
    }
    const realm = new URL(text);
    const plainRegistry = this.#endpoint.origin.startsWith('http:');
    if (realm.protocol === 'https:' || (realm.protocol === 'http:' && plainRegistry)) return realm;
    throw new DaemonError(
      'unavailable',
      `${host} asks for a token from ${realm.origin}, which is not https; such a registry is not to be trusted with credentials`,
    );
  }
}

function answerable(challenges: readonly Challenge[]): Challenge | undefined {
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  return bearer ?? challenges.find(({ scheme }) => scheme === 'basic');
}

function plainAuthorization(credentials: Credentials | undefined): string | undefined {
  if (credentials?.kind === 'header') return credentials.authorization;
  if (credentials?.kind !== 'basic') return undefined;
  return basicAuthorization(credentials);
}
