import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../../../test/support/assert-kind.js';
import { tempDir } from '../../../test/support/temp-dir.js';
import { openWorkerPool } from './worker-pool.js';

/** Tasks that a test needs, spoken to as serveTasks speaks; plain JavaScript, for threads have no loader for TypeScript. */
const WORKER = `
import { parentPort } from 'node:worker_threads';
const tasks = {
  echo: ({ value }) => value,
  fail: ({ kind2 }) => { throw Object.assign(new Error('it broke'), { kind: kind2 }); },
  spin: (_, stopped) => { while (!stopped()); throw Object.assign(new Error('stopped'), { kind: 'canceled' }); },
  hoard: () => { const all = []; for (;;) all.push(new Array(1000).fill({}).map(() => ({}))); },
  exit: () => process.exit(3),
  count: ({ upTo }, _, report) => { for (let at = 1; at <= upTo; at += 1) report(at); return upTo; },
};
parentPort.on('message', ({ task, cancel }) => {
  const flag = new Int32Array(cancel);
  const report = (progress) => parentPort.postMessage({ type: 'progress', progress });
  try {
    const result = tasks[task.kind](task, () => Atomics.load(flag, 0) !== 0, report);
    parentPort.postMessage({ type: 'done', result });
  } catch (error) {
    parentPort.postMessage({ type: 'error', kind: error.kind, message: error.message });
  }
});
`;

async function poolOf(t: Parameters<typeof tempDir>[0], size = 1) {
  const { path } = await tempDir(t);
  await mkdir(path, { recursive: true });
  const file = join(path, 'worker.mjs');
  await writeFile(file, WORKER);
  return openWorkerPool(new URL(`file://${file}`), size);
}

const echo = (value: unknown) => ({ kind: 'echo', value });

test('tasks give results, progress in order, and errors of their kind', async (t) => {
  await using pool = await poolOf(t);
  assert.deepEqual(await pool.run(echo({ a: [1, 'b'] })), { a: [1, 'b'] });
  const seen: unknown[] = [];
  assert.equal(
    await pool.run({ kind: 'count', upTo: 3 } as { kind: string }, { onProgress: (at) => seen.push(at) }),
    3,
  );
  assert.deepEqual(seen, [1, 2, 3]);
  await assertRejectsWithKind(
    pool.run({ kind: 'fail', kind2: 'data-loss' } as { kind: string }),
    'data-loss',
    /it broke/,
  );
});

test('at most as many run at a time as the pool is large', async (t) => {
  await using pool = await poolOf(t, 2);
  const stop = new AbortController();
  const spinning = [1, 2].map(() => pool.run({ kind: 'spin' }, { signal: stop.signal }));
  const waiting = new AbortController();
  const third = pool.run(echo(1), { signal: waiting.signal });
  waiting.abort(new Error('no patience'));
  await assert.rejects(third, /no patience/);
  const fourth = pool.run(echo(4));
  stop.abort(new Error('stop it'));
  await Promise.all(spinning.map((each) => assert.rejects(each, /stop it/)));
  assert.equal(await fourth, 4);
});

test('a task is not begun once its signal has aborted', async (t) => {
  await using pool = await poolOf(t);
  await assert.rejects(pool.run(echo(1), { signal: AbortSignal.abort(new Error('too late')) }), /too late/);
});

test('a worker that dies or eats too much fails its task alone', async (t) => {
  await using pool = await poolOf(t);
  await assertRejectsWithKind(pool.run({ kind: 'exit' }), 'unavailable', /ended before/);
  assert.equal(await pool.run(echo(1)), 1);
  await assertRejectsWithKind(pool.run({ kind: 'hoard' }), 'resource-exhausted', /memory/);
  assert.equal(await pool.run(echo(2)), 2);
});

test('closing cuts off what runs, and nothing begins any more', async (t) => {
  const pool = await poolOf(t);
  const running = pool.run({ kind: 'spin' });
  running.catch(() => undefined);
  await pool[Symbol.asyncDispose]();
  await assertRejectsWithKind(running, 'unavailable');
  await assertRejectsWithKind(pool.run(echo(1)), 'unavailable', /shutting down/);
});
