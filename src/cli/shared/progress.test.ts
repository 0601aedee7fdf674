import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressRows, rowOf } from './progress-rows.js';
import { drawRows } from './progress.js';

const layer = (event: string, offset: number, total = 100) => rowOf({ key: 'layer-sha256:aa', event, offset, total });

test('bytes from before a resume are in the total and not in the rate', () => {
  const rows = new ProgressRows();
  rows.update(layer('downloading', 60));
  rows.update(layer('downloading', 80));
  assert.equal(rows.totalBytes(), 80);
  assert.equal(rows.freshBytes(), 20);
  rows.update(layer('complete', 100));
  assert.equal(rows.totalBytes(), 100);
  assert.equal(rows.freshBytes(), 20);
});

test('what a reconnect starts over is not counted twice', () => {
  const rows = new ProgressRows();
  for (const offset of [0, 50, 20, 70]) rows.update(layer('downloading', offset));
  assert.equal(rows.freshBytes(), 70);
});

test('only a change of status is news for a log', () => {
  const rows = new ProgressRows();
  assert.equal(rows.update(layer('downloading', 1)), true);
  assert.equal(rows.update(layer('downloading', 2)), false);
  assert.equal(rows.update(layer('extracting', 2)), true);
});

test('when rows do not fit, finished ones give way', () => {
  const rows = new ProgressRows();
  for (const [key, event] of [
    ['a', 'complete'],
    ['b', 'downloading'],
    ['c', 'already exists'],
    ['d', 'waiting'],
  ] as const) {
    rows.update(rowOf({ key, event, offset: 0, total: 1 }));
  }
  assert.deepEqual(
    rows.visible(3).map(({ key }) => key),
    ['b', 'c', 'd'],
  );
  assert.deepEqual(
    rows.visible(1).map(({ key }) => key),
    ['b'],
  );
  assert.equal(rows.visible(9).length, 4);
});

test('a row shows its bar, forty characters wide, and what it waits for', () => {
  assert.deepEqual(drawRows([layer('downloading', 50), layer('waiting: 429 from\u001b[2J r.example', 0)], 200), [
    `layer-sha256:aa: downloading |\u001b[32m${'+'.repeat(20)}\u001b[0m${'-'.repeat(20)}| 50 B/100 B`,
    'layer-sha256:aa: waiting (429 from?[2J r.example)',
  ]);
});

test('bars stand below each other, and on a narrow terminal all digests are short', () => {
  const rows = ['downloading', 'complete'].map((event) =>
    rowOf({ key: `layer-sha256:${'ab'.repeat(32)}`, event, offset: 0, total: 9 }),
  );
  for (const columns of [80, 200]) {
    const lines = drawRows(rows, columns);
    assert.equal(new Set(lines.map((line) => line.indexOf('|'))).size, 1);
    assert.equal(lines.filter((line) => line.includes('ab'.repeat(32))).length, columns === 200 ? 2 : 0);
  }
});
