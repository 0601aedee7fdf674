import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { makeAuthority } from '../../../test/support/certificates.js';
import { eventually } from '../../../test/support/eventually.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { ConnectionError } from './connection-error.js';
import type { HttpResponse } from './http-messages.js';
import { DEFAULT_TIMING, type Timing } from './timing.js';
import { Transport } from './transport.js';

/** What a server does once it has been asked. */
type Serve = (socket: Socket, request: string) => Promise<void> | void;

interface Fixture {
  readonly sockets: Set<Socket>;
  serve: Serve;
  ask(more?: { readonly signal?: AbortSignal; readonly headersMs?: number }): Promise<HttpResponse>;
}

const BODY = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * 7919) >> 5));

async function fixtureOf(t: TestContext, scheme: 'http' | 'https', timing: Partial<Timing> = {}): Promise<Fixture> {
  const sockets = new Set<Socket>();
  const take = (socket: Socket) => {
    socket.setMaxListeners(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', (request: Buffer) => {
      // Whoever asked may have gone.
      Promise.resolve(fixture.serve(socket, request.toString())).catch(() => socket.destroy());
    });
  };
  let ca: readonly string[] = [];
  let server: Server;
  if (scheme === 'https') {
    const { path } = await tempDir(t);
    const authority = await makeAuthority(path);
    const { certificate, key } = await authority.issue('127.0.0.1');
    ca = [await readFile(authority.certificate, 'utf8')];
    server = createTlsServer({ cert: await readFile(certificate), key: await readFile(key) }, take);
  } else server = createServer(take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = new Transport({ ...DEFAULT_TIMING, ...timing });
  t.after(async () => {
    await transport[Symbol.asyncDispose]();
    await eventually(() => assert.equal(sockets.size, 0, 'connections are closed'));
    server.close();
    await once(server, 'close');
  });
  const url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/a?b=c`);
  const connection = { ca, client: [], skipVerify: false };
  const fixture: Fixture = {
    sockets,
    serve: () => undefined,
    ask: (more = {}) =>
      transport.send({ method: 'GET', url, headers: { accept: 'x/y' }, large: true, connection, ...more }),
  };
  return fixture;
}

function head(length: number | undefined, more = ''): string {
  return `HTTP/1.1 200 OK\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}X-Own: 1\r\n${more}\r\n`;
}

/** Writes pieces that end at random places, each as a packet of its own as far as that goes. */
async function inPieces(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  socket.setNoDelay(true);
  const ends = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b).concat(bytes.length);
  let from = 0;
  for (const end of ends) {
    if (!socket.write(bytes.subarray(from, end))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    await new Promise(setImmediate);
    from = end;
  }
}

async function collect(response: HttpResponse, slow: (at: number) => Promise<unknown> | undefined = () => undefined) {
  const parts: Buffer[] = [];
  let at = 0;
  for await (const bytes of response.body(true)) {
    await slow(at);
    parts.push(Buffer.from(bytes));
    at += bytes.length;
  }
  return Buffer.concat(parts);
}

for (const scheme of ['http', 'https'] as const) {
  test(`${scheme}: a body is what was sent, however it was cut and however slowly it is read`, async (t) => {
    const fixture = await fixtureOf(t, scheme);
    const cuts = fc.array(fc.oneof(fc.nat(300), fc.nat(4_000_000)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.nat(BODY.length), cuts, fc.boolean(), async (size, at, isSlow) => {
        const body = BODY.subarray(0, size);
        fixture.serve = async (socket, request) => {
          assert.match(request, /^GET \/a\?b=c HTTP\/1\.1\r\n/);
          assert.match(request, /accept: x\/y\r\n/);
          assert.match(request, /accept-encoding: identity\r\n/);
          await inPieces(socket, Buffer.concat([Buffer.from(head(size)), body]), at);
        };
        const response = await fixture.ask();
        assert.deepEqual([response.status, response.header('x-own')], [200, '1']);
        const turn = () => new Promise(setImmediate);
        assert.ok((await collect(response, isSlow ? turn : undefined)).equals(body));
      }),
      { numRuns: 60, seed: 7, endOnFailure: true },
    );
  });

  test(`${scheme}: what came before a cut is handed on, and then the cut is told`, async (t) => {
    const fixture = await fixtureOf(t, scheme);
    for (const [sent, promised] of [
      [0, 10],
      [5, 10],
      [1_000_000, 3_000_000],
      [2_999_999, 3_000_000],
    ] as const) {
      fixture.serve = async (socket) => {
        await inPieces(socket, Buffer.concat([Buffer.from(head(promised)), BODY.subarray(0, sent)]), []);
        socket.end();
      };
      const response = await fixture.ask();
      let bytes = 0;
      await assert.rejects(
        async () => {
          for await (const piece of response.body(true)) bytes += piece.length;
        },
        (error) => error instanceof ConnectionError && error.transient,
      );
      assert.equal(bytes, sent);
    }
  });

  test(`${scheme}: what goes on beyond its length is no part of it`, async (t) => {
    const fixture = await fixtureOf(t, scheme);
    for (const size of [0, 7, 2_000_000]) {
      fixture.serve = (socket) => inPieces(socket, Buffer.concat([Buffer.from(head(size)), BODY]), [400, 1_999_999]);
      assert.ok((await collect(await fixture.ask())).equals(BODY.subarray(0, size)));
    }
  });

  test(`${scheme}: bodies without a length, and short ones, are read as well`, async (t) => {
    const fixture = await fixtureOf(t, scheme);
    fixture.serve = (socket) => {
      socket.end(`${head(undefined, 'Transfer-Encoding: chunked\r\n')}5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n`);
    };
    assert.equal((await collect(await fixture.ask())).toString(), 'abcdefgh');
    fixture.serve = (socket) => {
      socket.end(`${head(undefined)}until it closes`);
    };
    assert.equal((await collect(await fixture.ask())).toString(), 'until it closes');
    fixture.serve = (socket) => {
      socket.write(head(4).replace('200 OK', '404 Not Found') + 'none');
    };
    const missing = await fixture.ask();
    assert.equal(missing.status, 404);
    assert.equal((await missing.whole(100))?.toString(), 'none');
    fixture.serve = (socket) => {
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${head(4)}some`);
    };
    assert.equal((await (await fixture.ask()).whole(100))?.toString(), 'some');
    assert.equal(await (await fixture.ask()).whole(3), undefined, 'longer than wanted');
  });

  test(`${scheme}: whoever goes away leaves no connection`, async (t) => {
    const fixture = await fixtureOf(t, scheme);
    fixture.serve = async (socket) => {
      await inPieces(socket, Buffer.concat([Buffer.from(head(BODY.length * 2)), BODY]), [100]);
    };
    await (await fixture.ask()).discard();
    await eventually(() => assert.equal(fixture.sockets.size, 0));
    const cut = new AbortController();
    const response = await fixture.ask({ signal: cut.signal });
    await assert.rejects(async () => {
      for await (const _ of response.body(true)) cut.abort(new Error('gone'));
    }, /gone/);
    for await (const _ of (await fixture.ask()).body(true)) break;
    await eventually(() => assert.equal(fixture.sockets.size, 0));
    fixture.serve = () => undefined;
    const waiting = new AbortController();
    const asked = fixture.ask({ signal: waiting.signal });
    await eventually(() => assert.equal(fixture.sockets.size, 1));
    waiting.abort(new Error('no more'));
    await assert.rejects(asked, /no more/);
    await assert.rejects(fixture.ask({ signal: AbortSignal.abort(new Error('before')) }), /before/);
  });

  test(`${scheme}: a server that stands still is given up, a slow reader is not`, async (t) => {
    const fixture = await fixtureOf(t, scheme, { stallMs: 1000 });
    fixture.serve = async (socket) => {
      await inPieces(socket, Buffer.concat([Buffer.from(head(BODY.length)), BODY.subarray(0, 100_000)]), []);
    };
    const stalls = await fixture.ask();
    await assert.rejects(collect(stalls), /stopped sending in the middle/);
    fixture.serve = (socket) => inPieces(socket, Buffer.concat([Buffer.from(head(BODY.length)), BODY]), []);
    const slowly = await collect(await fixture.ask(), (at) => (at === 0 ? pause(1800) : undefined));
    assert.ok(slowly.equals(BODY));
    fixture.serve = () => undefined;
    await assert.rejects(fixture.ask({ headersMs: 100 }), /took the request but did not answer/);
  });
}

test('what is no answer, and nobody there, is told', async (t) => {
  const fixture = await fixtureOf(t, 'http');
  fixture.serve = (socket) => {
    socket.end('SSH-2.0-OpenSSH\r\n');
  };
  await assert.rejects(fixture.ask(), ConnectionError);
  fixture.serve = (socket) => {
    socket.destroy();
  };
  await assert.rejects(fixture.ask(), ConnectionError);
});
