import type { Socket } from 'node:net';
import { DaemonError } from '../base/errors.js';
import { EVENT, grpcAddon, type GrpcAddon, type GrpcSession } from './grpc-addon.js';
import { GrpcCall, tooLarge, type GrpcStreams } from './grpc-call.js';
import { parseHeaders, type Headers } from './grpc-headers.js';
import type { Peer } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';

/** Bytes that are given to a socket at a time. */
const TAKE_BYTES = 256 * 1024;
/**
 * How long what nobody waits for may wait for company, in milliseconds. Clients of grpc-go ping with every reply that they get, to
 * learn how far away the server is: an answer of its own is a second write, and wakes the client a second time.
 */
const COMPANY_MS = 5;

/** A client's connection: moves bytes between its socket and the addon's session, and tells of the calls that begin. */
export class GrpcConnection implements GrpcStreams {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #onCall: (call: GrpcCall) => void;
  readonly #addon: GrpcAddon = grpcAddon();
  readonly #events: unknown[] = [];
  readonly #session: GrpcSession;
  readonly #calls = new Map<number, GrpcCall>();
  #flushing = false;
  #owes = false;
  #later: NodeJS.Timeout | undefined;
  #full = false;
  #closed = false;
  #failed = false;

  /** @param onCall Hears of each call when its headers are there, in one turn with them. */
  constructor(socket: Socket, peer: Peer, onCall: (call: GrpcCall) => void) {
    this.#socket = socket;
    this.#peer = peer;
    this.#onCall = onCall;
    this.#session = this.#addon.open(this.#events, MESSAGE_BYTES_MAX);
    socket.on('data', (bytes) => {
      this.#receive(bytes);
    });
    socket.on('drain', () => {
      this.#full = false;
      this.#flush();
    });
    socket.on('error', () => undefined); // `close` follows
    socket.once('close', () => {
      this.#close();
    });
    this.#flush();
  }

  /** Lets no further call begin, and closes the connection when those that run have ended and what they say has gone. */
  shutDown(): void {
    if (this.#closed) return;
    this.#done(this.#addon.goaway(this.#session));
  }

  taken(stream: number): void {
    if (!this.#closed && this.#addon.taken(this.#session, stream) === 1) this.#flushSoon();
  }

  headers(stream: number): void {
    if (!this.#closed) this.#done(this.#addon.headers(this.#session, stream));
  }

  reply(stream: number, bytes: Uint8Array): void {
    if (!this.#closed) this.#done(this.#addon.reply(this.#session, stream, bytes));
  }

  answer(stream: number, bytes: Uint8Array): void {
    if (!this.#closed) this.#done(this.#addon.answer(this.#session, stream, bytes));
  }

  finish(stream: number, status: number, details: string): void {
    if (!this.#closed) this.#done(this.#addon.finish(this.#session, stream, status, details));
  }

  /** Sends what the session made of that. Where it could not (memory is short), the client would wait for ever: its connection ends. */
  #done(outcome: number): void {
    if (outcome < 0) this.#failed = true;
    this.#flushSoon();
  }

  #receive(bytes: Buffer): void {
    if (this.#closed || this.#failed) return;
    const outcome = this.#addon.receive(this.#session, bytes);
    this.#failed = outcome < 0;
    this.#dispatch();
    if (outcome === 0) this.#flushLater();
    else this.#flush();
  }

  #flushLater(): void {
    this.#owes = true;
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      if (this.#owes) this.#flush();
    }, COMPANY_MS).unref();
  }

  /** Soon, with what else is said in this turn. */
  #flushSoon(): void {
    if (this.#flushing || this.#full) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flush();
    });
  }

  #flush(): void {
    this.#flushing = this.#owes = false;
    while (!this.#closed && !this.#full) {
      const bytes = this.#addon.take(this.#session, TAKE_BYTES);
      if (typeof bytes === 'number') {
        if (bytes < 0) this.#failed = true;
        break;
      }
      this.#full = !this.#socket.write(bytes, () => {
        this.#addon.release(bytes);
      });
    }
    this.#dispatch();
    if (!this.#closed && !this.#full && (this.#failed || this.#addon.over(this.#session) === 1))
      this.#socket.destroySoon();
  }

  #dispatch(): void {
    const events = this.#events;
    for (let at = 0; at < events.length; at += 3)
      this.#handle(events[at] as number, events[at + 1] as number, events[at + 2]);
    events.length = 0;
  }

  #handle(kind: number, stream: number, detail: unknown): void {
    if (kind === EVENT.call) {
      this.#begin(stream, parseHeaders(detail as string));
      return;
    }
    const call = this.#calls.get(stream);
    if (!call) return;
    if (kind === EVENT.message || kind === EVENT.compressed) call.take(detail as Buffer, kind === EVENT.compressed);
    else if (kind === EVENT.halfClosed) call.takeEnd();
    else if (kind === EVENT.sent) call.takeSent();
    else if (kind === EVENT.tooLarge) call.takeEnd(tooLarge(call.path, detail as number));
    else if (kind === EVENT.cutOff)
      call.takeEnd(new DaemonError('invalid-argument', `${call.path}: the last request is cut off`));
    else if (kind === EVENT.closed) {
      this.#calls.delete(stream);
      call.takeClosed();
    }
  }

  #begin(stream: number, headers: Headers): void {
    const httpStatus = refusalOf(headers);
    if (httpStatus !== undefined) {
      this.#done(this.#addon.refuse(this.#session, stream, httpStatus));
      return;
    }
    const call = new GrpcCall(headers, this.#peer, this, stream);
    this.#calls.set(stream, call);
    this.#onCall(call);
  }

  #close(): void {
    this.#closed = true;
    clearTimeout(this.#later);
    this.#addon.close(this.#session);
    this.#events.length = 0;
    for (const call of this.#calls.values()) call.takeClosed();
    this.#calls.clear();
  }
}

/** The HTTP status for what is no gRPC call (gRPC over HTTP/2, "Requests"). */
function refusalOf(headers: Headers): number | undefined {
  if (headers.get(':method') !== 'POST') return 405;
  return /^application\/grpc($|[+;])/.test(headers.get('content-type') ?? '') ? undefined : 415;
}
