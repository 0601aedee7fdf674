import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { makeAuthority } from '../support/certificates.js';
import { runCommand, type Told } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { layerOf, makeImage, makeLayer } from '../support/image.js';
import { openRegistry } from '../support/registry.js';
import { tempDir } from '../support/temp-dir.js';

interface Fixture extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly hosts: string;
  run(...args: readonly string[]): Promise<Told>;
  good(...args: readonly string[]): Promise<Told>;
  write(host: string, text: string): Promise<void>;
}

async function open(t: TestContext): Promise<Fixture> {
  const { path: hosts } = await tempDir(t);
  const daemon = await openDaemon({ config: { registry: { config_path: hosts } } });
  const run = (...args: readonly string[]): Promise<Told> =>
    runCommand(dist, daemon, args, { env: { DOCKER_CONFIG: hosts } });
  return {
    daemon,
    hosts,
    run,
    async good(...args) {
      const told = await run(...args);
      assert.equal(told.code, 0, told.stderr);
      return told;
    },
    async write(host, text) {
      await mkdir(join(hosts, host), { recursive: true });
      await writeFile(join(hosts, host, 'hosts.toml'), text);
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const someImage = async () => makeImage({ layers: [await makeLayer([{ path: 'f', data: randomBytes(400_000) }])] });

test('a real mirror serves; when it is gone the registry does; no restart in between', async (t) => {
  await using f = await open(t);
  await using upstream = await openRegistry();
  const [one, two] = [await upstream.push(await someImage(), 'a/one'), await upstream.push(await someImage(), 'a/two')];
  const mirror = await openRegistry({ mirrorOf: `http://${upstream.host}` });
  try {
    await f.write(
      upstream.host,
      `server = "http://${upstream.host}"\n[host."http://${mirror.host}"]\ncapabilities = ["pull", "resolve"]\n`,
    );
    const before = upstream.answered.length;
    await f.good('pull', one);
    const asked = mirror.answered.filter(({ status }) => status === 200);
    assert.ok(asked.length >= 3, 'manifest, config and layer');
    assert.ok(asked.every(({ uri }) => uri.endsWith(`?ns=${encodeURIComponent(upstream.host)}`)));
    assert.ok(upstream.answered.slice(before).every(({ uri }) => !uri.includes('ns=')));
  } finally {
    await mirror[Symbol.asyncDispose]();
  }
  const told = await f.good('pull', two);
  assert.match(told.stdout, /waiting \(.*connection refused.*; trying 127\.0\.0\.1:/);
  await f.write(upstream.host, 'server = ');
  assert.match((await f.run('fetch', two)).stderr, /^dist: .*hosts\.toml is no valid TOML.*\n$/);
});

test('a mirror that breaks in the middle, lacks the object, or may not be asked', async (t) => {
  await using f = await open(t);
  await using mirror = await openFaultRegistry('127.0.0.2');
  await using upstream = await openFaultRegistry('127.0.0.1');
  const image = makeImage({ layers: [layerOf(randomBytes(500_000), 'none')] });
  const reference = upstream.add(image, 'a/b');
  mirror.add(image, 'a/b');
  await f.write('_default', `[host."http://${mirror.host}"]\n`);
  mirror.script = ({ uri }, answer, count) => {
    if (!uri.includes('/blobs/') || answer.body.length < 100_000) return answer;
    return count === 1 ? { ...answer, cutAfter: 100_000 } : { ...answer, status: 500, body: Buffer.alloc(0) };
  };
  await f.good('fetch', reference);
  assert.ok(upstream.seen.some(({ headers }) => headers.range === 'bytes=100000-'));
  assert.ok(upstream.seen.every(({ uri }) => !uri.includes('/manifests/')));

  const absent = upstream.add(makeImage({ layers: [layerOf(randomBytes(1000), 'none')] }), 'only/here');
  mirror.script = undefined;
  await f.good('fetch', absent);

  await f.write('_default', `[host."http://${mirror.host}"]\ncapabilities = ["push"]\n`);
  const before = mirror.seen.length;
  await f.good('fetch', reference);
  assert.equal(mirror.seen.length, before);
  await f.write('_default', 'capabilities = ["push"]\n');
  assert.match((await f.run('fetch', reference)).stderr, /no host in its hosts\.toml has the capability "resolve"/);
});

test('a password for the registry does not go to a mirror that asks for one', async (t) => {
  await using f = await open(t);
  await using mirror = await openFaultRegistry('127.0.0.2');
  await using upstream = await openFaultRegistry('127.0.0.1');
  const image = makeImage({ layers: [layerOf(randomBytes(1000), 'none')] });
  const reference = upstream.add(image, 'a/b');
  mirror.add(image, 'a/b');
  const basic = { 'www-authenticate': 'Basic realm="r"' };
  for (const registry of [mirror, upstream]) {
    registry.script = ({ headers }, answer) =>
      headers.authorization === undefined ? { status: 401, headers: basic, body: Buffer.alloc(0) } : answer;
  }
  await f.write('_default', `[host."http://${mirror.host}"]\n`);
  const args = ['fetch', '--user', 'me', reference];
  const told = await runCommand(dist, f.daemon, args, { env: { DOCKER_CONFIG: f.hosts }, stdin: 'secret' });
  assert.equal(told.code, 0, told.stderr);
  assert.ok(mirror.seen.length > 0);
  assert.ok(mirror.seen.every(({ headers }) => headers.authorization === undefined));
  assert.ok(upstream.seen.some(({ headers }) => headers.authorization !== undefined));
});

test('certificates: an authority of our own, a client\u2019s certificate, Docker\u2019s directory, --hosts-dir', async (t) => {
  await using f = await open(t);
  const { path: dir } = await tempDir(t);
  const authority = await makeAuthority(dir);
  const others = await makeAuthority(dir, 'others');
  const server = await authority.issue('127.0.0.1');
  const client = await authority.issue('client');
  await using from = await openRegistry();
  await using tls = await openRegistry({ tls: server });
  await using mutual = await openRegistry({ tls: { ...server, clientCa: authority.certificate } });
  const reference = await from.push(await someImage(), 'a/b');
  await f.good('pull', reference);
  const push = (registry: { host: string }, ...options: string[]) =>
    f.run('push', ...options, reference, `${registry.host}/a/b:v1`);

  await f.write(tls.host, `server = "https://${tls.host}"\n`);
  assert.match((await push(tls)).stderr, /unknown authority/);
  await f.write(tls.host, `server = "https://${tls.host}"\nca = "${others.certificate}"\n`);
  assert.match((await push(tls)).stderr, /unknown authority/);
  await f.write(tls.host, `ca = "${authority.certificate}"\n`);
  assert.equal((await push(tls)).code, 0);
  await f.good('fetch', `${tls.host}/a/b:v1`);
  await f.write(tls.host, 'skip_verify = true\n');
  await f.good('fetch', `${tls.host}/a/b:v1`);

  await f.write(mutual.host, `ca = "${authority.certificate}"\n`);
  assert.equal((await push(mutual)).code, 1);
  const docker = join(dir, 'docker', mutual.host);
  await mkdir(docker, { recursive: true });
  await copyFile(authority.certificate, join(docker, 'ca.crt'));
  await copyFile(client.certificate, join(docker, 'client.cert'));
  await copyFile(client.key, join(docker, 'client.key'));
  assert.equal((await push(mutual, '--hosts-dir', join(dir, 'docker'))).code, 0);
  await f.write(
    mutual.host,
    `ca = "${authority.certificate}"\nclient = [["${client.certificate}", "${client.key}"]]\n`,
  );
  await f.good('fetch', `${mutual.host}/a/b:v1`);
});
