import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonError } from '../../base/errors.js';
import type { Credentials } from '../../core/remotes/remotes.js';
import { ConnectionError } from './connection-error.js';
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
}

const REPLY_BYTES_MAX = 1024 * 1024;
const LIFE_DEFAULT_S = 60;
const LIFE_MAX_S = 24 * 3600;
const CLIENT_ID = 'wharfd';

/**
 * Gets a token from a registry's token server: by GET, anonymously or with a user's password (Docker registry token authentication), or
 * by POST for a refresh token (its OAuth2 form).
 *
 * @throws unauthenticated, permission-denied: refused. unavailable: the server can't be reached, or doesn't answer with a token.
 */
export async function requestToken(transport: Transport, request: TokenRequest, signal?: AbortSignal): Promise<Token> {
  const response = await sendPatiently(transport, { ...toHttp(request), signal });
  const host = request.realm.host;
  if (response.status !== 200) throw await failureOf(response, `token for ${request.scopes.join(' ')}`);
  return readToken(await readReply(response, host), host);
}

function toHttp({ realm, service, scopes, credentials }: TokenRequest): Omit<HttpRequest, 'signal'> {
  const fields = new URLSearchParams();
  if (service !== undefined) fields.set('service', service);
  if (credentials?.kind === 'refresh') {
    fields.set('grant_type', 'refresh_token');
    fields.set('client_id', CLIENT_ID);
    fields.set('refresh_token', credentials.token);
    fields.set('scope', scopes.join(' '));
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    return { method: 'POST', url: realm, headers, body: fields.toString() };
  }
  const url = new URL(realm);
  for (const [key, value] of fields) url.searchParams.set(key, value);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials?.kind === 'basic') {
    headers['authorization'] = `Basic ${Buffer.from(`${credentials.user}:${credentials.secret}`).toString('base64')}`;
  }
  return { method: 'GET', url, headers };
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
