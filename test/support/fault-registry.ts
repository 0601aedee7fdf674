import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendBody, ShapedLink, type Link, type Sending } from './fault-body.js';
import type { Image } from './image.js';

/** A request as it came. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
  readonly headers: IncomingHttpHeaders;
  /** By the monotonic clock, in milliseconds. */
  readonly atMs: number;
}

/** What the registry would answer, to be kept to or not. */
export interface Answer extends Sending {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** Nothing at all is sent, and the connection stays open. */
  silent?: boolean;
}

/** Changes an answer, or replaces it. `count` is how often this path was asked for, this time included. */
export type Script = (request: Seen, answer: Answer, count: number) => Answer | Promise<Answer>;

/** A registry on loopback that does whatever a script says. */
export interface FaultRegistry extends AsyncDisposable {
  readonly host: string;
  readonly seen: readonly Seen[];
  /** Bytes of bodies that were sent. */
  readonly sentBytes: number;
  /** When the last of them went, by performance.now; 0 before. */
  readonly lastSentMs: number;
  script: Script | undefined;
  /** Serves an image as `<host>/<name>:<tag>`, and returns that. */
  add(image: Image, name: string, tag?: string): string;
}

interface Stored {
  readonly type: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

/**
 * @param address A loopback address, so that two registries can be two hosts.
 * @param options `link`: how fast its network is; as fast as it goes by default.
 */
export async function openFaultRegistry(
  address = '127.0.0.1',
  { link }: { readonly link?: Link } = {},
): Promise<FaultRegistry> {
  const shaped = link && new ShapedLink(link);
  const paths = new Map<string, Stored>();
  const counts = new Map<string, number>();
  const seen: Seen[] = [];
  const registry = { script: undefined as Script | undefined, sentBytes: 0, lastSentMs: 0 };
  const server = createServer((incoming, response) => {
    const request = note(incoming);
    seen.push(request);
    const count = (counts.get(request.uri) ?? 0) + 1;
    counts.set(request.uri, count);
    const regular = regularAnswer(paths, request);
    void Promise.resolve(registry.script?.(request, regular, count) ?? regular).then(async (answer) => {
      if (answer.silent) return;
      await send(response, request, answer, shaped, (bytes) => {
        registry.sentBytes += bytes;
        registry.lastSentMs = performance.now();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const host = `${address.includes(':') ? `[${address}]` : address}:${(server.address() as AddressInfo).port}`;
  return Object.assign(registry, {
    host,
    seen,
    add(image: Image, name: string, tag = 'latest') {
      for (const { descriptor, bytes } of image.manifests) {
        const stored = { type: descriptor.mediaType, bytes, digest: descriptor.digest };
        paths.set(`/v2/${name}/manifests/${descriptor.digest}`, stored);
        if (descriptor.digest === image.target.digest) paths.set(`/v2/${name}/manifests/${tag}`, stored);
      }
      for (const [digest, bytes] of image.blobs) {
        paths.set(`/v2/${name}/blobs/${digest}`, { type: 'application/octet-stream', bytes, digest });
      }
      return `${host}/${name}:${tag}`;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function note(incoming: IncomingMessage): Seen {
  return {
    method: incoming.method ?? '',
    uri: incoming.url ?? '',
    headers: incoming.headers,
    atMs: performance.now(),
  };
}

function regularAnswer(paths: ReadonlyMap<string, Stored>, { uri, headers }: Seen): Answer {
  const stored = paths.get(new URL(uri, 'http://registry').pathname);
  if (!stored) {
    const body = Buffer.from('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    return { status: 404, headers: { 'content-type': 'application/json' }, body };
  }
  const common = { 'content-type': stored.type, 'docker-content-digest': stored.digest };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (first === undefined) return { status: 200, headers: common, body: stored.bytes };
  const total = stored.bytes.length;
  const end = Math.min(last ? Number(last) + 1 : total, total);
  const range = { 'content-range': `bytes ${first}-${end - 1}/${total}` };
  return { status: 206, headers: { ...common, ...range }, body: stored.bytes.subarray(Number(first), end) };
}

async function send(
  response: ServerResponse,
  { method }: Seen,
  { status, headers, body, ...how }: Answer,
  link: ShapedLink | undefined,
  onSent: (bytes: number) => void,
): Promise<void> {
  await link?.arrive();
  const length = headers['transfer-encoding'] === undefined ? { 'content-length': String(body.length) } : {};
  response.writeHead(status, { ...length, ...headers });
  if (method === 'HEAD') response.end();
  else await sendBody(response, body, how, link, onSent);
}
