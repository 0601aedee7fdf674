import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BodySocket } from './body-socket.js';
import { ReceiveBuffers } from './receive-buffers.js';

/**
 * The bytes of a response whose length is known, received past node:http. Whatever was received is handed on before an error is thrown.
 *
 * @param connection On hold since the response's head was there.
 * @param stallMs Between two pieces.
 */
export async function* receivedBody(
  connection: BodySocket,
  response: IncomingMessage,
  length: number,
  stallMs: number,
): AsyncGenerator<Uint8Array, void> {
  const { socket } = connection;
  const body = new ReceiveBuffers(() => {
    if (left > 0 && !body.isFull) {
      stall.refresh();
      socket.resume();
    }
  });
  let left = length;
  const stall = setTimeout(() => {
    const before = left;
    // Where it was this process that stood still, bytes are waiting.
    setImmediate(() => {
      if (left === before && !body.isFull) body.end({ error: timedOut(stallMs) });
    });
  }, stallMs);
  const took = (bytes: number): boolean => {
    left -= bytes;
    stall.refresh();
    if (left <= 0) body.end();
    return left > 0 && !body.isFull;
  };
  socket.once('close', () => {
    body.end({ error: closedEarly() });
  });
  try {
    for (const bytes of await partOf(response, socket)) {
      body.copy(bytes);
      took(bytes.length);
    }
    if (left > 0) connection.receive(body, took);
    else body.end();
    // It may have been closed before anybody listened.
    if (socket.destroyed) body.end({ error: closedEarly() });
    let wanted = length;
    for await (const bytes of body.taken()) {
      // What goes on beyond its length is no part of it.
      if (wanted > 0) yield bytes.subarray(0, wanted);
      wanted -= bytes.length;
    }
  } finally {
    clearTimeout(stall);
    socket.destroy();
  }
}

/** What node:http has received of the body with the head. */
async function partOf(response: IncomingMessage, socket: BodySocket['socket']): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  do {
    const part = response.read() as Buffer | null;
    if (part !== null) parts.push(part);
    await nextTurn();
  } while (!socket.destroyed && (socket.readableLength > 0 || response.readableLength > 0));
  return parts;
}

function closedEarly(): Error {
  return Object.assign(new Error('closed early'), { code: 'ECONNRESET' });
}

function timedOut(stallMs: number): Error {
  return Object.assign(new Error(`no byte for ${stallMs} ms`), { code: 'UND_ERR_BODY_TIMEOUT' });
}
