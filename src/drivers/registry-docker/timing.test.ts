import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf, isLoopback } from './endpoint.js';
import { HostGate } from './host-gate.js';
import { backOffMs, DEFAULT_TIMING, retryAfterMs } from './timing.js';

test('Retry-After in seconds and as a date', () => {
  const now = Date.UTC(2026, 0, 1, 0, 0, 0);
  assert.equal(retryAfterMs('120', now), 120_000);
  assert.equal(retryAfterMs(' 0 ', now), 0);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Wed, 31 Dec 2025 23:00:00 GMT', now), 0);
  process.env['TZ'] = 'America/New_York';
  assert.equal(retryAfterMs('Thursday, 01-Jan-26 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfterMs('Thu Jan  1 00:00:30 2026', now), 30_000, 'in UTC, wherever we are');
  for (const none of [undefined, '', '-1', '1.5', 'soon', '99999999999'])
    assert.equal(retryAfterMs(none, now), undefined);
});

test('pauses double up to their limit, with jitter', () => {
  const whole = (attempt: number) => backOffMs(DEFAULT_TIMING, attempt, () => 1);
  assert.deepEqual([1, 2, 3, 20].map(whole), [300, 600, 1200, 20_000]);
  assert.equal(
    backOffMs(DEFAULT_TIMING, 1, () => 0),
    150,
  );
});

test('a host keeps back until the time it asked for; a shorter wait does not open it earlier', async () => {
  const gate = new HostGate();
  gate.close('a', 60);
  gate.close('a', 1);
  assert.equal(gate.remainingMs('b'), 0);
  const started = performance.now();
  await gate.pass('a');
  assert.ok(performance.now() - started >= 59);
  gate.close('a', 60_000);
  const reason = new Error('enough');
  await assert.rejects(gate.pass('a', AbortSignal.abort(reason)), reason);
});

test('where a host is served', () => {
  for (const [host, plain, origin] of [
    ['docker.io', false, 'https://registry-1.docker.io'],
    ['index.docker.io', true, 'https://registry-1.docker.io'],
    ['ghcr.io', false, 'https://ghcr.io'],
    ['ghcr.io:443', false, 'https://ghcr.io'],
    ['registry.example:5000', true, 'http://registry.example:5000'],
    ['localhost:5000', false, 'http://localhost:5000'],
    ['127.9.8.7', false, 'http://127.9.8.7'],
    ['[::1]:5000', false, 'http://[::1]:5000'],
    ['localhost.example.com', false, 'https://localhost.example.com'],
    ['127.0.0.1.example.com', false, 'https://127.0.0.1.example.com'],
  ] as const) {
    assert.equal(endpointOf(host, plain).origin, origin);
  }
  for (const host of ['128.0.0.1', '[::2]', 'localhosts', '127.1', '10.0.0.1:127'])
    assert.equal(isLoopback(host), false, host);
  assert.equal(isLoopback('[0:0:0:0:0:0:0:1]'), true);
});
