import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.js';
import { DaemonError, type ErrorKind } from '../base/errors.js';
import { BareChannel } from './bare-channel.js';
import { openNative } from './native-transport.js';
import { wholeSchema } from './whole.js';

/** What holds for clients by grpc-js holds for those by the addon. */
process.env['WHARFD_TEST_TRANSPORT'] = 'native';
await import('./server.test.js');
await import('./late-writes.test.js');
await import('./lost-daemon.test.js');

/** A gRPC message without a field. */
const EMPTY = Buffer.alloc(5);
const GRPC = { ':status': 200, 'content-type': 'application/grpc' };

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A channel to a server that does with its streams what ours never would. */
async function against(t: TestContext, handle: Handler) {
  const { path } = await tempDir(t);
  const address = join(path, 'sock');
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  server.listen(address);
  await once(server, 'listening');
  const channel = new BareChannel({ address, schema: wholeSchema, namespace: 'testing' }, openNative);
  t.after(() => {
    channel.close();
    server.close();
  });
  return { content: channel.service('containerd.services.content.v1.Content'), channel, server };
}

const fails = (kind: ErrorKind, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DaemonError && error.kind === kind, String(error));
  assert.match(error.message, text);
  return true;
};

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let all = 0;
  for await (const _ of items) all += 1;
  return all;
}

/** Requests without an end. */
async function* endless(): AsyncGenerator<object> {
  for (;;) {
    await new Promise(setImmediate);
    yield {};
  }
}

test('headers are those of gRPC, with namespace, deadline and the path of the method', async (t) => {
  let seen: IncomingHttpHeaders = {};
  const { content } = await against(t, (stream, headers) => {
    seen = headers;
    stream.respond({ ...GRPC, 'grpc-status': '5', 'grpc-message': 'no%20such%20%C3%A4%' }, { endStream: true });
  });
  await assert.rejects(content.info({ digest: 'x' }, { timeoutMs: 2500 }), fails('not-found', /^no such ä%$/));
  assert.equal(seen[':path'], '/containerd.services.content.v1.Content/Info');
  assert.deepEqual([seen[':method'], seen['te'], seen['content-type']], ['POST', 'trailers', 'application/grpc']);
  assert.deepEqual([seen['containerd-namespace'], seen['grpc-timeout']], ['testing', '2500m']);
});

test('a value that is no text for a header is refused before it is sent', async (t) => {
  const { content } = await against(t, (stream) => {
    stream.close();
  });
  await assert.rejects(
    content.info({}, { namespace: 'a\nb' }),
    fails('invalid-argument', /^containerd-namespace "a\\nb"/),
  );
});

test('a server that ends while the client still sends: all replies, then the status', async (t) => {
  const { content } = await against(t, (stream) => {
    stream.respond(GRPC, { waitForTrailers: true });
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' });
    });
    stream.write(EMPTY);
    stream.end(EMPTY);
  });
  assert.equal(await count(content.write(endless() as never)), 2);
});

for (const [what, kind, text, handle] of [
  [
    'plain HTTP',
    'unavailable',
    /HTTP status 404/,
    (stream) => {
      stream.respond({ ':status': 404 });
      stream.end('no');
    },
  ],
  [
    'no status',
    'unavailable',
    /without a status/,
    (stream) => {
      stream.respond(GRPC);
      stream.end(EMPTY);
    },
  ],
  [
    'a reset',
    'unavailable',
    /without a status \(HTTP\/2 error 2\)/,
    (stream) => {
      stream.close(2);
    },
  ],
  [
    'half a reply',
    'internal',
    /ends in the middle of a reply/,
    (stream) => {
      stream.respond(GRPC);
      stream.end(EMPTY.subarray(0, 3));
    },
  ],
  [
    'a reply that is too large',
    'internal',
    /sends a reply of 4294967295 bytes/,
    (stream) => {
      stream.respond(GRPC);
      stream.write(Buffer.from([0, 255, 255, 255, 255]));
    },
  ],
  [
    'a compressed reply',
    'internal',
    /compresses its replies/,
    (stream) => {
      stream.respond(GRPC);
      stream.write(Buffer.from([1, 0, 0, 0, 0]));
    },
  ],
  [
    'no reply, though all is well',
    'internal',
    /without a reply/,
    (stream) => {
      stream.respond({ ...GRPC, 'grpc-status': '0' }, { endStream: true });
    },
  ],
] satisfies [string, ErrorKind, RegExp, Handler][]) {
  test(`a server that answers with ${what} is told of`, async (t) => {
    const { content } = await against(t, handle);
    await assert.rejects(content.info({}), fails(kind, text));
    // And the connection is good for more.
    await assert.rejects(content.info({}), fails(kind, text));
  });
}

test('what is no server of HTTP/2 is a lost connection, and the next call makes another', async (t) => {
  const { path } = await tempDir(t);
  const address = join(path, 'sock');
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  server.listen(address);
  await once(server, 'listening');
  t.after(() => server.close());
  using channel = new BareChannel({ address, schema: wholeSchema }, openNative);
  for (let call = 1; call <= 2; call += 1) {
    await assert.rejects(
      channel.service('containerd.services.content.v1.Content').info({}),
      fails('unavailable', /was lost/),
    );
    assert.equal(connections, call);
  }
});

test('a server that takes no further calls lets those that run end', async (t) => {
  const running: ServerHttp2Stream[] = [];
  const { content } = await against(t, (stream) => {
    stream.respond(GRPC, { waitForTrailers: true });
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' });
    });
    stream.write(EMPTY);
    running.push(stream);
  });
  const replies = content.read({})[Symbol.asyncIterator]();
  await replies.next();
  running[0]?.session?.goaway(0, 1);
  running[0]?.write(EMPTY);
  assert.equal((await replies.next()).done, false); // and so the client has seen what came before it
  await assert.rejects(content.info({}), fails('unavailable', /takes no further calls/));
  assert.equal(running.length, 1);
  running[0]?.end(EMPTY);
  assert.deepEqual([(await replies.next()).done, (await replies.next()).done], [false, true]);
});

test('a channel that is closed while it connects, or while a call runs, says canceled', async (t) => {
  const { content, channel } = await against(t, (stream) => {
    stream.respond(GRPC);
  });
  const early = content.info({});
  channel.close();
  await assert.rejects(early, fails('canceled', /was closed/));
});
