import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SILENT } from '../base/logger.js';
import { DaemonError } from '../base/errors.js';
import { Channel } from '../rpc/channel.js';
import { implement } from '../rpc/handlers.js';
import { RpcServer } from '../rpc/server.js';
import { messages, wholeSchema } from '../rpc/whole.js';
import { tempDir } from '../../test/support/temp-dir.js';
import { createHealthService } from './health.js';
import { createIntrospectionService } from './introspection.js';
import { listPlugins } from './plugins.js';
import { createReflectionService } from './reflection.js';
import { openServerIdentity, type ServerIdentity } from './server-identity.js';
import { createVersionService } from './version.js';

const FEATURES = '{"ociVersionMin":"1.0.0","linux":{"namespaces":["pid"]}}';

async function connected(t: TestContext): Promise<{ channel: Channel; identity: ServerIdentity; root: string }> {
  const { path: root } = await tempDir(t);
  const identity = await openServerIdentity(root);
  const plugins = listPlugins({
    platform: { os: 'linux', architecture: 'amd64' },
    content: { name: 'content', exports: { root: '/r/content' } },
    snapshotters: [
      { name: 'overlayfs', exports: { root: '/r/overlayfs' }, capabilities: ['rebase'] },
      { name: 'native', exports: { root: '/r/native' }, capabilities: [], failure: 'no room' },
    ],
    services: ['containerd.services.version.v1.Version', 'grpc.health.v1.Health'],
  });
  const names = wholeSchema.services();
  const reflection = createReflectionService(names);
  const server = new RpcServer({
    schema: wholeSchema,
    log: SILENT,
    services: [
      implement('containerd.services.version.v1.Version', createVersionService('1.2.3', 'abc')),
      implement('grpc.health.v1.Health', createHealthService(names)),
      implement(
        'containerd.services.introspection.v1.Introspection',
        createIntrospectionService({ identity, plugins, features: () => Promise.resolve(FEATURES) }),
      ),
      implement('grpc.reflection.v1.ServerReflection', reflection),
      implement('grpc.reflection.v1alpha.ServerReflection', reflection),
    ],
  });
  await server.listen({ path: join(root, 'sock') });
  const channel = new Channel({ address: join(root, 'sock'), schema: wholeSchema });
  t.after(async () => {
    channel.close();
    await server.close();
  });
  return { channel, identity, root };
}

const kindIs = (kind: string) => (error: unknown) => error instanceof DaemonError && error.kind === kind;

