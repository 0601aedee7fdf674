import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** A way to a port of this machine that lets so many bytes a second come back, over all connections. */
export interface ThrottledLink extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** When the last byte came through (performance.now). */
  lastByteMs(): number;
}

const PIECE_BYTES = 64 * 1024;

/** Opens the link. */
export async function openThrottledLink(port: number, bytesPerSecond: number): Promise<ThrottledLink> {
  const sockets = new Set<Socket>();
  let freeMs = 0;
  let lastMs = 0;
  const pace = async (bytes: number) => {
    freeMs = Math.max(performance.now(), freeMs) + (bytes / bytesPerSecond) * 1000;
    await pause(freeMs - performance.now());
    lastMs = performance.now();
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    void back(far, near, pace);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastByteMs: () => lastMs,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function back(far: Socket, near: Socket, pace: (bytes: number) => Promise<void>): Promise<void> {
  try {
    for await (const bytes of far as AsyncIterable<Buffer>) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        await pace(piece.length);
        near.write(piece);
      }
    }
    near.end();
  } catch {
    // One of the two ends has gone; the other is closed with it.
    near.destroy();
  }
}
