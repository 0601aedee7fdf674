import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { makeImage, makeIndex, makeLayer } from './image.js';
import { skopeoPush, writeLayout } from './oci-layout.js';
import { openRegistry } from './registry.js';
import { output, run } from './run.js';
import { tempDir } from './temp-dir.js';

const HELLO = [{ path: 'hello', data: 'hello\n' }];

test('registry: images of every format and packing are kept as their bytes are', async () => {
  await using registry = await openRegistry();
  for (const format of ['oci', 'docker'] as const) {
    for (const packing of ['none', 'gzip', 'zstd'] as const) {
      const image = makeImage({ layers: [await makeLayer(HELLO, packing)], format });
      const reference = await registry.push(image, `${format}/${packing}`);
      const raw = await output('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`]);
      assert.equal(raw, image.manifests[0]?.bytes.toString());
    }
  }
  const index = makeIndex([makeImage({ layers: [await makeLayer(HELLO)] })]);
  const reference = await registry.push(index, 'index');
  const raw = await output('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${reference}`]);
  assert.equal(raw, index.manifests.at(-1)?.bytes.toString());
  assert.ok(registry.answered.some(({ method, status }) => method === 'GET' && status === 200));
});

test('registry: skopeo copies a layout to it, and umoci unpacks that layout', async (t) => {
  await using registry = await openRegistry();
  const dir = await tempDir(t);
  const layout = join(dir.path, 'layout');
  await writeLayout(layout, makeImage({ layers: [await makeLayer(HELLO)], settings: { Cmd: ['/hello'] } }));
  await skopeoPush(layout, `${registry.host}/hello:1`);
  const config = await output('skopeo', [
    'inspect',
    '--config',
    '--tls-verify=false',
    `docker://${registry.host}/hello:1`,
  ]);
  assert.deepEqual((JSON.parse(config) as { config: unknown }).config, { Cmd: ['/hello'] });
  await output('umoci', ['unpack', '--image', `${layout}:latest`, join(dir.path, 'bundle')]);
  assert.equal(await output('cat', [join(dir.path, 'bundle/rootfs/hello')]), 'hello\n');
});

test('registry: with basic authentication only the right password is let in', async () => {
  await using registry = await openRegistry({ auth: 'basic' });
  const codes = await Promise.all(
    ['user:right', 'user:wrong'].map(async (credentials) => {
      const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      return (await fetch(`http://${registry.host}/v2/`, { headers: { authorization } })).status;
    }),
  );
  assert.deepEqual(codes, [200, 401]);
});

test('registry: with tokens anybody gets one and is let in by it', async () => {
  await using registry = await openRegistry({ auth: 'token' });
  const reference = await registry.push(makeImage({ layers: [await makeLayer(HELLO)] }), 'hello', '1');
  const refused = await fetch(`http://${registry.host}/v2/hello/manifests/1`);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/token"/);
  const inspected = await run('skopeo', ['inspect', '--no-creds', '--tls-verify=false', `docker://${reference}`]);
  assert.equal(inspected.code, 0, inspected.stderr.toString());
});
