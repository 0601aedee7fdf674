import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.js';
import { deferred } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import { SILENT } from '../base/logger.js';
import { Channel } from '../rpc/channel.js';
import { implement } from '../rpc/handlers.js';
import { RpcServer } from '../rpc/server.js';
import { messages, wholeSchema } from '../rpc/whole.js';
import { pullImage } from './pull.js';

test('a stream for progress that fails while that for credentials is being opened is told, once', async (t) => {
  const { path } = await tempDir(t);
  const [failed, goOn] = [deferred<undefined>(), deferred<undefined>()];
  const streaming = implement('containerd.services.streaming.v1.Streaming', {
    async *stream(requests) {
      for await (const request of requests) {
        const { id } = messages.unpack('containerd.services.streaming.v1.StreamInit', request);
        if (id.startsWith('progress-')) {
          failed.resolve(undefined);
          throw new DaemonError('resource-exhausted', 'no room for a stream');
        }
        await goOn.promise;
        yield messages.pack('google.protobuf.Empty', {});
      }
    },
  });
  const version = implement('containerd.services.version.v1.Version', {
    version: () => Promise.resolve({ version: '1', revision: '' }),
  });
  await using server = new RpcServer({ schema: wholeSchema, services: [streaming, version], log: SILENT });
  await server.listen({ path: join(path, 'test.sock') });
  using session = new Channel({ address: join(path, 'test.sock'), schema: wholeSchema, namespace: 'default' });
  const pulling = pullImage(session, 'example.com/a:1', {
    onProgress: () => undefined,
    credentials: () => Promise.resolve(undefined),
  });
  const told = assert.rejects(pulling, /no room for a stream/);
  await failed.promise;
  // Its answer comes after that of the stream that failed.
  await session.service('containerd.services.version.v1.Version').version({});
  goOn.resolve(undefined);
  await told;
});
