import type { Socket } from 'node:net';
import { DaemonError } from '../base/errors.js';
import { EVENT, type GrpcAnswers } from './grpc-addon.js';
import { GrpcCall, tooLarge, type GrpcStreams } from './grpc-call.js';
import { Headers } from './grpc-headers.js';
import type { Peer } from './handlers.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { SessionSocket } from './session-socket.js';

/** What a connection tells, and what it is told. */
export interface ConnectionOptions {
  /** A call's headers are there; in one turn with them. */
  readonly onCall: (call: GrpcCall) => void;
  /** It is over. */
  readonly onClosed: () => void;
  /** They answer some of the calls, of which `onCall` does not hear then. */
  readonly answers?: GrpcAnswers | undefined;
}

/** A client's connection: moves bytes between its socket and the addon's session, and tells of the calls that begin. */
export class GrpcConnection implements GrpcStreams {
  readonly #peer: Peer;
  readonly #onCall: (call: GrpcCall) => void;
  readonly #session: SessionSocket;
  readonly #calls = new Map<number, GrpcCall>();

  /** @throws What SessionSocket throws. */
  constructor(socket: Socket, peer: Peer, { onCall, onClosed, answers }: ConnectionOptions) {
    this.#peer = peer;
    this.#onCall = onCall;
    this.#session = new SessionSocket(socket, (addon) => addon.open(MESSAGE_BYTES_MAX, answers), {
      happened: (kind, stream, detail) => {
        this.#handle(kind, stream, detail);
      },
      closed: () => {
        for (const call of this.#calls.values()) call.takeClosed();
        this.#calls.clear();
        onClosed();
      },
    });
  }

  /** Whatever is under way ends at once. */
  destroy(): void {
    this.#session.destroy();
  }

  /** Lets no further call begin, and closes the connection when those that run have ended and what they say has gone. */
  shutDown(): void {
    this.#session.do((addon, session) => addon.goaway(session));
  }

  taken(stream: number): void {
    this.#session.doQuietly((addon, session) => addon.taken(session, stream));
  }

  headers(stream: number): void {
    this.#session.do((addon, session) => addon.headers(session, stream));
  }

  reply(stream: number, bytes: Uint8Array): void {
    this.#session.do((addon, session) => addon.reply(session, stream, bytes));
  }

  answer(stream: number, bytes: Uint8Array): void {
    this.#session.do((addon, session) => addon.answer(session, stream, bytes));
  }

  finish(stream: number, status: number, details: string): void {
    this.#session.do((addon, session) => addon.finish(session, stream, status, details));
  }

  #handle(kind: number, stream: number, detail: unknown): void {
    if (kind === EVENT.call) {
      this.#begin(stream, new Headers(detail as string));
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
      this.#session.do((addon, session) => addon.refuse(session, stream, httpStatus));
      return;
    }
    const call = new GrpcCall(headers, this.#peer, this, stream);
    this.#calls.set(stream, call);
    this.#onCall(call);
  }
}

/** The HTTP status for what is no gRPC call (gRPC over HTTP/2, "Requests"). */
function refusalOf(headers: Headers): number | undefined {
  if (headers.get(':method') !== 'POST') return 405;
  return /^application\/grpc($|[+;])/.test(headers.get('content-type') ?? '') ? undefined : 415;
}
