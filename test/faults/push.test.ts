import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { PushOptions } from '../../src/core/remotes/remotes.js';
import { digestOf, type Digest } from '../../src/spec/digest.js';
import { LABELS } from '../../src/spec/labels.js';
import { MEDIA_TYPES } from '../../src/spec/media-types.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { openPuller, SCOPE } from '../support/puller.js';

interface Arrived {
  readonly method: string;
  readonly uri: string;
  readonly headers: IncomingMessage['headers'];
  /** Bytes of the body that came. */
  readonly bytes: number;
}

/** A registry that takes uploads of blobs, as badly as a test wants. */
interface UploadRegistry extends AsyncDisposable {
  readonly host: string;
  readonly arrived: readonly Arrived[];
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** Breaks the connection when that many bytes of one request have come; once for each number. */
  readonly cuts: number[];
  /** Statuses to answer uploads with, in order, once what was sent has come; 0 stands for the right one. */
  readonly statuses: number[];
  /** Longest body that it takes in one PUT. */
  wholeMax: number;
  /** Host that the addresses of uploads have. */
  uploadHost: string | undefined;
}

async function openUploadRegistry(address = '127.0.0.1'): Promise<UploadRegistry> {
  const registry = {
    cuts: [] as number[],
    statuses: [] as number[],
    wholeMax: Infinity,
    uploadHost: undefined as string | undefined,
  };
  const arrived: Arrived[] = [];
  const blobs = new Map<string, Buffer>();
  let upload = Buffer.alloc(0);
  const receive = async (request: IncomingMessage): Promise<Buffer | undefined> => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const note = () =>
      arrived.push({ method: request.method ?? '', uri: request.url ?? '', headers: request.headers, bytes });
    for await (const part of request as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes < (registry.cuts[0] ?? Infinity)) continue;
      const kept = registry.cuts.shift() ?? 0;
      upload = Buffer.concat([upload, ...parts]).subarray(0, upload.length + kept);
      note();
      request.socket.destroy();
      return undefined;
    }
    note();
    return Buffer.concat(parts);
  };
  const server = createServer((request, response) => {
    void receive(request)
      .then((body) => {
        if (body) respond(request, body, response);
      })
      .catch(() => undefined);
  });
  const respond = (request: IncomingMessage, body: Buffer, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://registry');
    const location = `http://${registry.uploadHost ?? host}/upload?state=${upload.length}`;
    const range = `0-${Math.max(0, upload.length - 1)}`;
    if (request.method === 'HEAD') {
      response.writeHead(blobs.has(url.pathname.split('/').at(-1) ?? '') ? 200 : 404).end();
    } else if (request.method === 'POST') {
      upload = Buffer.alloc(0);
      response.writeHead(202, { location: `http://${registry.uploadHost ?? host}/upload?state=0` }).end();
    } else if (request.method === 'GET') {
      response.writeHead(204, { location, range }).end();
    } else {
      take(request, url, body, response);
    }
  };
  const take = (request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void => {
    const status = registry.statuses.shift() ?? 0;
    if (status > 0) return void response.writeHead(status).end();
    if (request.method === 'PUT' && body.length > registry.wholeMax) return void response.writeHead(413).end();
    const from = Number(/^(\d+)-/.exec(request.headers['content-range'] ?? `${upload.length}-`)?.[1]);
    if (from !== upload.length) return void response.writeHead(416).end();
    upload = Buffer.concat([upload, body]);
    if (request.method === 'PATCH') {
      const location = `http://${registry.uploadHost ?? host}/upload?state=${upload.length}`;
      return void response.writeHead(202, { location, range: `0-${upload.length - 1}` }).end();
    }
    const digest = url.searchParams.get('digest') ?? '';
    if (digest !== digestOf(upload)) return void response.writeHead(400).end();
    blobs.set(digest, upload);
    response.writeHead(201).end();
  };
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const host = `${address}:${(server.address() as AddressInfo).port}`;
  return Object.assign(registry, {
    host,
    arrived,
    blobs,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

interface Fixture extends AsyncDisposable {
  readonly registry: UploadRegistry;
  readonly bytes: Buffer;
  readonly digest: Digest;
  push(options?: PushOptions): Promise<string>;
  drop(): Promise<void>;
}

async function open(size = 5_000_000): Promise<Fixture> {
  const registry = await openUploadRegistry();
  const stores = await openPuller();
  const bytes = randomBytes(size);
  const digest = digestOf(bytes);
  const content = stores.metadata.content(SCOPE);
  await using writer = await content.writer('x', { size, digest });
  await writer.write(bytes);
  await writer.commit({ size, digest }, { [LABELS.gcRoot]: 'test' });
  const credentials = () => Promise.resolve({ kind: 'basic', user: 'me', secret: 'secret' } as const);
  return {
    registry,
    bytes,
    digest,
    async push(options) {
      const pusher = await stores.remotes.resolver({ credentials }).pusher(`${registry.host}/a/b:v1`);
      return pusher.push({ mediaType: MEDIA_TYPES.ociLayer, digest, size }, content, options);
    },
    drop: () => content.delete(digest),
    async [Symbol.asyncDispose]() {
      await stores[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const sent = ({ arrived }: UploadRegistry): number => arrived.reduce((sum, { bytes }) => sum + bytes, 0);

test('an upload that is cut again and again goes on at the byte that the registry has', async () => {
  await using f = await open();
  f.registry.cuts.push(1_000_000, 1_500_000, 700_000);
  const waits: string[] = [];
  const offsets: number[] = [];
  const told = await f.push({
    onWait: ({ reason }) => waits.push(reason),
    onProgress: (offset) => offsets.push(offset),
  });
  assert.equal(told, 'pushed');
  assert.ok(f.registry.blobs.get(f.digest)?.equals(f.bytes));
  assert.equal(waits.length, 3);
  assert.equal(offsets.at(-1), f.bytes.length);
  assert.ok(sent(f.registry) < f.bytes.length + 3 * 300_000, `${sent(f.registry)} bytes came`);
  assert.equal(await f.push(), 'exists');
});

test('a registry that takes no whole blob gets pieces; one that loses the upload gets it anew', async () => {
  await using f = await open(20_000_000);
  f.registry.wholeMax = 1000;
  await f.push();
  const patches = f.registry.arrived.filter(({ method }) => method === 'PATCH');
  assert.deepEqual(
    patches.map(({ headers }) => headers['content-range']),
    ['0-16777215', '16777216-19999999'],
  );
  await using g = await open();
  g.registry.statuses.push(404, 503);
  assert.equal(await g.push(), 'pushed');
  assert.ok(g.registry.blobs.get(g.digest)?.equals(g.bytes));
});

test('an upload that is refused, or fails without end, is an error', async () => {
  await using f = await open(10_000);
  f.registry.statuses.push(403);
  await assertRejectsWithKind(f.push(), 'permission-denied', /push of sha256:.* denies access/);
  f.registry.statuses.push(...Array.from({ length: 20 }, () => 500));
  await assertRejectsWithKind(f.push(), 'unavailable', /has a problem of its own, status 500/);
  f.registry.statuses.length = 0;
  await f.drop();
  await assertRejectsWithKind(f.push(), 'not-found');
});

test('a push that is cancelled stops', async () => {
  await using f = await open();
  const controller = new AbortController();
  const pushing = f.push({ signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
  await assert.rejects(pushing, /enough/);
  assert.equal(f.registry.blobs.size, 0);
});

test('credentials do not go along to another host that takes the upload', async () => {
  await using f = await open(10_000);
  await using other = await openUploadRegistry('127.0.0.2');
  f.registry.uploadHost = other.host;
  assert.equal(await f.push(), 'pushed');
  assert.ok(other.blobs.has(f.digest));
  assert.ok(other.arrived.every(({ headers }) => headers.authorization === undefined));
});
