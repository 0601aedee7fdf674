import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { Channel } from '../../src/rpc/channel.js';
import type { ServiceName } from '../../src/rpc/handlers.js';
import type { MethodInfo } from '../../src/rpc/schema.js';
import { wholeSchema } from '../../src/rpc/whole.js';
import { openDaemon } from '../support/daemon.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** A method that follows something does not answer by itself. */
const PATIENCE_MS = 2000;

type Method = (input: unknown, options: { signal: AbortSignal }) => Promise<unknown> | AsyncIterable<unknown>;

test('api: every service answers, and docs/api.md tells which methods are not there yet', async () => {
  await using daemon = await openDaemon();
  using channel = new Channel({ address: daemon.address, namespace: daemon.namespace, schema: wholeSchema });
  const missing: string[] = [];
  for (const service of wholeSchema.services()) {
    const client = channel.service(service as ServiceName) as unknown as Readonly<Record<string, Method>>;
    for (const method of wholeSchema.methods(service)) {
      if (await isMissing(client, method)) missing.push(method.path);
    }
  }
  const text = await readFile(join(PACKAGE_ROOT, 'docs/api.md'), 'utf8');
  const told = [...text.matchAll(/^- `(\/[\w.]+\/\w+)`/gm)].map(([, path = '']) => path);
  assert.deepEqual(missing.sort(), told.sort());
  const services = [...text.matchAll(/^\| `([\w.]+)`/gm)].map(([, name = '']) => name);
  assert.deepEqual([...wholeSchema.services()].sort(), services.sort());
});

/** True when the daemon says so, and names the method; any other answer comes from a method that is there. */
async function isMissing(client: Readonly<Record<string, Method>>, method: MethodInfo): Promise<boolean> {
  const call = client[method.property] ?? assert.fail(method.path);
  try {
    const answer = call(method.requestStream ? nothing() : {}, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!method.responseStream) await answer;
    else for await (const _ of answer as AsyncIterable<unknown>) break;
    return false;
  } catch (error) {
    return messageOf(error).includes(`${method.path} is not implemented`);
  }
}

async function* nothing(): AsyncIterable<never> {
  // A stream without messages.
}
