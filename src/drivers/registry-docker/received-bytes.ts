import type { Readable } from 'node:stream';
import { ByteQueue } from './byte-queue.js';

/** Received and not yet taken; the socket is not read beyond that. */
const AHEAD_BYTES_MAX = 512 * 1024;

/**
 * The bytes of a response as they come. A plain iteration over the stream would drop what is in its buffer when the connection breaks;
 * here whatever was received is handed on before the error is thrown, so that none of it has to be sent again.
 *
 * @param transient A piece may be overwritten once the next one is asked for.
 */
export async function* receivedBytes(stream: Readable, transient = false): AsyncGenerator<Uint8Array, void> {
  const onTaken = () => {
    if (stream.isPaused() && queue.length < AHEAD_BYTES_MAX) stream.resume();
  };
  const queue = new ByteQueue({ gather: true, transient, onTaken });
  stream.on('error', (error) => queue.end({ error }));
  stream.on('end', () => queue.end());
  stream.on('close', () => queue.end({ error: Object.assign(new Error('closed early'), { code: 'ECONNRESET' }) }));
  stream.on('data', (bytes: Uint8Array) => {
    queue.put(bytes);
    if (queue.length > AHEAD_BYTES_MAX) stream.pause();
  });
  try {
    yield* queue.taken();
  } finally {
    stream.destroy();
  }
}
