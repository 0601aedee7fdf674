import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SILENT } from '../../src/base/logger.js';
import { openSession } from '../../src/client/open-session.js';
import { implement } from '../../src/rpc/handlers.js';
import { RpcServer } from '../../src/rpc/server.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { createHealthService } from '../../src/service/health.js';
import { createIntrospectionService } from '../../src/service/introspection.js';
import { listPlugins } from '../../src/service/plugins.js';
import { openServerIdentity } from '../../src/service/server-identity.js';
import { createVersionService } from '../../src/service/version.js';
import { run } from '../support/run.js';
import { tempDir } from '../support/temp-dir.js';

const CTR = '/usr/bin/ctr';

/** The services that need no stores, on a socket of their own. */
async function openServer(root: string): Promise<{ server: RpcServer; address: string; uuid: string }> {
  const identity = await openServerIdentity(root);
  const server = new RpcServer({
    schema: wholeSchema,
    log: SILENT,
    services: [
      implement('containerd.services.version.v1.Version', createVersionService('7.8.9', 'f00d')),
      implement('grpc.health.v1.Health', createHealthService(wholeSchema.services())),
      implement(
        'containerd.services.introspection.v1.Introspection',
        createIntrospectionService({
          identity,
          plugins: listPlugins({
            platform: { os: 'linux', architecture: 'amd64' },
            content: { name: 'content', exports: { root } },
            snapshotters: [{ name: 'overlayfs', exports: { root }, capabilities: [] }],
            services: ['containerd.services.version.v1.Version'],
          }),
          features: () => Promise.resolve(undefined),
        }),
      ),
    ],
  });
  const address = join(root, 'wire.sock');
  await server.listen({ path: address });
  return { server, address, uuid: identity.uuid };
}

async function outputOf(address: string, ...command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(CTR, ['--address', address, ...command]);
  assert.equal(code, 0, stderr.toString());
  return stdout.toString();
}

void test(
  'Debian’s ctr and our own client get the same answers',
  { skip: !existsSync(CTR) && 'no ctr here' },
  async (t) => {
    const { path } = await tempDir(t);
    const { server, address, uuid } = await openServer(path);
    await using _ = server;
    const version = await outputOf(address, 'version');
    assert.match(version, /Server:\n {2}Version: {2}7\.8\.9\n {2}Revision: f00d\n/);
    assert.match(version, new RegExp(`UUID: ${uuid}`));
    const plugins = await outputOf(address, 'plugins', 'ls');
    assert.match(plugins, /^io\.containerd\.runtime\.v2 +task +linux\/amd64 +ok/m);

    using session = openSession({ address });
    assert.equal((await session.service('containerd.services.version.v1.Version').version({})).version, '7.8.9');
    const identity = await session.service('containerd.services.introspection.v1.Introspection').server({});
    assert.equal(identity.uuid, uuid);
  },
);

void test('what is not there yet names itself to ctr', { skip: !existsSync(CTR) && 'no ctr here' }, async (t) => {
  const { path } = await tempDir(t);
  const { server, address } = await openServer(path);
  await using _ = server;
  const { code, stderr } = await run(CTR, ['--address', address, 'tasks', 'ls']);
  assert.equal(code, 1);
  assert.match(stderr.toString(), /services\.tasks\.v1\.Tasks\/List is not implemented by wharfd/);
});
