import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../../base/errors.js';
import type { Credentials } from '../../core/remotes/remotes.js';
import { ConnectionError } from './connection-error.js';
import type { Connection } from './endpoint.js';
import { failureOf } from './failure.js';
import { backOffMs } from './timing.js';
import type { HttpRequest, HttpResponse, Transport } from './transport.js';

export interface Token {
  readonly text: string;
  readonly expiresInS: number;
}

export interface TokenRequest {
  readonly realm: URL;
  readonly service?: string;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** As the registry is reached: its token server is run by the same people. */
  readonly connection?: Connection | undefined;
}

const REPLY_BYTES_MAX = 1024 * 1024;
const LIFE_DEFAULT_S = 60;
const LIFE_MAX_S = 24 * 3600;
const CLIENT_ID = 'wharfd';

/** Statuses by which a server says that it has not that form of the question. */
const NO_SUCH_FORM = new Set([404, 405]);

/**
 * Gets a token from a registry's token server: by GET, anonymously or with a user's password (Docker registry token authentication), or
 * by POST for a refresh token, and for a password where there is no GET (its OAuth2 form).
 *
 * @throws unauthenticated, permission-denied: refused. unavailable: the server can't be reached, or doesn't answer with a token.
 */
export async function requestToken(transport: Transport, request: TokenRequest, signal?: AbortSignal): Promise<Token> {
  const { realm, connection, credentials, scopes } = request;
  const send = (http: HttpRequest): Promise<HttpResponse> =>
    sendPatiently(transport, { ...http, connection, ...(signal && { signal }) });
  let response = await send(credentials?.kind === 'refresh' ? postForm(request) : getForm(request));
  if (credentials?.kind === 'basic' && NO_SUCH_FORM.has(response.status)) {
    await response.discard();
    response = await send(postForm(request));
  }
  if (response.status === 200) return readToken(await readReply(response, realm.host), realm.host);
  const what = scopes.length > 0 ? `token for ${scopes.join(' ')}` : `token of ${realm.host}`;
  const failure = await failureOf(response, what);
  if (failure.kind !== 'unauthenticated' || credentials === undefined) throw failure;
  throw new DaemonError('unauthenticated', `${what}: ${realm.host} denies access: user or password are wrong`);
}

function getForm({ realm, service, scopes, credentials }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials?.kind === 'basic') headers['authorization'] = basicAuthorization(credentials);
  return { method: 'GET', url, headers };
}

function postForm({ realm, service, scopes, credentials }: TokenRequest): HttpRequest {
  const fields = new URLSearchParams({ client_id: CLIENT_ID, scope: scopes.join(' '), ...grantOf(credentials) });
  if (service !== undefined) fields.set('service', service);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  return { method: 'POST', url: realm, headers, body: fields.toString() };
}

function grantOf(credentials: Credentials | undefined): Record<string, string> {
  if (credentials?.kind === 'refresh') return { grant_type: 'refresh_token', refresh_token: credentials.token };
  if (credentials?.kind !== 'basic') return {};
  return { grant_type: 'password', username: credentials.user, password: credentials.secret };
}

/** The header for a user and a password (RFC 7617). */
export function basicAuthorization({ user, secret }: Extract<Credentials, { kind: 'basic' }>): string {
  return `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
}

/** Redirects are not followed: the password would go along. */
async function sendPatiently(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  const { timing } = transport;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await transport.send(request);
      if (response.status < 500 || attempt >= timing.tries) return response;
      await response.discard();
    } catch (error) {
      if (!(error instanceof ConnectionError) || !error.transient || attempt >= timing.tries) throw error;
    }
    await sleep(backOffMs(timing, attempt), undefined, request.signal ? { signal: request.signal } : {});
  }
}

async function readReply(response: HttpResponse, host: string): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of response.body()) {
    size += bytes.length;
    if (size > REPLY_BYTES_MAX)
      throw new DaemonError('unavailable', `${host} sends more than ${REPLY_BYTES_MAX} bytes instead of a token`);
    parts.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    // The error is not passed on as cause: it quotes the reply, which may hold a token.
    throw new DaemonError('unavailable', `${host} answers a request for a token with something that is no JSON`);
  }
}

function readToken(reply: unknown, host: string): Token {
  const fields = (reply ?? {}) as { token?: unknown; access_token?: unknown; expires_in?: unknown };
  const text = [fields.token, fields.access_token].find((value) => typeof value === 'string' && value !== '');
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) {
    throw new DaemonError('unavailable', `${host} answers a request for a token without one`);
  }
  const life = Number(fields.expires_in);
  return { text, expiresInS: life > 0 && Number.isFinite(life) ? Math.min(life, LIFE_MAX_S) : LIFE_DEFAULT_S };
}
