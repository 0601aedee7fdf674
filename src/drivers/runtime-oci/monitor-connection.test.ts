import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { isErrno } from '../../base/errors.js';
import { addon } from '../../sys/addon.js';
import { connectMonitor } from './monitor-connection.js';

test('a monitor that ends before it takes a connection ends nobody else', async (t) => {
  const { path } = await tempDir(t);
  const listening = addon().listen(join(path, 'control.sock'), 4);
  assert.ok(listening >= 0);
  const socket = await connectMonitor(path);
  assert.ok(socket);
  addon().close(listening);
  // Nobody listens for 'error' here, as when the reset comes before the connection has its user.
  await new Promise((resolve) => socket.once('close', resolve));
  assert.ok(isErrno(socket.errored, 'ECONNRESET'));
});
