import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { makeAuthority } from '../support/certificates.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { makeImage, makeLayer } from '../support/image.js';
import { openProxy } from '../support/proxy.js';
import { openRegistry, type Registry } from '../support/registry.js';
import { tempDir } from '../support/temp-dir.js';

/** A name that only a proxy knows. */
const NAME = 'registry.test';
const PASSWORD = 'of-the-proxy';

const named = ({ host }: Registry) => `${NAME}:${host.split(':')[1] ?? ''}`;
const image = async () => makeImage({ layers: [await makeLayer([{ path: 'f', data: 'x' }])] });

/** Neither the client, nor the log tells the password. */
function assertNoPassword(daemon: TestDaemon, ...texts: readonly string[]): void {
  for (const text of [...texts, JSON.stringify(daemon.log)]) assert.ok(!text.includes(PASSWORD), text);
}

test('a registry is reached through the proxy of the environment: https by a tunnel, http by its URL', async (t) => {
  const { path: dir } = await tempDir(t);
  const authority = await makeAuthority(dir);
  await using proxy = await openProxy(`user:${PASSWORD}`);
  await using tls = await openRegistry({ tls: await authority.issue(NAME) });
  await using plain = await openRegistry();
  const hosts = join(dir, 'certs.d');
  await mkdir(join(hosts, named(tls)), { recursive: true });
  await writeFile(join(hosts, named(tls), 'hosts.toml'), `ca = "${authority.certificate}"\n`);
  const url = `http://user:${PASSWORD}@${proxy.host}`;
  await using daemon = await openDaemon({
    config: { registry: { config_path: hosts }, log_level: 'debug' },
    env: { HTTPS_PROXY: url, http_proxy: url, NO_PROXY: '' },
  });
  const run = (...args: string[]) => runCommand(dist, daemon, args);
  await plain.push(await image(), 'a/b');

  const open = await run('pull', '--plain-http', `${named(plain)}/a/b:latest`);
  assert.equal(open.code, 0, open.stderr);
  assert.ok(proxy.requests.length > 0);
  for (const { target } of proxy.requests) assert.ok(target.startsWith(`http://${named(plain)}/v2/`), target);

  const pushed = await run('push', `${named(plain)}/a/b:latest`, `${named(tls)}/a/b:latest`);
  assert.equal(pushed.code, 0, pushed.stderr);
  const secure = await run('pull', `${named(tls)}/a/b:latest`);
  assert.equal(secure.code, 0, secure.stderr);
  const tunnels = proxy.requests.filter(({ method }) => method === 'CONNECT');
  assert.ok(tunnels.length > 0);
  assert.deepEqual(new Set(tunnels.map(({ target }) => target)), new Set([named(tls)]));

  const before = proxy.requests.length;
  const direct = await run('pull', `${plain.host}/a/b:latest`);
  assert.equal(direct.code, 0, direct.stderr);
  assert.equal(proxy.requests.length, before, 'this machine itself is reached without');
  assertNoPassword(daemon, secure.stderr, open.stderr, pushed.stderr);
});

test('a proxy that refuses, or is not there, is named without its password; NO_PROXY goes past it', async () => {
  await using proxy = await openProxy('user:another');
  const url = `http://user:${PASSWORD}@${proxy.host}`;
  await using daemon = await openDaemon({
    config: { proxy: { https: url, no: 'direct.test' } },
    env: { HTTPS_PROXY: 'http://not-this-one.test:1', NO_PROXY: '*' },
  });
  const refused = await runCommand(dist, daemon, ['pull', 'registry.test/a/b:latest']);
  assert.equal(refused.code, 1);
  assert.ok(refused.stderr.includes(`through the proxy ${proxy.host}: the proxy answers 407`), refused.stderr);
  const direct = await runCommand(dist, daemon, ['pull', 'direct.test/a/b:latest']);
  assert.equal(direct.code, 1);
  assert.doesNotMatch(direct.stderr, /proxy/);
  assert.ok(proxy.requests.every(({ target }) => target === 'registry.test:443'));
  const { host } = proxy;
  await proxy[Symbol.asyncDispose]();
  const gone = await runCommand(dist, daemon, ['pull', 'registry.test/a/b:latest']);
  assert.equal(gone.code, 1);
  assert.ok(gone.stderr.includes(`through the proxy ${host}: connection refused`), gone.stderr);
  assertNoPassword(daemon, refused.stderr, gone.stderr);
});
