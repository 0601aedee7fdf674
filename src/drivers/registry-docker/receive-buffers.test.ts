import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceiveBuffers } from './receive-buffers.js';

const MIB = 1024 ** 2;

test('what comes while a piece is in use waits for more, and an end waits for nothing', async () => {
  const body = new ReceiveBuffers(() => undefined);
  const reader = body.taken();
  const sizeOf = async () => ((await reader.next()).value as Uint8Array).length;
  body.copy(Buffer.alloc(MIB));
  let first = 0;
  while (first < MIB) first += await sizeOf();
  body.copy(Buffer.from('a little'));
  let came = false;
  const next = sizeOf().finally(() => (came = true));
  await new Promise(setImmediate);
  assert.ok(!came, 'a little is no piece of its own yet');
  body.copy(Buffer.alloc(MIB));
  let rest = await next;
  assert.ok(rest > 8);
  body.end();
  while (rest < MIB + 8) rest += await sizeOf();
  assert.equal(rest, MIB + 8);
  assert.equal((await reader.next()).done, true);
});
