import { sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { output } from './run.js';

/** Gives tokens, as Docker Hub does; a docker-registry with `config` accepts them. */
export interface TokenServer extends AsyncDisposable {
  /** How it was asked: `GET`, or `POST` with the grant. */
  readonly requests: readonly string[];
  /** The `auth.token` part of the registry's configuration. */
  readonly config: Readonly<Record<string, string>>;
}

const ISSUER = 'wharfd-test';
const SERVICE = 'registry';

/** Accepted in place of a password, by POST. */
export const REFRESH_TOKEN = 'refresh-token-of-user';

/**
 * Starts one on a random port, with a key and certificate of its own in `dir`.
 *
 * @param users `name:password` of those that get tokens; anybody by default.
 */
export async function openTokenServer(dir: string, users?: readonly string[]): Promise<TokenServer> {
  const key = join(dir, 'token.key');
  const certificate = join(dir, 'token.crt');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await output('openssl', [...request, '-subj', `/CN=${ISSUER}`, '-keyout', key, '-out', certificate]);
  const [privateKey, pem] = await Promise.all([readFile(key, 'utf8'), readFile(certificate, 'utf8')]);
  const chain = [pem.replace(/-----[^-]*-----|\s/g, '')];
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    void questionOf(incoming).then(({ how, user, scopes }) => {
      requests.push(how);
      if (users && !users.includes(user)) response.writeHead(401).end();
      else answer(scopes, response, privateKey, chain);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    config: { realm: `http://127.0.0.1:${port}/token`, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Grants what is asked for: `scope=repository:<name>:<action>,<action>`. */
function answer(scopes: readonly string[], response: ServerResponse, key: string, chain: readonly string[]): void {
  const access = scopes.flatMap((scopes) => scopes.split(' ')).map(parseScope);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: SERVICE, sub: '', nbf: now - 10, iat: now, exp: now + 300, jti: `${now}`, access };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ token: `${signed}.${signature}`, expires_in: 300 }));
}

function parseScope(scope: string): { type: string; name: string; actions: string[] } {
  const first = scope.indexOf(':');
  const last = scope.lastIndexOf(':');
  return { type: scope.slice(0, first), name: scope.slice(first + 1, last), actions: scope.slice(last + 1).split(',') };
}

interface Question {
  readonly how: string;
  /** `name:password`. */
  readonly user: string;
  readonly scopes: readonly string[];
}

async function questionOf(incoming: IncomingMessage): Promise<Question> {
  if (incoming.method === 'POST') {
    const parts: Buffer[] = [];
    for await (const part of incoming as AsyncIterable<Buffer>) parts.push(part);
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    const named = `${form.get('username') ?? ''}:${form.get('password') ?? ''}`;
    const user = form.get('refresh_token') === REFRESH_TOKEN ? 'user:right' : named;
    return { how: `POST ${form.get('grant_type') ?? ''}`, user, scopes: form.getAll('scope').filter(Boolean) };
  }
  const { searchParams } = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const basic = /^Basic (.*)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? '';
  return { how: 'GET', user: Buffer.from(basic, 'base64').toString(), scopes: searchParams.getAll('scope') };
}
