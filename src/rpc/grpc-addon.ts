import { constants } from 'node:os';
import { DaemonError, messageOf } from '../base/errors.js';
import { nativePath } from '../base/native-path.js';

/** A connection's session in the addon. */
export type GrpcSession = object & { readonly grpcSession: unique symbol };

/** Answers that are given again (native/grpc/answers.h). */
export type GrpcAnswers = object & { readonly grpcAnswers: unique symbol };

/** 0 or more, or a negative number of libnghttp2 (`nghttp2_error`). */
type Outcome = number;

/** Kinds of events, as native/grpc/binding.c numbers them; what belongs to each. */
export const EVENT = {
  /** Text: name NUL value NUL for each request header. */
  call: 0,
  /** The bytes of a request. */
  message: 1,
  /** The bytes of a request that the client has compressed. */
  compressed: 2,
  /** The size of a request that is not taken; no further one comes. */
  tooLarge: 3,
  halfClosed: 4,
  /** Half-closed within a request. */
  cutOff: 5,
  /** A reply has gone. */
  sent: 6,
  /** The stream is over; an HTTP/2 error code. */
  closed: 7,
} as const;

/** The functions of native/grpc, which is gRPC over libnghttp2 without its sockets. The words are a server's (native/grpc/session.h). */
export interface GrpcAddon {
  /** @param answers Calls that these answer are not told. */
  open(messageBytesMax: number, answers?: GrpcAnswers): GrpcSession;
  /** As `open`, of a client. */
  connect(messageBytesMax: number): GrpcSession;
  /** What has happened since the last time, three elements an event (kind, stream, detail); undefined for nothing. */
  happened(session: GrpcSession): unknown[] | undefined;
  /** Begins a call of a client's. @param headers Name NUL value NUL for each. @returns Its stream. */
  begin(session: GrpcSession, headers: Uint8Array): Outcome;
  /** A client's requests are over. */
  end(session: GrpcSession, stream: number): Outcome;
  /** A client does not wait for its call any more. */
  cancel(session: GrpcSession, stream: number): Outcome;
  /** The session can't be used any more, and its socket is closed. */
  close(session: GrpcSession): void;
  /**
   * Moves bytes between the session and a copy of the descriptor of a socket, until either is closed.
   *
   * @param turn Something has happened; the first bytes of the peer in any case. `isClosed`: nothing comes or goes any more.
   * @returns 0 or a negated errno.
   */
  attach(session: GrpcSession, fd: number, turn: (isClosed: boolean) => void): Outcome;
  /**
   * Sends what there is to send.
   *
   * @param isLast The connection ends with that.
   * @returns Whether the socket is closed now, of which `turn` does not tell then.
   */
  flush(session: GrpcSession, isLast: boolean): boolean;
  /** A request of the stream has been taken by its handler. 1: the client is to hear of it. */
  taken(session: GrpcSession, stream: number): Outcome;
  headers(session: GrpcSession, stream: number): Outcome;
  /** One of several replies; the bytes are not to be changed until it has gone, and large ones are empty afterwards. */
  reply(session: GrpcSession, stream: number, bytes: Uint8Array): Outcome;
  /** The only reply, with the status 0; bytes as with `reply`. Where they are few nobody is told that they have gone. */
  answer(session: GrpcSession, stream: number, bytes: Uint8Array): Outcome;
  /** @param details Percent-encoded. */
  finish(session: GrpcSession, stream: number, status: number, details: string): Outcome;
  /** An answer of plain HTTP. */
  refuse(session: GrpcSession, stream: number, httpStatus: number): Outcome;
  /** No further calls are taken. */
  goaway(session: GrpcSession): Outcome;
  /**
   * For all sessions that are opened with it: a call of one of these paths gets the only reply that the same request with the same headers had
   * before, for some seconds.
   *
   * @param topics The paths of each.
   */
  answers(...topics: readonly (readonly string[])[]): GrpcAnswers;
  /** What was answered of a topic (0, 1, …), or is being answered, is not answered again. */
  forget(answers: GrpcAnswers, topic: number): void;
  /** Frees the block of memory in which these bytes lie, with all else in it, unless it is small (8 KiB); they are empty afterwards. */
  release(bytes: Uint8Array): void;
}

let loaded: GrpcAddon | undefined;

/**
 * The addon, loaded at first use.
 *
 * @throws failed-precondition: it is not built, or libnghttp2 is not there.
 */
export function grpcAddon(): GrpcAddon {
  loaded ??= load();
  return loaded;
}

function load(): GrpcAddon {
  const path = nativePath('grpc.node');
  const module = { exports: {} as GrpcAddon };
  // Node has a libnghttp2 of its own inside and exports its functions; the addon's must be those of the library it was built for.
  const { RTLD_NOW, RTLD_DEEPBIND } = constants.dlopen;
  try {
    process.dlopen(module, path, RTLD_NOW | RTLD_DEEPBIND);
  } catch (cause) {
    throw new DaemonError(
      'failed-precondition',
      `${path} cannot be loaded (${messageOf(cause)}): install libnghttp2 (Debian's libnghttp2-14)`,
      { cause },
    );
  }
  return module.exports;
}
