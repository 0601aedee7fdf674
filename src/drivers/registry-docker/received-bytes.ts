import type { Readable } from 'node:stream';
import { deferred, type Deferred } from '../../base/abort.js';

/** Received and not yet taken; the socket is not read beyond that. */
const AHEAD_BYTES_MAX = 1024 * 1024;

/**
 * The bytes of a response as they come. A plain iteration over the stream would drop what is in its buffer when the connection breaks;
 * here whatever was received is handed on before the error is thrown, so that none of it has to be sent again.
 */
export async function* receivedBytes(stream: Readable): AsyncGenerator<Uint8Array, void> {
  const queue: Uint8Array[] = [];
  let ahead = 0;
  const last: { end?: { readonly error?: unknown } } = {};
  let wake: Deferred<undefined> | undefined;
  const finish = (how: { readonly error?: unknown }): void => {
    last.end ??= how;
    wake?.resolve(undefined);
  };
  stream.on('error', (error) => finish({ error }));
  stream.on('end', () => finish({}));
  stream.on('close', () => finish({ error: Object.assign(new Error('closed early'), { code: 'ECONNRESET' }) }));
  stream.on('data', (bytes: Uint8Array) => {
    queue.push(bytes);
    ahead += bytes.length;
    if (ahead > AHEAD_BYTES_MAX) stream.pause();
    wake?.resolve(undefined);
  });
  try {
    for (;;) {
      while (queue.length > 0) {
        // What came in while the last piece was written goes on as one: each write costs the same, be it small or large.
        const next = Buffer.concat(queue.splice(0));
        ahead = 0;
        if (stream.isPaused()) stream.resume();
        yield next;
      }
      if (last.end && 'error' in last.end) throw last.end.error;
      if (last.end) return;
      wake = deferred<undefined>();
      await wake.promise;
    }
  } finally {
    stream.destroy();
  }
}
