import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';
import { openFaultRegistry } from '../support/fault-registry.js';
import { layerOf, makeImage, makeLayer } from '../support/image.js';
import { openPuller } from '../support/puller.js';

/** Listens, takes no connection, and has its queue full: whoever knocks gets no answer. */
const DEAF = `
import socket, sys
server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen(0)
knocking = []
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(server.getsockname())
    knocking.append(one)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

async function deafServer(): Promise<AsyncDisposable & { readonly host: string }> {
  const child: ChildProcess = spawn('python3', ['-c', DEAF], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return {
    host: `127.0.0.1:${port.toString().trim()}`,
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await once(child, 'exit');
    },
  };
}

const image = () => makeImage({ layers: [layerOf(randomBytes(200_000), 'none')] });

test('a host that takes no connection: given up after the time for it, and named', async () => {
  await using server = await deafServer();
  await using puller = await openPuller();
  const pull = puller.pull(`${server.host}/a:latest`);
  await assertRejectsWithKind(pull, 'unavailable', new RegExp(`${server.host}.*(no connection|connect|time)`));
});

test('a request that gets no answer is given up and made again', async () => {
  await using registry = await openFaultRegistry();
  await using puller = await openPuller();
  const reference = registry.add(image(), 'a');
  registry.script = (_, answer, count) => ({ ...answer, silent: count === 1 });
  const { reports } = await puller.pull(reference);
  assert.ok(reports.some(({ waitingFor }) => /next try in/.test(waitingFor ?? '')));
});

test('a body that comes slowly has all the time it needs, as long as it comes', async () => {
  await using registry = await openFaultRegistry();
  await using puller = await openPuller();
  const reference = registry.add(image(), 'a');
  registry.script = ({ uri }, answer) =>
    uri.includes('/blobs/') ? { ...answer, drip: { bytes: 10_000, everyMs: 50 } } : answer;
  await puller.pull(reference);
  assert.ok(registry.seen.every(({ headers }) => headers.range === undefined));
});

test('an image from an IPv6 address', async () => {
  await using registry = await openFaultRegistry('::1');
  await using daemon = await openDaemon();
  const reference = registry.add(makeImage({ layers: [await makeLayer([{ path: 'a', data: 'b' }])] }), 'a/b');
  assert.match(reference, /^\[::1\]:/);
  const { code, stdout, stderr } = await runCommand(dist, daemon, ['pull', '--quiet', reference]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\[::1\]:\d+\/a\/b:latest/);
});
