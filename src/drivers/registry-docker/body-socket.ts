import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { onAbort } from '../../base/abort.js';
import type { ReceiveBuffers } from './receive-buffers.js';

/** What is received of a head at a time: a small piece, since some of it may belong to the body. */
const HEAD_BYTES = 16 * 1024;

/** How a connection is made. */
export interface ConnectOptions {
  readonly url: URL;
  /** Of https. */
  readonly tls: ConnectionOptions;
  /** Milliseconds, TLS included. */
  readonly timeoutMs: number;
  /** Gets the socket before it is connected. */
  readonly onOpen: (socket: Socket) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection for one response. It gives what it receives to its stream, where node:http reads the head; from `hold` on it keeps the
 * bytes back, and from `receive` on they go right into buffers: streams make and copy memory for each piece, and take most of the CPU time of
 * a download.
 */
export class BodySocket {
  readonly socket: Socket;
  readonly #head = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #held: Buffer[] | undefined;
  #body: ReceiveBuffers | undefined;
  #onReceived: (bytes: number) => boolean = () => true;

  private constructor({ url, tls }: Pick<ConnectOptions, 'url' | 'tls'>) {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const onread: OnReadOpts = {
      buffer: () => this.#body?.room() ?? this.#head,
      callback: (bytes, buffer) => this.#received(bytes, Buffer.from(buffer.buffer, buffer.byteOffset, bytes)),
    };
    const port = Number(url.port);
    this.socket =
      url.protocol === 'https:'
        ? connectTls({
            ...{ ALPNProtocols: ['http/1.1'], servername: isIP(host) === 0 ? host : '', ...tls },
            ...{ host, port: port || 443, onread },
          })
        : connectTcp({ host, port: port || 80, onread });
  }

  /** @throws What node:net and node:tls throw; ETIMEDOUT; the signal's reason. */
  static async connect({ url, tls, timeoutMs, onOpen, signal }: ConnectOptions): Promise<BodySocket> {
    signal?.throwIfAborted();
    const made = new BodySocket({ url, tls });
    const { socket } = made;
    onOpen(socket);
    const late = setTimeout(() => {
      socket.destroy(Object.assign(new Error(`no connection after ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    try {
      using _ = onAbort(signal, (reason) => {
        socket.destroy(reason instanceof Error ? reason : new Error(String(reason)));
      });
      await new Promise<void>((resolve, reject) => {
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', resolve);
        socket.once('error', reject);
        socket.once('close', () => reject(Object.assign(new Error('closed early'), { code: 'ECONNRESET' })));
      });
      // From now on whoever reads is told of errors.
      socket.on('error', () => undefined);
      return made;
    } catch (cause) {
      socket.destroy();
      throw cause;
    } finally {
      clearTimeout(late);
    }
  }

  /** What comes from now on is not for the stream. */
  hold(): void {
    this.#held ??= [];
  }

  /**
   * What was held back, and all that comes, goes into `body`.
   *
   * @param onReceived Told of every piece; false when no more is wanted, until the socket is resumed.
   */
  receive(body: ReceiveBuffers, onReceived: (bytes: number) => boolean): void {
    this.#body = body;
    this.#onReceived = onReceived;
    let wanted = true;
    for (const bytes of this.#held ?? []) {
      body.copy(bytes);
      wanted = onReceived(bytes.length);
    }
    this.#held = undefined;
    if (wanted) this.socket.resume();
  }

  #received(count: number, bytes: Buffer): boolean {
    const body = this.#body;
    if (body === undefined) {
      if (this.#held === undefined) return this.socket.push(Buffer.from(bytes));
      this.#held.push(Buffer.from(bytes));
      return false;
    }
    // The first of them was asked for when there were no buffers yet.
    if (bytes.buffer === this.#head.buffer) body.copy(bytes);
    else body.received(count);
    return this.#onReceived(count);
  }
}
