import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { endpointsFor } from './hosts.js';

const PEM = '-----BEGIN CERTIFICATE-----\n';

test('without a directory: the registry itself', async () => {
  const of = async (host: string, plain = false) => (await endpointsFor(host, ['/missing'], plain))[0]?.api;
  assert.equal(await of('docker.io'), 'https://registry-1.docker.io/v2');
  assert.equal(await of('registry.example:5000'), 'https://registry.example:5000/v2');
  assert.equal(await of('registry.example', true), 'http://registry.example/v2');
  assert.equal(await of('localhost:5000'), 'http://localhost:5000/v2');
  assert.equal(await of('..'), 'https://../v2');
});

test('hosts in their order, the server last, each with what is its own', async (t) => {
  const { path } = await tempDir(t);
  const dir = join(path, 'registry.example_5000_');
  await mkdir(dir);
  for (const file of ['ca.pem', 'cert.pem', 'key.pem', 'both.pem']) await writeFile(join(dir, file), PEM + file);
  await writeFile(
    join(dir, 'hosts.toml'),
    `server = "https://upstream.example/base"
     capabilities = ["push"]
     [host."http://z.example:1"]
     capabilities = ["Pull", "resolve", "referrers"]
     dial_timeout = "1m1.5s"
     [host."http://z.example:1".header]
     x-a = "1"
     x-b = ["2", "3"]
     [host."a.example"]
     ca = "ca.pem"
     client = [["cert.pem", "key.pem"], "both.pem"]
     skip_verify = true
     [host."https://registry.example:5000/v2/"]
     [host."https://c.example/custom/"]
     override_path = true
     ca = ["${join(dir, 'ca.pem')}", "both.pem"]`,
  );
  const endpoints = await endpointsFor('registry.example:5000', ['/missing', path], true);
  assert.deepEqual(
    endpoints.map(({ api, capabilities, namespace }) => [api, [...capabilities].join(), namespace]),
    [
      ['http://z.example:1/v2', 'pull,resolve', 'registry.example:5000'],
      ['https://a.example/v2', 'pull,resolve,push', 'registry.example:5000'],
      ['https://registry.example:5000/v2', 'pull,resolve,push', undefined],
      ['https://c.example/custom', 'pull,resolve,push', 'registry.example:5000'],
      ['https://upstream.example/base/v2', 'push', 'registry.example:5000'],
    ],
  );
  const [first, second, , fourth] = endpoints;
  assert.deepEqual(first?.headers, { 'x-a': '1', 'x-b': '2, 3' });
  assert.equal(first.connection?.dialMs, 61_500);
  assert.deepEqual(second?.connection, {
    ca: [`${PEM}ca.pem`],
    client: [
      { cert: `${PEM}cert.pem`, key: `${PEM}key.pem` },
      { cert: `${PEM}both.pem`, key: `${PEM}both.pem` },
    ],
    skipVerify: true,
  });
  assert.deepEqual(fourth?.connection?.ca, [`${PEM}ca.pem`, `${PEM}both.pem`]);
});

test('the directory of the host before _default; an empty file, and certificates as Docker has them', async (t) => {
  const { path } = await tempDir(t);
  for (const dir of ['_default', 'own.example:1']) await mkdir(join(path, dir));
  await writeFile(join(path, '_default/hosts.toml'), '[host."https://mirror.example"]\n');
  await writeFile(join(path, 'own.example:1/hosts.toml'), '');
  for (const name of ['a.crt', 'b.cert', 'b.key', 'c.cert']) await writeFile(join(path, 'own.example:1', name), name);
  const hosts = async (host: string) => (await endpointsFor(host, [path], false)).map((endpoint) => endpoint.host);
  assert.deepEqual(await hosts('any.example'), ['mirror.example', 'any.example']);
  assert.deepEqual(await hosts('docker.io'), ['mirror.example', 'docker.io']);
  assert.deepEqual(await hosts('own.example:1'), ['own.example:1']);
  const [own] = await endpointsFor('own.example:1', [path], false);
  assert.deepEqual(own?.connection, {
    ca: ['a.crt'],
    client: [
      { cert: 'b.cert', key: 'b.key' },
      { cert: 'c.cert', key: 'c.cert' },
    ],
    skipVerify: false,
  });
});

test('a file that makes no sense is an error that names it and the key', async (t) => {
  const { path } = await tempDir(t);
  await mkdir(join(path, 'x.example'));
  const file = join(path, 'x.example/hosts.toml');
  await writeFile(join(path, 'x.example/none.pem'), 'no certificate');
  for (const [text, message] of [
    ['server = ', /is no valid TOML/],
    ['capabilities = ["pull", "fly"]', /unknown capability "fly"/],
    ['ca = 5', /ca must be a text or a list/],
    ['ca = "missing.pem"', /missing\.pem can't be read/],
    ['ca = "none.pem"', /none\.pem is no certificate/],
    ['client = [["a", "b", "c"]]', /client must be/],
    ['skip_verify = "yes"', /skip_verify must be true or false/],
    ['dial_timeout = "soon"', /dial_timeout must be a time/],
    ['host = "x"', /host must be a table/],
    ['[host."https://a b"]', /"https:\/\/a b" is no address/],
    ['[header]\nx-a = "1\\r\\nb: 2"', /header\.x-a can not be sent/],
  ] as const) {
    await writeFile(file, text);
    await assertRejectsWithKind(endpointsFor('x.example', [path], false), 'invalid-argument', message);
    await assertRejectsWithKind(endpointsFor('x.example', [path], false), 'invalid-argument', /hosts\.toml/);
  }
});
