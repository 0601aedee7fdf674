import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { dist } from '../../src/cli/dist/program.js';
import { runCommand } from '../support/cli.js';
import { openDaemon } from '../support/daemon.js';

test('Ctrl-C and --timeout end a command of many arguments once, and for all of them', async () => {
  await using daemon = await openDaemon();
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  try {
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const references = ['a', 'b', 'c'].map((name) => `127.0.0.1:${port}/${name}:latest`);
    const controller = new AbortController();
    silent.once('connection', () => {
      controller.abort();
    });
    const stopped = await runCommand(dist, daemon, ['pull', '-q', ...references], { signal: controller.signal });
    assert.deepEqual([stopped.code, stopped.stderr], [130, 'dist: stopped by SIGINT\n']);
    const late = await runCommand(dist, daemon, ['--timeout', '100ms', 'pull', '-q', ...references]);
    assert.deepEqual([late.code, late.stderr], [1, 'dist: the command took longer than --timeout 100 ms\n']);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});
