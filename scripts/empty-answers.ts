import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http2';
import { join } from 'node:path';

/** A gRPC message without a field: its prefix alone. */
const EMPTY = Buffer.alloc(5);

/** A server of gRPC that answers whatever it is called with one empty message and the status 0. */
export interface EmptyAnswers extends AsyncDisposable {
  /** Path of its socket. */
  readonly address: string;
  /** How often it was called. */
  readonly calls: number;
}

export async function openEmptyAnswers(): Promise<EmptyAnswers> {
  // A socket's path has 107 bytes at most (unix(7)); that of TMPDIR may be longer.
  const home = mkdtempSync('/tmp/wharfd-build-');
  const address = join(home, 'sock');
  const server = createServer();
  let calls = 0;
  server.on('stream', (stream) => {
    calls += 1;
    stream.on('error', () => undefined); // the client has gone
    stream.on('wantTrailers', () => {
      stream.sendTrailers({ 'grpc-status': '0' });
    });
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(EMPTY);
  });
  server.listen(address);
  await once(server, 'listening');
  return {
    address,
    get calls() {
      return calls;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
      rmSync(home, { recursive: true });
    },
  };
}
