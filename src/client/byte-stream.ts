import { randomUUID } from 'node:crypto';
import { DaemonError } from '../base/errors.js';
import type { WireAny } from '../rpc/messages.js';
import { RequestQueue } from './request-queue.js';
import type { Session } from './session.js';

/** Bytes that a receiver allows ahead, and that one message has at most (containerd's streaming of bytes). */
const WINDOW_BYTES = 65_536;
const MESSAGE_BYTES_MAX = 32_768;

/** A stream that a transfer names by its id. */
export interface ByteStream {
  readonly id: string;
  /** Sends bytes as the daemon allows, then closes our side. @throws canceled: the daemon has ended the stream before. */
  send(bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** The bytes that the daemon sends, until it ends the stream. */
  receive(): AsyncGenerator<Uint8Array>;
  /** Leaves the stream. */
  end(): void;
}

/** Opens a stream; resolves when the daemon knows its id. */
export async function openByteStream(session: Session, signal?: AbortSignal): Promise<ByteStream> {
  const id = `bytes-${randomUUID()}`;
  const requests = new RequestQueue<WireAny>();
  void requests.push(session.messages.pack('containerd.services.streaming.v1.StreamInit', { id }));
  const streaming = session.service('containerd.services.streaming.v1.Streaming');
  const answers = streaming.stream(requests, { timeoutMs: 0, ...(signal ? { signal } : {}) });
  const replies = answers[Symbol.asyncIterator]();
  const opened = await replies.next();
  if (opened.done === true) throw new DaemonError('internal', 'the daemon closed the stream at once');
  return {
    id,
    async send(bytes) {
      let window = 0;
      for await (const chunk of bytes) {
        for (let at = 0; at < chunk.length;) {
          while (window <= 0) {
            const next = await replies.next();
            if (next.done === true) throw new DaemonError('canceled', 'the daemon has ended the stream');
            window += session.messages.unpack('containerd.types.transfer.WindowUpdate', next.value).update;
          }
          const data = Buffer.from(chunk.subarray(at, at + Math.min(window, MESSAGE_BYTES_MAX)));
          await requests.push(session.messages.pack('containerd.types.transfer.Data', { data }));
          window -= data.length;
          at += data.length;
        }
      }
      requests.end();
    },
    async *receive() {
      let window = 0;
      for (;;) {
        if (window < WINDOW_BYTES) {
          void requests.push(session.messages.pack('containerd.types.transfer.WindowUpdate', { update: WINDOW_BYTES }));
          window += WINDOW_BYTES;
        }
        const next = await replies.next();
        if (next.done === true) return;
        const { data } = session.messages.unpack('containerd.types.transfer.Data', next.value);
        window -= data.length;
        if (data.length > 0) yield data;
      }
    },
    end: () => {
      requests.end();
    },
  };
}
