import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { deferred, type Deferred } from '../../base/abort.js';
import { DaemonError, type ErrorKind, isErrno, messageOf } from '../../base/errors.js';
import {
  encodeFrame,
  type Frame,
  FrameReader,
  type MonitorState,
  PROTOCOL_VERSION,
  REPLY,
  REQUEST,
  words,
} from './frames.js';

/** How long a monitor may take to answer. It does nothing that blocks but writes to the log. */
const ANSWER_MS = 10_000;

/** Events that bring a state; STATE itself is one when a greeting came late. */
const STATE_EVENTS: ReadonlyMap<number, 'created' | 'failed' | 'exited'> = new Map([
  [REPLY.state, 'created'],
  [REPLY.created, 'created'],
  [REPLY.failed, 'failed'],
  [REPLY.exited, 'exited'],
]);

/** In a greeting's stream: there is no need to answer while the runtime runs. */
const NO_NEWS = 1;

/** What a monitor tells without being asked. */
export interface MonitorEvents {
  created?(state: MonitorState): void;
  failed?(state: MonitorState): void;
  oom?(): void;
  exited?(state: MonitorState): void;
  drained?(): void;
  /** The connection is gone, for whatever reason; nothing follows. */
  closed(): void;
}

/** A greeted connection to a monitor for requests and events. */
export class MonitorConnection {
  readonly #socket: Socket;
  readonly #events: MonitorEvents;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Deferred<Frame>>();
  #tag = 0;
  #closed = false;

  private constructor(socket: Socket, events: MonitorEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#end());
    // A monitor with too many connections closes at once, perhaps before anybody listens.
    if (socket.destroyed) this.#end();
  }

  /** Greets the monitor at the other end of a connected socket. @throws unavailable: it does not answer. */
  static async greet(
    socket: Socket,
    events: MonitorEvents,
  ): Promise<{ connection: MonitorConnection; state: MonitorState }> {
    const connection = new MonitorConnection(socket, events);
    try {
      const hello = await connection.request(REQUEST.hello, words(PROTOCOL_VERSION, PROTOCOL_VERSION));
      return { connection, state: parseState(hello) };
    } catch (cause) {
      connection.close();
      throw cause;
    }
  }

  /** Greets a monitor that has just been started: what comes of the runtime is the first word that is heard of it. */
  static begin(socket: Socket, events: MonitorEvents): MonitorConnection {
    const connection = new MonitorConnection(socket, events);
    if (!connection.closed)
      socket.write(encodeFrame(REQUEST.hello, 0, words(PROTOCOL_VERSION, PROTOCOL_VERSION), NO_NEWS));
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * @param timeoutMs 0: as long as it takes, for input that the process does not read.
   * @throws What the monitor answers; unavailable: the connection is or gets closed; deadline-exceeded: no answer.
   */
  async request(type: number, payload?: Uint8Array, timeoutMs = ANSWER_MS): Promise<Frame> {
    if (this.#closed) throw monitorGone();
    const tag = (this.#tag = (this.#tag % 0xffff) + 1);
    const answer = deferred<Frame>();
    this.#waiting.set(tag, answer);
    const timer =
      timeoutMs === 0
        ? undefined
        : setTimeout(() => {
            answer.reject(new DaemonError('deadline-exceeded', `the monitor did not answer within ${timeoutMs} ms`));
          }, timeoutMs);
    this.#socket.write(encodeFrame(type, tag, payload));
    try {
      return checkReply(await answer.promise);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(tag);
    }
  }

  async state(): Promise<MonitorState> {
    return parseState(await this.request(REQUEST.status));
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #receive(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.push(bytes)) this.#dispatch(frame);
    } catch {
      // Whatever speaks there is no monitor; the owner sees the end of the connection and looks at the disk.
      this.close();
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.tag === 0) this.#tell(frame);
    else this.#waiting.get(frame.tag)?.resolve(frame);
  }

  #tell(frame: Frame): void {
    const kind = STATE_EVENTS.get(frame.type);
    if (kind) this.#events[kind]?.(parseState(frame));
    else if (frame.type === REPLY.oom) this.#events.oom?.();
    else if (frame.type === REPLY.drained) this.#events.drained?.();
    else if (frame.type === REPLY.error) this.close(); // it does not speak as we do
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const answer of this.#waiting.values()) answer.reject(monitorGone());
    this.#events.closed();
  }
}

/**
 * Connects to the socket of the monitor whose files are in `dir`, however long that path is.
 *
 * @returns Undefined when no monitor listens there.
 */
export async function connectMonitor(dir: string): Promise<Socket | undefined> {
  const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY).catch(nothingThere);
  if (!handle) return undefined;
  try {
    return await connected(connect(join('/proc/self/fd', String(handle.fd), 'control.sock')));
  } catch (cause) {
    nothingThere(cause);
    return undefined;
  } finally {
    await handle.close();
  }
}

async function connected(socket: Socket): Promise<Socket> {
  const { promise, resolve, reject } = deferred<Socket>();
  socket.once('connect', () => resolve(socket));
  socket.once('error', reject);
  // A monitor that ends now resets the connection before its user listens, and that must not end the daemon; 'close' follows.
  socket.on('error', () => undefined);
  return await promise;
}

function nothingThere(cause: unknown): undefined {
  if (isErrno(cause, 'ENOENT') || isErrno(cause, 'ECONNREFUSED')) return undefined;
  throw cause;
}

export function parseState(frame: Frame): MonitorState {
  return JSON.parse(frame.payload.toString()) as MonitorState;
}

/** @throws The error that the monitor answered. */
export function checkReply(frame: Frame): Frame {
  if (frame.type !== REPLY.error) return frame;
  let answer: { kind: ErrorKind; message: string };
  try {
    answer = JSON.parse(frame.payload.toString()) as typeof answer;
  } catch (cause) {
    throw new DaemonError('internal', `the monitor answered nonsense: ${messageOf(cause)}`, { cause });
  }
  throw new DaemonError(answer.kind, answer.message);
}

export function monitorGone(): DaemonError {
  return new DaemonError('unavailable', 'the monitor of the process is gone');
}
