import type { Socket } from 'node:net';
import { DaemonError } from '../base/errors.js';
import { grpcAddon, type GrpcAddon, type GrpcSession } from './grpc-addon.js';

/** What happens in a session. */
export interface SessionEvents {
  /** @param kind Of EVENT. */
  happened(kind: number, stream: number, detail: unknown): void;
  /** The peer has sent something; once. */
  heard?(): void;
  /** Nothing comes or goes any more. */
  closed(): void;
}

/** A session of the addon's, a server's or a client's, with its socket, and what happens in it. */
export class SessionSocket {
  readonly #addon: GrpcAddon = grpcAddon();
  readonly #session: GrpcSession;
  readonly #events: SessionEvents;
  #flushing = false;
  #heard = false;
  #closed = false;
  #failed = false;

  /**
   * @param socket Nothing has been read of it yet. Its descriptor is taken over, and the object is destroyed.
   * @throws unavailable: there is no descriptor, or none more to be had.
   */
  constructor(socket: Socket, open: (addon: GrpcAddon) => GrpcSession, events: SessionEvents) {
    this.#events = events;
    this.#session = open(this.#addon);
    const failed = this.#addon.attach(this.#session, descriptorOf(socket) ?? -1, (isClosed) => {
      this.#turn(isClosed);
    });
    if (failed < 0) {
      this.#addon.close(this.#session);
      throw new DaemonError('unavailable', `a connection cannot be used (errno ${-failed}): there may be too many`);
    }
    socket.destroy();
    this.#flushSoon();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Nothing comes or goes from here on; `closed` is told in the next turn. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#addon.close(this.#session);
    process.nextTick(() => {
      this.#events.closed();
    });
  }

  /**
   * Has the session do something, and sends what comes of that. Where it can't (memory is short), the peer would wait for ever: the connection
   * ends.
   */
  do(work: (addon: GrpcAddon, session: GrpcSession) => number): void {
    const outcome = this.attempt(work);
    if (outcome !== undefined && outcome < 0) this.#failed = true;
  }

  /**
   * As `do`, for what the session may refuse without harm, such as one call more.
   *
   * @returns What `work` does; undefined when the session is closed.
   */
  attempt(work: (addon: GrpcAddon, session: GrpcSession) => number): number | undefined {
    if (this.#closed) return undefined;
    const outcome = work(this.#addon, this.#session);
    this.#flushSoon();
    return outcome;
  }

  /** As `do`; there is only something to send where that returns 1. */
  doQuietly(work: (addon: GrpcAddon, session: GrpcSession) => number): void {
    if (!this.#closed && work(this.#addon, this.#session) === 1) this.#flushSoon();
  }

  /** Soon, with what else is said in this turn. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      if (this.#closed) return;
      const isClosed = this.#addon.flush(this.#session, this.#failed);
      this.#dispatch();
      if (isClosed) this.destroy();
    });
  }

  #turn(isClosed: boolean): void {
    if (this.#closed) return;
    if (!this.#heard) {
      this.#heard = true;
      this.#events.heard?.();
    }
    this.#dispatch();
    if (isClosed) this.destroy();
  }

  #dispatch(): void {
    const happened = this.#addon.happened(this.#session) ?? [];
    for (let at = 0; at < happened.length && !this.#closed; at += 3)
      this.#events.happened(happened[at] as number, happened[at + 1] as number, happened[at + 2]);
  }
}

/** The number of a socket's descriptor; undefined where it has none. */
export function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: number } };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
