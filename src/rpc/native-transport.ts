import { connect, type Socket } from 'node:net';
import { DaemonError } from '../base/errors.js';
import { connectionError, lostConnection } from './connection-error.js';
import { EVENT } from './grpc-addon.js';
import { Headers } from './grpc-headers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { NativeCall, type ClientStreams } from './native-call.js';
import { SessionSocket } from './session-socket.js';
import type { CallStart, ClientCall, OpenTransport, Transport, TransportOptions } from './transport.js';

/** What a metadata value may be (gRPC over HTTP/2, "ASCII-Value"). */
const VALUE = /^[ -~]*$/;
/** The HTTP/2 error REFUSED_STREAM (RFC 9113, 7). */
const REFUSED = 7;
/** Digits of `grpc-timeout` (gRPC over HTTP/2, "TimeoutValue"). */
const TIMEOUT_MAX = 99_999_999;

/** Calls by the addon, which is there with the daemon: it takes a tenth of the time to load that grpc-js takes. */
export const openNative: OpenTransport = (options) => new NativeTransport(options);

class NativeTransport implements Transport {
  readonly #options: TransportOptions;
  #connection: Connection | undefined;
  #connecting: Promise<void> | undefined;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async connected(): Promise<void> {
    if (this.#connection?.isOpen === true) return;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
  }

  async #connect(): Promise<void> {
    const socket = await connectTo(this.#options);
    this.#connection = new Connection(socket, this.#options);
    if (this.#closed) this.#connection.close();
  }

  call(start: CallStart): ClientCall {
    if (this.#connection === undefined)
      throw new DaemonError('internal', 'a call was begun before there was a connection');
    return this.#connection.call(start);
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }
}

async function connectTo(options: TransportOptions): Promise<Socket> {
  const socket = connect({ path: options.address }).pause(); // what comes is the session's to read
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return socket;
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    throw connectionError(options, error.code ?? '', error);
  }
}

/** One connection with its calls. */
class Connection implements ClientStreams {
  readonly #options: TransportOptions;
  readonly #session: SessionSocket;
  readonly #calls = new Map<number, NativeCall>();
  /** Why what runs ends when the connection does. */
  #why: DaemonError | undefined;

  constructor(socket: Socket, options: TransportOptions) {
    this.#options = options;
    const silence = setTimeout(() => {
      this.#end(connectionError(options, 'timeout', new Error('it says nothing')));
    }, options.connectTimeoutMs);
    this.#session = new SessionSocket(socket, (addon) => addon.connect(MESSAGE_BYTES_MAX), {
      happened: (kind, stream, detail) => {
        this.#handle(kind, stream, detail);
      },
      heard: () => {
        clearTimeout(silence);
      },
      closed: () => {
        clearTimeout(silence);
        const why = (this.#why ??= lostConnection(options));
        for (const call of this.#calls.values()) call.takeEnd(why);
        this.#calls.clear();
      },
    });
  }

  get isOpen(): boolean {
    return !this.#session.isClosed && this.#why === undefined;
  }

  call({ path, metadata, timeoutMs }: CallStart): NativeCall {
    const headers = Buffer.from(fieldsOf(path, metadata, timeoutMs), 'latin1');
    const stream = this.#session.attempt((addon, session) => addon.begin(session, headers)) ?? -1;
    const call = new NativeCall(path, this, stream, timeoutMs);
    if (stream < 0) call.takeEnd(this.#why ?? lostConnection(this.#options));
    else this.#calls.set(stream, call);
    return call;
  }

  close(): void {
    this.#end(new DaemonError('canceled', `the connection to ${this.#options.address} was closed`));
  }

  #end(why: DaemonError): void {
    this.#why ??= why;
    this.#session.destroy();
  }

  taken(stream: number): void {
    this.#session.doQuietly((addon, session) => addon.taken(session, stream));
  }

  send(stream: number, bytes: Uint8Array): void {
    this.#session.do((addon, session) => addon.reply(session, stream, bytes));
  }

  end(stream: number): void {
    this.#session.do((addon, session) => addon.end(session, stream));
  }

  cancel(stream: number): void {
    this.#session.do((addon, session) => addon.cancel(session, stream));
  }

  #handle(kind: number, stream: number, detail: unknown): void {
    const call = this.#calls.get(stream);
    if (!call) return;
    const broken = (what: string) => {
      call.takeBroken(new DaemonError('internal', `the server at ${this.#options.address} ${what}`));
    };
    if (kind === EVENT.call) call.takeHeaders(new Headers(detail as string));
    else if (kind === EVENT.message) call.takeReply(detail as Buffer);
    else if (kind === EVENT.sent) call.takeSent();
    else if (kind === EVENT.compressed) broken('compresses its replies, though nobody asked for that');
    else if (kind === EVENT.tooLarge) broken(`sends a reply of ${String(detail)} bytes, over ${MESSAGE_BYTES_MAX}`);
    else if (kind === EVENT.cutOff) broken('ends in the middle of a reply');
    else if (kind === EVENT.halfClosed) {
      call.takeEnd(this.#noStatus('none'));
      // If it is not closed yet, this side still sends, and nobody listens.
      this.cancel(stream);
    } else if (kind === EVENT.closed) {
      this.#calls.delete(stream);
      call.takeEnd(this.#noStatus(detail));
    }
  }

  #noStatus(code: unknown): DaemonError {
    const what =
      code === REFUSED
        ? 'takes no further calls: it is about to stop'
        : `ended a call without a status (HTTP/2 error ${String(code)})`;
    return new DaemonError('unavailable', `the server at ${this.#options.address} ${what}`);
  }
}

/** The request headers (gRPC over HTTP/2, "Requests"), as the addon takes them. @throws invalid-argument: no value of a header. */
function fieldsOf(path: string, metadata: CallStart['metadata'], timeoutMs: number | undefined): string {
  for (const [name, value] of metadata) {
    if (!VALUE.test(value))
      throw new DaemonError('invalid-argument', `${name} ${JSON.stringify(value)} has other characters than ASCII has`);
  }
  const timeout = timeoutMs === undefined ? [] : [['grpc-timeout', timeoutText(timeoutMs)]];
  const fields = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...timeout,
    ...metadata,
  ];
  return fields.map((field) => `${field.join('\0')}\0`).join('');
}

function timeoutText(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  return ms <= TIMEOUT_MAX ? `${ms}m` : `${Math.min(Math.ceil(ms / 1000), TIMEOUT_MAX)}S`;
}
