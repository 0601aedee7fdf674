import { abortable } from '../base/abort.js';
import { DaemonError } from '../base/errors.js';
import { messages } from '../rpc/whole.js';
import type { ClientStream } from './stream-registry.js';

/** Bytes that a receiver allows ahead, and that one message has at most (containerd's streaming of bytes). */
const WINDOW_BYTES = 65_536;
const MESSAGE_BYTES_MAX = 32_768;

const DATA = 'containerd.types.transfer.Data';
const UPDATE = 'containerd.types.transfer.WindowUpdate';

/** The bytes that a client sends on a stream, until it closes its side; it never sends more than it was allowed. */
export async function* receiveBytes(stream: ClientStream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let window = 0;
  for (;;) {
    if (window < WINDOW_BYTES) {
      await stream.send(messages.pack(UPDATE, { update: WINDOW_BYTES }));
      window += WINDOW_BYTES;
    }
    const next = await abortable(stream.received.next(), signal);
    if (next.done === true) return;
    const { data } = messages.unpack(DATA, next.value);
    window -= data.length;
    if (window < 0) throw new DaemonError('invalid-argument', 'the client sent more than its window: invalid argument');
    if (data.length > 0) yield data;
  }
}

/** Sends bytes to a client, as it allows. @throws canceled: the client has closed its side before it had them all. */
export async function sendBytes(
  stream: ClientStream,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let window = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      while (window <= 0) {
        const next = await abortable(stream.received.next(), signal);
        if (next.done === true)
          throw new DaemonError('canceled', 'the client has closed the stream that it gets bytes on');
        window += messages.unpack(UPDATE, next.value).update;
      }
      const data = Buffer.from(chunk.subarray(at, at + Math.min(window, MESSAGE_BYTES_MAX)));
      await stream.send(messages.pack(DATA, { data }));
      window -= data.length;
      at += data.length;
    }
  }
}

/** Closes a stream with its scope: to clients that is the end of what was asked for. */
export function closing(stream: ClientStream): ClientStream & Disposable {
  return {
    received: stream.received,
    send: (message) => stream.send(message),
    close: () => {
      stream.close();
    },
    [Symbol.dispose]: () => {
      stream.close();
    },
  };
}

/** @throws unimplemented: an archive of another type than the tar of an OCI layout. */
export function checkArchiveType(mediaType: string): void {
  if (mediaType === '' || mediaType === 'application/vnd.oci.image.layout.v1+tar') return;
  throw new DaemonError(
    'unimplemented',
    `unsupported archive media type ${JSON.stringify(mediaType)}: not implemented`,
  );
}
