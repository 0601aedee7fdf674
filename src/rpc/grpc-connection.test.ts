import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { deferred } from '../base/abort.js';
import { SILENT } from '../base/logger.js';
import { grpcAddon } from './grpc-addon.js';
import { implement, type ServiceRegistration } from './handlers.js';
import { RpcServer } from './server.js';
import { wholeSchema } from './whole.js';

const CONTENT = 'containerd.services.content.v1.Content';
const INFO = `/${CONTENT}/Info`;
const WRITE = `/${CONTENT}/Write`;

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function serving(
  t: TestContext,
  services: ServiceRegistration[],
): Promise<{ path: string; http: ClientHttp2Session; server: RpcServer }> {
  const folder = await mkdtemp(join(tmpdir(), 'wharfd-grpc-'));
  const path = join(folder, 'test.sock');
  const server = new RpcServer({ schema: wholeSchema, services, log: SILENT });
  await server.listen({ path });
  const http = connect('http://localhost', { createConnection: () => createConnection(path) });
  http.on('error', () => undefined);
  t.after(async () => {
    http.destroy();
    await server.close();
    await rm(folder, { recursive: true });
  });
  return { path, http, server };
}

/** A message with its prefix. @param length What the prefix says. */
function framed(bytes: Buffer, { compressed = false, length = bytes.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, bytes]);
}

async function ask(
  http: ClientHttp2Session,
  path: string,
  body: Buffer,
  more: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const stream = http.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', ...more });
  stream.end(body);
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (found) => (headers = found));
  stream.on('trailers', (found: IncomingHttpHeaders) => (trailers = found));
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await once(stream, 'close');
  return { headers, trailers, body: Buffer.concat(parts) };
}

const digestOf = (digest: string): Buffer => Buffer.concat([Buffer.from([0x0a, digest.length]), Buffer.from(digest)]);

const echo = implement(CONTENT, {
  info: async ({ digest }) => ({ info: { digest, size: '0', labels: {} } }),
  async *write(requests) {
    for await (const { data } of requests) yield { offset: String(data.length) };
  },
});

void test('what is no call of gRPC gets an answer of HTTP', async (t) => {
  const { http } = await serving(t, [echo]);
  const form = await ask(http, INFO, Buffer.alloc(0), { 'content-type': 'application/grpc-web' });
  assert.equal(form.headers[':status'], 415);
  assert.equal((await ask(http, INFO, Buffer.alloc(0), { ':method': 'PUT' })).headers[':status'], 405);
  const strange = await ask(http, '/no.such.Service/Method', framed(Buffer.alloc(0)));
  assert.equal(strange.headers['grpc-status'], '12');
  assert.match(String(strange.headers['grpc-message']), /no method \/no\.such\.Service\/Method/);
});

void test('requests may be compressed, in the ways that are known', async (t) => {
  const { http } = await serving(t, [echo]);
  const plain = digestOf('sha256:abc');
  for (const [encoding, bytes] of [
    ['gzip', gzipSync(plain)],
    ['deflate', deflateSync(plain)],
  ] as const) {
    const { trailers, body } = await ask(http, INFO, framed(bytes, { compressed: true }), {
      'grpc-encoding': encoding,
    });
    assert.equal(trailers['grpc-status'], '0', encoding);
    assert.ok(body.includes('sha256:abc'));
  }
  const statuses = async (bytes: Buffer, encoding: string): Promise<unknown> =>
    (await ask(http, INFO, framed(bytes, { compressed: true }), { 'grpc-encoding': encoding })).headers['grpc-status'];
  assert.equal(await statuses(plain, 'snappy'), '12');
  assert.equal(await statuses(plain, 'gzip'), '3');
  assert.equal(await statuses(gzipSync(Buffer.alloc(20 * 1024 * 1024)), 'gzip'), '8');
});

void test('a call without a request, one cut off and one too large are refused', async (t) => {
  const { http } = await serving(t, [echo]);
  const status = async (path: string, body: Buffer): Promise<string> => {
    const { headers, trailers } = await ask(http, path, body);
    return String(headers['grpc-status'] ?? trailers['grpc-status']);
  };
  assert.equal(await status(INFO, Buffer.alloc(0)), '12');
  for (const path of [INFO, WRITE]) {
    assert.equal(await status(path, Buffer.from([0, 0])), '3');
    assert.equal(await status(path, framed(Buffer.alloc(10), { length: 100 })), '3');
    assert.equal(await status(path, framed(Buffer.alloc(10), { length: 2 ** 32 - 1 })), '8');
  }
  assert.equal(await status(WRITE, Buffer.alloc(0)), '0');
  assert.equal(await status(INFO, framed(digestOf('x'))), '0');
});

