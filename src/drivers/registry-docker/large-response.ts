import { request as httpRequest, type IncomingMessage } from 'node:http';
import { onAbort } from '../../base/abort.js';
import { BodySocket, type ConnectOptions } from './body-socket.js';
import { ReceivedResponse, type HttpRequest, type HttpResponse } from './http-messages.js';
import { receivedBody } from './received-body.js';
import { receivedBytes } from './received-bytes.js';
import type { Timing } from './timing.js';

/**
 * Asks for something large over a connection of its own, whose bytes are received past the HTTP library once the head has been read: a
 * third of the CPU time of a download otherwise goes into its streams. A response without a length is read as usual.
 *
 * @throws What node:http, node:net and node:tls throw; the signal's reason.
 */
export async function sendLarge(
  request: HttpRequest,
  timing: Timing,
  { tls, onOpen }: Pick<ConnectOptions, 'tls' | 'onOpen'>,
): Promise<HttpResponse> {
  const { url, signal } = request;
  const timeoutMs = request.connection?.dialMs ?? timing.connectMs;
  const connection = await BodySocket.connect({ url, tls, timeoutMs, signal, onOpen });
  const { socket } = connection;
  try {
    const response = await headOf(request, connection, request.headersMs ?? timing.headersMs);
    // An error of a body that nobody reads must not end the process.
    response.on('error', () => undefined);
    const stop = onAbort(signal, () => socket.destroy());
    socket.once('close', () => {
      stop[Symbol.dispose]();
    });
    const length = lengthOf(response);
    return new ReceivedResponse({
      ...{ url, signal, documentMs: timing.documentMs },
      ...{ status: response.statusCode ?? 0, headers: response.headers },
      body: (transient) =>
        length === undefined
          ? receivedBytes(response, transient)
          : copied(receivedBody(connection, response, length, timing.stallMs), transient),
      discard: () => {
        socket.destroy();
        return Promise.resolve();
      },
    });
  } catch (cause) {
    socket.destroy();
    throw cause;
  }
}

async function headOf(request: HttpRequest, connection: BodySocket, headersMs: number): Promise<IncomingMessage> {
  const { url, method, headers, signal } = request;
  const { socket } = connection;
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy(Object.assign(new Error(`no answer for ${headersMs} ms`), { code: 'UND_ERR_HEADERS_TIMEOUT' }));
    }, headersMs);
    const asked = httpRequest({
      ...{ method, path: url.pathname + url.search, headers: { host: url.host, ...headers } },
      createConnection: () => socket,
    });
    const stop = onAbort(signal, () => socket.destroy());
    const settled = () => {
      clearTimeout(late);
      stop[Symbol.dispose]();
    };
    asked.once('response', (response) => {
      if (lengthOf(response) !== undefined) connection.hold();
      settled();
      resolve(response);
    });
    asked.on('error', (cause) => {
      settled();
      reject(cause);
    });
    asked.end();
  });
}

/** Bytes of a body whose end needs no library to be found (RFC 9112, 6.3). */
function lengthOf({ statusCode, headers }: IncomingMessage): number | undefined {
  if ((statusCode !== 200 && statusCode !== 206) || headers['transfer-encoding'] !== undefined) return undefined;
  const length = Number(headers['content-length'] ?? NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

async function* copied(pieces: AsyncIterable<Uint8Array>, transient: boolean): AsyncGenerator<Uint8Array, void> {
  for await (const bytes of pieces) yield transient ? bytes : Buffer.from(bytes);
}
