import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** A request that a proxy was sent. */
export interface Proxied {
  /** `CONNECT`, or the method of a request by its whole URL. */
  readonly method: string;
  /** `host:port` of a tunnel, else the URL. */
  readonly target: string;
  readonly authorization: string | undefined;
}

/** A proxy on 127.0.0.1 that takes every host for 127.0.0.1. */
export interface TestProxy extends AsyncDisposable {
  readonly host: string;
  readonly requests: readonly Proxied[];
}

/** @param credentials `user:password` that it wants to see; anybody may use it when missing. */
export async function openProxy(credentials?: string): Promise<TestProxy> {
  const requests: Proxied[] = [];
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const sockets = new Set<Socket>();
  const isAllowed = ({ method = '', url = '', headers }: IncomingMessage): boolean => {
    const authorization = headers['proxy-authorization'];
    requests.push({ method, target: url, authorization });
    return wanted === undefined || authorization === wanted;
  };
  const server = createServer((request, response) => {
    if (!isAllowed(request)) {
      response.writeHead(407).end();
      return;
    }
    passOn(request, response);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    if (!isAllowed(request)) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const upstream = connect(Number((request.url ?? '').split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(client);
      client.pipe(upstream);
    });
    sockets.add(upstream);
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
    for (const end of [upstream, client]) end.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function passOn(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '');
  const { 'proxy-authorization': _, ...headers } = request.headers;
  const upstream = httpRequest(
    { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method: request.method, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
}
