import { MonitorConnection, connectMonitor, monitorGone } from './monitor-connection.js';
import { REQUEST, REQUEST_BYTES } from './frames.js';

/**
 * A process's stdin over the socket, on a connection of its own: input that is not read must not hold up other requests, and the
 * close must not overtake the bytes before it, whichever session wrote them.
 */
export class MonitorInput {
  readonly #dir: string;
  #connection: Promise<MonitorConnection> | undefined;
  #underWay = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Resolves when the monitor has taken the bytes. @throws unavailable: no monitor. failed-precondition: stdin is the client's FIFO. */
  async write(bytes: Uint8Array): Promise<void> {
    const connection = await this.#open();
    this.#underWay += 1;
    try {
      for (let at = 0; at < bytes.length; at += REQUEST_BYTES) {
        await connection.request(REQUEST.stdin, bytes.subarray(at, at + REQUEST_BYTES), 0);
      }
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Does not wait for a process that has yet to read what was written. */
  async close(): Promise<void> {
    const connection = await this.#open();
    const closed = connection.request(REQUEST.closeStdin, undefined, 0);
    // The process may never read it: its end then ends the connection too.
    if (this.#underWay > 0) closed.catch(() => undefined);
    else await closed;
  }

  dispose(): void {
    void this.#connection?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  async #open(): Promise<MonitorConnection> {
    this.#connection ??= this.#connect();
    try {
      const connection = await this.#connection;
      if (!connection.closed) return connection;
    } catch (cause) {
      this.#connection = undefined;
      throw cause;
    }
    this.#connection = this.#connect();
    return await this.#connection;
  }

  async #connect(): Promise<MonitorConnection> {
    const socket = await connectMonitor(this.#dir);
    if (!socket) throw monitorGone();
    return (await MonitorConnection.greet(socket, { closed: () => undefined })).connection;
  }
}
