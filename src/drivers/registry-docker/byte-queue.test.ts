import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ByteQueue } from './byte-queue.js';

/** Pieces of all sizes, one of them larger than what is gathered. */
const PIECES = Array.from({ length: 200 }, (_, at) => randomBytes((at * 7919) % 70_000)).concat(randomBytes(700_000));

for (const how of [{}, { gather: true }, { gather: true, transient: true }]) {
  test(`what is put in comes out in order, be it fast or slow: ${JSON.stringify(how)}`, async () => {
    const queue = new ByteQueue(how);
    const taken: Buffer[] = [];
    const reading = (async () => {
      for await (const piece of queue.taken()) {
        // A reader that takes its time sees the piece as it was.
        await new Promise(setImmediate);
        taken.push(Buffer.from(piece));
      }
    })();
    for (const [at, piece] of PIECES.entries()) {
      const lent = Buffer.from(piece);
      queue.put(lent);
      if (at % 5 === 0) await new Promise(setImmediate);
    }
    queue.end();
    await reading;
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(PIECES)));
    assert.equal(queue.length, 0);
  });
}

test('an error comes after all that was put in before it', async () => {
  const queue = new ByteQueue({ gather: true, transient: true });
  for (const piece of PIECES) queue.put(piece);
  queue.end({ error: new Error('cut') });
  let bytes = 0;
  await assert.rejects(async () => {
    for await (const piece of queue.taken()) bytes += piece.length;
  }, /cut/);
  assert.equal(
    bytes,
    PIECES.reduce((sum, { length }) => sum + length, 0),
  );
});

test('a few bytes do not wait for more', async () => {
  const queue = new ByteQueue({ gather: true, transient: true });
  const reader = queue.taken();
  const first = reader.next();
  queue.put(Buffer.from('abc'));
  assert.equal(Buffer.from((await first).value as Uint8Array).toString(), 'abc');
  queue.end();
  assert.equal((await reader.next()).done, true);
});
