import type { Server, Socket } from 'node:net';
import { statusOf } from '../status.js';
import { listenOnSocket } from '../unix-socket.js';
import { messages } from '../whole.js';
import { encodeFrame, FRAME, FrameReader, type Frame } from './frames.js';

const CONNECTIONS_MAX = 4096;

/** Answers one unary call with the payload of its reply; what it throws becomes a status. */
export type TtrpcHandler = (service: string, method: string, payload: Buffer) => Promise<Uint8Array>;

/** A ttrpc server on a unix socket. Disposing ends its connections and removes the socket. */
export async function openTtrpcServer(path: string, handle: TtrpcHandler): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = await listenOnSocket({ path }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // 'close' follows
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      void answerAll(socket, reader, chunk, handle);
    });
    socket.resume();
  });
  server.maxConnections = CONNECTIONS_MAX;
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** In order, and nothing more is read meanwhile: a peer that sends faster than it is served waits. */
async function answerAll(socket: Socket, reader: FrameReader, chunk: Buffer, handle: TtrpcHandler): Promise<void> {
  socket.pause();
  try {
    for (const frame of reader.push(chunk)) {
      if (frame.type === FRAME.request) socket.write(await answerTo(frame, handle));
    }
    socket.resume();
  } catch {
    socket.destroy();
  }
}

async function answerTo({ streamId, payload }: Frame, handle: TtrpcHandler): Promise<Buffer> {
  const { service, method, payload: bytes } = messages.decode('ttrpc.Request', payload);
  const response = await handle(service, method, bytes).then(
    (reply) => ({ payload: Buffer.from(reply) }),
    (error: unknown) => {
      const { code, details } = statusOf(error);
      return { status: { code, message: details } };
    },
  );
  return encodeFrame({ streamId, type: FRAME.response, payload: messages.encode('ttrpc.Response', response) });
}
