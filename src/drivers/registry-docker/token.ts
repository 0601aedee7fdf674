import { DaemonError } from '../../base/errors.js';
import type { Credentials } from '../../core/remotes/remotes.js';
import type { Connection } from './endpoint.js';
import { failureOf } from './failure.js';
import { Patience } from './patience.js';
import type { HttpRequest, HttpResponse } from './http-messages.js';
import type { Transport } from './transport.js';

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
/** Those by which servers that don't know refresh tokens by POST do. */
const NO_REFRESH_FORM = new Set([400, 401, ...NO_SUCH_FORM]);

/**
 * Gets a token from a registry's token server: by GET, anonymously or with a user's password (Docker registry token authentication), or
 * by POST (its OAuth2 form) for a refresh token. Where the server has not that form, a password is sent by POST, and a refresh token by
 * GET, as the password of nobody. Redirects are not followed: the password would go along.
 *
 * @throws unauthenticated, permission-denied: refused. unavailable: the server can't be reached, or doesn't answer with a token, after
 * all tries or because it asks to wait for too long.
 */
export async function requestToken(transport: Transport, request: TokenRequest, signal?: AbortSignal): Promise<Token> {
  const { realm, connection, credentials, scopes } = request;
  const what = scopes.length > 0 ? `token for ${scopes.join(' ')}` : `token of ${realm.host}`;
  const send = (http: HttpRequest): Promise<HttpResponse> =>
    sendPatiently(transport, what, { ...http, connection, ...(signal && { signal }) });
  const [form, otherForm] = credentials?.kind === 'refresh' ? [postForm, getForm] : [getForm, postForm];
  let response = await send(form(request));
  if (isWithoutForm(credentials, response.status)) {
    await response.discard();
    response = await send(otherForm(request));
  }
  if (response.status === 200) return readToken(await readReply(response, realm.host), realm.host);
  const failure = await failureOf(response, what);
  if (failure.kind !== 'unauthenticated' || credentials === undefined) throw failure;
  throw new DaemonError('unauthenticated', `${what}: ${realm.host} denies access: user or password are wrong`);
}

function isWithoutForm(credentials: Credentials | undefined, status: number): boolean {
  if (credentials?.kind === 'refresh') return NO_REFRESH_FORM.has(status);
  return credentials?.kind === 'basic' && NO_SUCH_FORM.has(status);
}

function getForm({ realm, service, scopes, credentials }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials?.kind === 'basic') headers['authorization'] = basicAuthorization(credentials);
  if (credentials?.kind === 'refresh') {
    headers['authorization'] = basicAuthorization({ kind: 'basic', user: '', secret: credentials.token });
  }
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

async function sendPatiently(transport: Transport, what: string, request: HttpRequest): Promise<HttpResponse> {
  const { signal, url } = request;
  const patience = new Patience(transport, { what, signal });
  for (;;) {
    await transport.gate.pass(url.host, signal);
    let response: HttpResponse;
    try {
      response = await transport.send(request);
    } catch (error) {
      await patience.afterError(error);
      continue;
    }
    if (!Patience.retries(response.status)) return response;
    await patience.afterResponse(response);
  }
}

async function readReply(response: HttpResponse, host: string): Promise<unknown> {
  const bytes = await response.whole(REPLY_BYTES_MAX);
  if (!bytes)
    throw new DaemonError('unavailable', `${host} sends more than ${REPLY_BYTES_MAX} bytes instead of a token`);
  try {
    return JSON.parse(bytes.toString());
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
