import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { output } from '../../../test/support/run.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { RegistryRemotes } from './registry-remotes.js';

/** Of this machine, but not loopback, so that https is spoken. */
const ADDRESS = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

async function listen(server: Server & { closeAllConnections(): void }): Promise<AsyncDisposable & { port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test(
  'a registry without https, one with an unknown certificate, names that do not exist',
  { skip: ADDRESS === undefined },
  async (t) => {
    const { path } = await tempDir(t);
    const [key, cert] = [join(path, 'key.pem'), join(path, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    await output('openssl', [...request, '-subj', '/CN=registry', '-keyout', key, '-out', cert]);
    await using plain = await listen(createHttpServer((_, response) => response.end()));
    await using tls = await listen(createHttpsServer({ key: await readFile(key), cert: await readFile(cert) }));
    await using remotes = new RegistryRemotes({ timing: { backOffMs: 1 } });
    for (const [host, message] of [
      [`${String(ADDRESS)}:${plain.port}`, /over https: it does not speak https; use --plain-http/],
      [`${String(ADDRESS)}:${tls.port}`, /over https: its certificate is self-signed/],
      ['registry.invalid', /over https: no such host; check the name|can not be looked up/],
    ] as const) {
      await assertRejectsWithKind(remotes.resolver().resolve(`${host}/a:b`), 'unavailable', message);
    }
  },
);
