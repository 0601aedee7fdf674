import assert from 'node:assert/strict';
import { createConnection, createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { all, from, rejectsWith, socketPath, testChannel } from '../../test/support/test-channel.js';
import { deferred } from '../base/abort.js';
import { SILENT } from '../base/logger.js';
import { implement } from './handlers.js';
import { RpcServer } from './server.js';
import { wholeSchema } from './whole.js';

const CONTENT = 'containerd.services.content.v1.Content';

void test('a daemon that is not running, is silent, or goes away is told apart in one line', async (t) => {
  const path = await socketPath(t);
  const content = (options: { connectTimeoutMs?: number } = {}) => {
    const channel = testChannel({ address: path, schema: wholeSchema, ...options });
    t.after(() => channel.close());
    return channel.service(CONTENT);
  };
  await assert.rejects(
    content().info({}),
    rejectsWith('unavailable', /^the daemon is not running at \S+test\.sock: start it [^\n]*$/),
  );
  await assert.rejects(all(content().read({})), rejectsWith('unavailable', /is not running/));
  await assert.rejects(all(content().write(from({}))), rejectsWith('unavailable', /is not running/));

  const server = new RpcServer({ schema: wholeSchema, services: [], log: SILENT });
  await server.listen({ path });
  await server.close();
  const silent = createServer().listen(path);
  await once(silent, 'listening');
  const accepted: { destroy(): void }[] = [];
  silent.on('connection', (socket) => accepted.push(socket));
  await assert.rejects(content({ connectTimeoutMs: 200 }).info({}), rejectsWith('unavailable', /does not answer/));
  for (const socket of accepted) socket.destroy();
  silent.close();
  await once(silent, 'close');
});

void test('a connection that breaks in a call is lost, not "not running"', async (t) => {
  const entered = deferred<undefined>();
  const path = await socketPath(t);
  const server = new RpcServer({
    schema: wholeSchema,
    services: [
      implement(CONTENT, {
        info: async (_, { signal }) => {
          entered.resolve(undefined);
          await once(signal, 'abort');
          return {};
        },
      }),
    ],
    log: SILENT,
  });
  await server.listen({ path });
  t.after(() => server.close());
  // A proxy, whose death cuts the connection while both ends live.
  const proxyPath = `${path}.proxy`;
  const proxy = createServer((client) => {
    const upstream = createConnection(path);
    client.pipe(upstream).pipe(client);
    void entered.promise.then(() => {
      client.destroy();
      upstream.destroy();
    });
  }).listen(proxyPath);
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  using channel = testChannel({ address: proxyPath, schema: wholeSchema });
  await assert.rejects(channel.service(CONTENT).info({}), rejectsWith('unavailable', /was lost/));
});
