import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { RequestQueue } from '../client/request-queue.js';
import { SILENT } from '../base/logger.js';
import { implement } from './handlers.js';
import { RpcServer } from './server.js';
import { testChannel } from '../../test/support/test-channel.js';
import { wholeSchema } from './whole.js';

const CONTENT = 'containerd.services.content.v1.Content';
const REPLIES = 500;

void test('a client that still writes when the server has ended gets all replies and the status OK', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wharfd-rpc-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'test.sock');
  const service = implement(CONTENT, {
    async *write() {
      for (let at = 0; at < REPLIES; at++) yield { offset: String(at) };
    },
  });
  await using server = new RpcServer({ schema: wholeSchema, services: [service], log: SILENT });
  await server.listen({ path });
  using channel = testChannel({ address: path, schema: wholeSchema, namespace: 'testing' });
  const requests = new RequestQueue<{ ref: string }>();
  const replies = channel.service(CONTENT).write(requests);
  const offsets: string[] = [];
  for await (const { offset } of replies) {
    offsets.push(offset);
    if (offsets.length > 20) void requests.push({ ref: offset });
    for (let turn = 0; turn < 3; turn++) await setImmediate(); // the status overtakes what the reader has not taken yet
  }
  assert.deepEqual(
    offsets,
    Array.from({ length: REPLIES }, (_, at) => String(at)),
  );
});
