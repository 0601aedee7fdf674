import { sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { output } from './run.js';

/** Gives pull tokens to anybody, as Docker Hub does; a docker-registry with `config` accepts them. */
export interface TokenServer extends AsyncDisposable {
  /** The `auth.token` part of the registry's configuration. */
  readonly config: Readonly<Record<string, string>>;
}

const ISSUER = 'wharfd-test';
const SERVICE = 'registry';

/** Starts one on a random port, with a key and certificate of its own in `dir`. */
export async function openTokenServer(dir: string): Promise<TokenServer> {
  const key = join(dir, 'token.key');
  const certificate = join(dir, 'token.crt');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await output('openssl', [...request, '-subj', `/CN=${ISSUER}`, '-keyout', key, '-out', certificate]);
  const [privateKey, pem] = await Promise.all([readFile(key, 'utf8'), readFile(certificate, 'utf8')]);
  const chain = [pem.replace(/-----[^-]*-----|\s/g, '')];
  const server = createServer((incoming, response) => answer(incoming, response, privateKey, chain));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    config: { realm: `http://127.0.0.1:${port}/token`, service: SERVICE, issuer: ISSUER, rootcertbundle: certificate },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Grants what is asked for: `scope=repository:<name>:<action>,<action>`. */
function answer(incoming: IncomingMessage, response: ServerResponse, key: string, chain: readonly string[]): void {
  const { searchParams } = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const access = searchParams
    .getAll('scope')
    .flatMap((scopes) => scopes.split(' '))
    .map(parseScope);
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
