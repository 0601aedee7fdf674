import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressFeed } from './progress-feed.js';
import type { TransferProgress, TransferState } from './progress.js';

const report = (key: string, state: TransferState, offset = 0): TransferProgress => ({
  key,
  state,
  parents: [],
  offset,
  total: 100,
});
const short = ({ key, state, offset }: TransferProgress) => `${key} ${state} ${offset}`;

async function rest(feed: ProgressFeed): Promise<string[]> {
  const all: string[] = [];
  for await (const progress of feed) all.push(short(progress));
  return all;
}

test('a reader that was away gets the first and the last report of each stage, in order', async () => {
  const feed = new ProgressFeed();
  feed.push(report('a', 'waiting'));
  feed.push(report('a', 'downloading', 40));
  for (let offset = 41; offset < 100; offset += 1) {
    feed.push(report('a', 'downloading', offset));
    feed.push(report('b', 'downloading', offset - 41));
  }
  feed.push(report('a', 'downloaded', 100));
  feed.end();
  assert.deepEqual(await rest(feed), [
    'a waiting 0',
    'a downloading 40',
    'a downloading 99',
    'b downloading 0',
    'b downloading 58',
    'a downloaded 100',
  ]);
});

test('a reader that waits is woken by each report, and by the end', async () => {
  const feed = new ProgressFeed();
  const reader = feed[Symbol.asyncIterator]();
  const first = reader.next();
  feed.push(report('a', 'downloading', 1));
  assert.equal(short((await first).value as TransferProgress), 'a downloading 1');
  feed.push(report('a', 'downloading', 2));
  assert.equal(short((await reader.next()).value as TransferProgress), 'a downloading 2');
  const last = reader.next();
  feed.end();
  assert.equal((await last).done, true);
  feed.push(report('a', 'downloading', 3));
  assert.deepEqual(await rest(feed), []);
});

test('what nobody reads does not pile up', () => {
  const feed = new ProgressFeed();
  for (let offset = 0; offset < 100_000; offset += 1) feed.push(report('a', 'downloading', offset));
  feed.end();
  return rest(feed).then((all) => assert.deepEqual(all, ['a downloading 0', 'a downloading 99999']));
});

test('reports that only move a row on are told some times a second; the first of a stage comes at once', async () => {
  const feed = new ProgressFeed();
  const told: string[] = [];
  const reading = (async () => {
    for await (const progress of feed) told.push(short(progress));
  })();
  feed.push(report('a', 'downloading', 0));
  await new Promise(setImmediate);
  for (let offset = 1; offset <= 50; offset += 1) {
    feed.push(report('a', 'downloading', offset));
    await new Promise(setImmediate);
  }
  assert.deepEqual(told, ['a downloading 0']);
  feed.push(report('b', 'downloading', 0));
  await new Promise(setImmediate);
  assert.deepEqual(told.slice(1), ['a downloading 50', 'b downloading 0']);
  feed.push(report('a', 'downloading', 51));
  feed.end();
  await reading;
  assert.equal(told.at(-1), 'a downloading 51');
});
