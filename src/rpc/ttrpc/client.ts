import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { abortable, deferred, type Deferred } from '../../base/abort.js';
import { DaemonError, messageOf } from '../../base/errors.js';
import { errorOfStatus } from '../status.js';
import { messages } from '../whole.js';
import { encodeFrame, FRAME, FrameReader, type Frame } from './frames.js';

const CONNECT_MS = 5000;

/** One unary call. */
export interface TtrpcCall {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly namespace: string;
  /** Milliseconds; 0 for no end. */
  readonly timeoutMs: number;
}

/** Calls over one connection to a ttrpc server on a unix socket. Disposing closes it; what waits for an answer then fails. */
export class TtrpcClient implements Disposable {
  /** Resolves when the connection has ended, by either side. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Deferred<Buffer>>();
  readonly #reader = new FrameReader();
  /** Odd for a client. */
  #streamId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#take(chunk);
    });
    socket.on('error', () => undefined); // 'close' follows
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const answer of this.#waiting.values()) answer.reject(connectionLost());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** @throws unavailable: nobody listens at the path, or nobody takes the connection in time. */
  static async connect(path: string): Promise<TtrpcClient> {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
      return new TtrpcClient(socket);
    } catch (cause) {
      socket.destroy();
      throw new DaemonError('unavailable', `no ttrpc server at ${path}: ${messageOf(cause)}`, { cause });
    }
  }

  /** @returns The payload of the answer. @throws What the server says. unavailable: the connection was lost. deadline-exceeded. */
  async call({ service, method, payload, namespace, timeoutMs }: TtrpcCall): Promise<Buffer> {
    if (this.#socket.destroyed) throw connectionLost();
    const streamId = this.#streamId;
    this.#streamId += 2;
    const request = messages.encode('ttrpc.Request', {
      ...{ service, method, payload: Buffer.from(payload), timeout_nano: String(BigInt(timeoutMs) * 1_000_000n) },
      metadata: [{ key: 'containerd-namespace-ttrpc', value: namespace }],
    });
    const frame = encodeFrame({ streamId, type: FRAME.request, payload: request });
    const answer = deferred<Buffer>();
    this.#waiting.set(streamId, answer);
    this.#socket.write(frame);
    const late = new DaemonError('deadline-exceeded', `${service}/${method} was not answered within ${timeoutMs} ms`);
    const cut = new AbortController();
    const timer = timeoutMs > 0 ? setTimeout(() => cut.abort(late), timeoutMs) : undefined;
    try {
      return await abortable(answer.promise, cut.signal);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(streamId);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#answer(frame);
    } catch {
      this.#socket.destroy();
    }
  }

  #answer({ streamId, type, payload }: Frame): void {
    const answer = type === FRAME.response ? this.#waiting.get(streamId) : undefined;
    if (!answer) return;
    const { status, payload: bytes } = messages.decode('ttrpc.Response', payload);
    if (status && status.code !== 0) answer.reject(errorOfStatus({ code: status.code, details: status.message }));
    else answer.resolve(bytes);
  }
}

function connectionLost(): DaemonError {
  return new DaemonError('unavailable', 'the ttrpc connection was lost');
}
