import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DaemonError } from '../../src/base/errors.js';
import { BareChannel, type ChannelOptions } from '../../src/rpc/bare-channel.js';
import { openGrpcJs } from '../../src/rpc/grpc-js-transport.js';
import { openNative } from '../../src/rpc/native-transport.js';

/** A channel by the transport that the tests are run with: grpc-js, unless WHARFD_TEST_TRANSPORT is `native`. */
export function testChannel(options: ChannelOptions): BareChannel {
  return new BareChannel(options, process.env['WHARFD_TEST_TRANSPORT'] === 'native' ? openNative : openGrpcJs);
}

/** Where a server of a test may listen, in a folder that goes with the test. */
export async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wharfd-rpc-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'run', 'test.sock');
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

export async function* from<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

/** For assert.rejects: the kind of the error, and what its text matches. */
export const rejectsWith = (kind: DaemonError['kind'], text: RegExp) => (error: unknown) => {
  assert(error instanceof DaemonError);
  assert.deepEqual({ kind: error.kind, matches: text.test(error.message) || error.message }, { kind, matches: true });
  return true;
};
