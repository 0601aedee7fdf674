import type { Socket } from 'node:net';
import { grpcAddon, type GrpcAddon, type GrpcSession } from './grpc-addon.js';

/** Bytes that are given to a socket at a time. */
const TAKE_BYTES = 256 * 1024;
/**
 * How long what nobody waits for may wait for company, in milliseconds. Clients of grpc-go ping with every reply that they get, to
 * learn how far away the server is: an answer of its own is a second write, and wakes the client a second time.
 */
const COMPANY_MS = 5;

/** What happens in a session. */
export interface SessionEvents {
  /** @param kind Of EVENT. */
  happened(kind: number, stream: number, detail: unknown): void;
  /** Nothing comes or goes any more. */
  closed(): void;
}

/** Moves bytes between a socket and a session of the addon's, a server's or a client's, and tells of what happens. */
export class SessionSocket {
  readonly #socket: Socket;
  readonly #addon: GrpcAddon = grpcAddon();
  readonly #happened: unknown[] = [];
  readonly #session: GrpcSession;
  readonly #events: SessionEvents;
  #flushing = false;
  #owes = false;
  #later: NodeJS.Timeout | undefined;
  #full = false;
  #closed = false;
  #failed = false;

  /** @param open Makes the session, which puts what happens into the array that it is given. */
  constructor(socket: Socket, open: (addon: GrpcAddon, happened: unknown[]) => GrpcSession, events: SessionEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#session = open(this.#addon, this.#happened);
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

  get isClosed(): boolean {
    return this.#closed;
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
    const happened = this.#happened;
    for (let at = 0; at < happened.length; at += 3)
      this.#events.happened(happened[at] as number, happened[at + 1] as number, happened[at + 2]);
    happened.length = 0;
  }

  #close(): void {
    this.#closed = true;
    clearTimeout(this.#later);
    this.#addon.close(this.#session);
    this.#happened.length = 0;
    this.#events.closed();
  }
}