void test('a deadline ends the call for client and handler; the handler may still finish', async (t) => {
  const reason = deferred<unknown>();
  const slow = implement(CONTENT, {
    info: async (_, { signal }) => {
      await once(signal, 'abort');
      reason.resolve(signal.reason);
      return {};
    },
  });
  const { http } = await serving(t, [slow]);
  const { headers } = await ask(http, INFO, framed(digestOf('x')), { 'grpc-timeout': '20m' });
  assert.equal(headers['grpc-status'], '4');
  assert.equal(((await reason.promise) as { kind: string }).kind, 'deadline-exceeded');
});

void test('calls of one connection go on beside each other, and one that is reset leaves the rest alone', async (t) => {
  const aborted = deferred<unknown>();
  const wait = implement(CONTENT, {
    info: async ({ digest }, { signal }) => {
      if (digest !== 'wait') return { info: { digest, size: '0', labels: {} } };
      await once(signal, 'abort');
      aborted.resolve(signal.reason);
      return {};
    },
  });
  const { http } = await serving(t, [wait]);
  const stream = http.request({ ':method': 'POST', ':path': INFO, 'content-type': 'application/grpc' });
  stream.on('error', () => undefined);
  stream.end(framed(digestOf('wait')));
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => ask(http, INFO, framed(digestOf(`d${at}`)))),
  );
  answers.forEach(({ trailers, body }, at) => {
    assert.equal(trailers['grpc-status'], '0');
    assert.ok(body.includes(`d${at}`));
  });
  stream.close(constants.NGHTTP2_CANCEL);
  assert.equal(((await aborted.promise) as { kind: string }).kind, 'canceled');
  assert.equal((await ask(http, INFO, framed(digestOf('after')))).trailers['grpc-status'], '0');
});

void test('calls whose client sends nothing more are told that the daemon shuts down, and do not hold it up', async (t) => {
  const begun = deferred<undefined>();
  const reading = implement(CONTENT, {
    async *write(requests) {
      for await (const { data } of requests) {
        begun.resolve(undefined);
        yield { offset: String(data.length) };
      }
    },
  });
  const { http, server } = await serving(t, [reading]);
  const open = (path: string, body: Buffer): Promise<string> => {
    const stream = http.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined).resume();
    stream.write(body);
    return new Promise((resolve) => {
      const told = (headers: IncomingHttpHeaders): void => {
        if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
      };
      stream.on('response', told).on('trailers', told);
      stream.on('close', () => resolve('none'));
    });
  };
  const statuses = [open(INFO, Buffer.from([0])), open(WRITE, framed(Buffer.alloc(0)))];
  await begun.promise;
  await server.close();
  assert.deepEqual(await Promise.all(statuses), ['14', '14']);
});

void test('a connection that speaks no HTTP/2 is told so and closed; others go on', async (t) => {
  const { path, http } = await serving(t, [echo]);
  const stranger = createConnection(path);
  stranger.on('error', () => undefined);
  stranger.resume();
  stranger.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(stranger, 'close');
  assert.equal((await ask(http, INFO, framed(digestOf('x')))).trailers['grpc-status'], '0');
});

void test('large replies do not wait for the collector of garbage when they have gone; small ones are left to it', async (t) => {
  const encoded: Buffer[] = [];
  const codecOf = wholeSchema.codec.bind(wholeSchema);
  t.mock.method(wholeSchema, 'codec', (name: string) => {
    const codec = codecOf(name);
    const encode = (value: object) => {
      const bytes = codec.encode(value);
      encoded.push(bytes);
      return bytes;
    };
    return { ...codec, encode };
  });
  const data = Buffer.alloc(300_000, 'x');
  const reader = implement(CONTENT, {
    async *read() {
      yield { offset: '0', data };
      yield { offset: '1', data: data.subarray(0, 10) };
    },
  });
  const { http } = await serving(t, [reader]);
  const { body } = await ask(http, `/${CONTENT}/Read`, framed(Buffer.alloc(0)));
  assert.ok(body.includes(data), 'it came as it was');
  assert.equal(encoded[0]?.length, 0);
  assert.ok(encoded[1]?.includes('xxxxxxxxxx'));
  assert.equal(data.length, 300_000, 'what the handler gave is its own');
});

void test('release takes a large block with all that lies in it, and leaves small ones, which may be shared', () => {
  const block = Buffer.alloc(100_000);
  const part = block.subarray(5, 50);
  grpcAddon().release(part);
  assert.deepEqual([block.length, part.length], [0, 0]);
  const pooled = Buffer.from('small');
  grpcAddon().release(pooled);
  assert.equal(pooled.toString(), 'small');
});