void test('version, health and identity answer without a namespace', async (t) => {
  const { channel, identity, root } = await connected(t);
  assert.deepEqual(await channel.service('containerd.services.version.v1.Version').version({}), {
    version: '1.2.3',
    revision: 'abc',
  });
  const health = channel.service('grpc.health.v1.Health');
  assert.equal((await health.check({})).status, 'SERVING');
  assert.equal((await health.check({ service: 'containerd.services.tasks.v1.Tasks' })).status, 'SERVING');
  await assert.rejects(health.check({ service: 'nobody' }), kindIs('not-found'));
  for await (const { status } of health.watch({ service: 'nobody' })) {
    assert.equal(status, 'SERVICE_UNKNOWN');
    break;
  }
  const server = await channel.service('containerd.services.introspection.v1.Introspection').server({});
  assert.match(server.uuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual([server.pid, server.pidns], [String(process.pid), identity.pidNamespace.toString()]);
  assert.equal((await openServerIdentity(root)).uuid, server.uuid);
});

void test('plugins are found by containerd’s filters, with what buildkitd and nerdctl look at', async (t) => {
  const { channel } = await connected(t);
  const introspection = channel.service('containerd.services.introspection.v1.Introspection');
  const { plugins: runtimes } = await introspection.plugins({ filters: ['type==io.containerd.runtime.v2'] });
  assert.deepEqual(
    runtimes.map(({ id, platforms }) => [id, platforms.map(({ os, architecture }) => [os, architecture])]),
    [['task', [['linux', 'amd64']]]],
  );
  const { plugins: snapshotters } = await introspection.plugins({
    filters: ['type==io.containerd.snapshotter.v1,id==overlayfs', 'id==native'],
  });
  assert.deepEqual(
    snapshotters.map(({ id, exports, capabilities, init_err: failure }) => [
      id,
      exports.root,
      capabilities,
      failure?.message,
    ]),
    [
      ['overlayfs', '/r/overlayfs', ['rebase'], undefined],
      ['native', '/r/native', [], 'no room'],
    ],
  );
  const { plugins: all } = await introspection.plugins({});
  const ids = all.map(({ type, id }) => `${type}.${id}`);
  for (const id of [
    'differ.v1.walking',
    'transfer.v1.local',
    'content.v1.content',
    'gc.v1.scheduler',
    'grpc.v1.version',
    'grpc.v1.healthcheck',
  ]) {
    assert(ids.includes(`io.containerd.${id}`), id);
  }
  await assert.rejects(introspection.plugins({ filters: ['type==='] }), kindIs('invalid-argument'));
});

void test('the runtime tells its features; another runtime is not ours to ask', async (t) => {
  const { channel } = await connected(t);
  const introspection = channel.service('containerd.services.introspection.v1.Introspection');
  const { plugin, extra } = await introspection.pluginInfo({ type: 'io.containerd.runtime.v2', id: 'task' });
  assert.equal(plugin?.id, 'task');
  const info = messages.unpack('containerd.types.RuntimeInfo', extra);
  assert.equal(info.name, 'io.containerd.runc.v2');
  assert.deepEqual(info.features, {
    type_url: 'types.containerd.io/opencontainers/runtime-spec/1/features/Features',
    value: Buffer.from(FEATURES),
  });
  const options = messages.pack('containerd.types.RuntimeRequest', { runtime_path: 'io.containerd.kata.v2' });
  await assert.rejects(
    introspection.pluginInfo({ type: 'io.containerd.runtime.v2', id: 'task', options }),
    kindIs('unimplemented'),
  );
  await assert.rejects(introspection.pluginInfo({ type: 'x', id: 'y' }), kindIs('not-found'));
});

for (const version of ['v1', 'v1alpha'] as const) {
  void test(`reflection ${version} lists the services and gives a file with all that it imports`, async (t) => {
    const { channel } = await connected(t);
    const reflection = channel.service(`grpc.reflection.${version}.ServerReflection`);
    const requests = [
      { list_services: '' },
      { file_containing_symbol: 'no.such.Symbol' },
      { all_extension_numbers_of_type: 'google.protobuf.MessageOptions' },
      { file_containing_symbol: 'containerd.services.tasks.v1.Tasks.CloseIO' },
      { file_by_filename: 'containerd/types/mount.proto' },
      { file_containing_extension: { containing_type: 'google.protobuf.FileOptions', extension_number: 63300 } },
    ];
    const replies = [];
    for await (const reply of reflection.serverReflectionInfo(asStream(requests))) replies.push(reply);
    const [services, missing, extensions, ...found] = replies;
    assert.deepEqual(
      services?.list_services_response?.service.map(({ name }) => name),
      wholeSchema.services(),
    );
    assert.equal(missing?.error_response?.error_code, 5);
    assert.deepEqual(extensions?.all_extension_numbers_response?.extension_number, [64400]);
    const files = found.map((reply) => reply.file_descriptor_response?.file_descriptor_proto.map(fileName) ?? []);
    assert.deepEqual(
      files.map(([first]) => first),
      ['containerd/services/tasks/v1/tasks.proto', 'containerd/types/mount.proto', 'containerd/types/fieldpath.proto'],
    );
    const imports = new Set(files[0]);
    assert(imports.has('google/protobuf/any.proto') && imports.has('containerd/v1/types/task.proto'));
  });
}

async function* asStream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function fileName(bytes: Uint8Array): string {
  return (wholeSchema.codec('google.protobuf.FileDescriptorProto').decode(bytes) as { name: string }).name;
}
