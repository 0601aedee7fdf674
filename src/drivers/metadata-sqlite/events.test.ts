import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.js';
import { SILENT } from '../../base/logger.js';
import type { Envelope } from '../../core/events/journal.js';
import { DEFAULT_RETENTION, SqliteJournal, type Retention } from './events.js';
import type { Database } from './database.js';
import { openDatabase } from './open-database.js';

async function withJournal(
  root: string,
  run: (journal: SqliteJournal, db: Database) => Promise<void>,
  kept?: Partial<Retention>,
): Promise<void> {
  using db = await openDatabase(join(root, 'meta.db'), SILENT);
  using journal = new SqliteJournal(db, { ...DEFAULT_RETENTION, ...kept });
  await run(journal, db);
}

const payload = (number: number) => ({ type: 'containerd.events.ContainerDelete', fields: { id: String(number) } });
const numberOf = ({ payload: each }: Envelope) => ('fields' in each ? Number(each.fields['id']) : NaN);

async function take(events: AsyncIterable<Envelope>, count: number): Promise<Envelope[]> {
  const taken: Envelope[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

test('events are numbered, kept as they are, and read from any number, over restarts too', async (t) => {
  await using root = await tempDir(t);
  const bytes = Buffer.from([0, 1, 255]);
  await withJournal(root.path, async (journal) => {
    assert.equal(journal.last(), 0);
    const first = await journal.append('one', { topic: '/a/b', payload: payload(1) });
    assert.equal(first.sequence, 1);
    const any = { typeUrl: 'type.googleapis.com/foreign.Type', value: bytes };
    await journal.append('two', { topic: '/c', payload: { any } }, 1_234_567_890_123_456_789n);
    const signal = new AbortController().signal;
    const [, second] = await take(journal.subscribe({ from: 1, signal }), 2);
    assert.deepEqual(second, {
      sequence: 2,
      namespace: 'two',
      topic: '/c',
      timestampNs: 1_234_567_890_123_456_789n,
      payload: { any },
    });
    assert.ok(Math.abs(Number(first.timestampNs / 1_000_000n) - Date.now()) < 60_000);
  });
  await withJournal(root.path, async (journal) => {
    assert.equal(journal.last(), 2);
    assert.equal((await journal.append('one', { topic: '/a', payload: payload(3) })).sequence, 3);
    const all = await take(journal.subscribe({ from: 1, signal: new AbortController().signal }), 3);
    assert.deepEqual(
      all.map(({ sequence, namespace }) => [sequence, namespace]),
      [
        [1, 'one'],
        [2, 'two'],
        [3, 'one'],
      ],
    );
  });
});

test('a subscription begins at its call, and readers of any speed see everything once', async (t) => {
  await using root = await tempDir(t);
  await withJournal(root.path, async (journal) => {
    await journal.append('n', { topic: '/t', payload: payload(0) });
    const { signal } = new AbortController();
    const [quick, slow] = [journal.subscribe({ signal }), journal.subscribe({ signal })];
    const fast = take(quick, 1000);
    for (let number = 1; number <= 1000; number += 1)
      await journal.append('n', { topic: '/t', payload: payload(number) });
    const expected = Array.from({ length: 1000 }, (_, index) => index + 1);
    assert.deepEqual((await fast).map(numberOf), expected);
    assert.deepEqual((await take(slow, 1000)).map(numberOf), expected);
  });
});

test('a subscription ends with its signal, also while it waits', async (t) => {
  await using root = await tempDir(t);
  await withJournal(root.path, async (journal) => {
    const controller = new AbortController();
    const waiting = take(journal.subscribe({ signal: controller.signal }), 1);
    controller.abort();
    assert.deepEqual(await waiting, []);
  });
});

test('what is no longer kept is told, not skipped', async (t) => {
  await using root = await tempDir(t);
  await withJournal(
    root.path,
    async (journal, db) => {
      db.change(() => {
        for (let number = 1; number <= 1100; number += 1)
          journal.record('n', { topic: '/t', payload: payload(number) });
      });
      const { signal } = new AbortController();
      assert.equal(journal.oldest(), 925);
      assert.throws(() => journal.subscribe({ from: 5, signal }), {
        kind: 'out-of-range',
        message: /event 5 is no longer kept, the oldest is 925;.* read on from 1101/,
      });
      assert.throws(() => journal.subscribe({ from: 1102, signal }), {
        kind: 'out-of-range',
        message: /event 1102 is too far ahead, the newest is 1100/,
      });
      assert.deepEqual((await take(journal.subscribe({ from: 925, signal }), 176)).map(numberOf).at(-1), 1100);
      const reader = journal.subscribe({ from: 1000, signal })[Symbol.asyncIterator]();
      await reader.next();
      db.change(() => {
        for (let number = 1101; number <= 3000; number += 1)
          journal.record('n', { topic: '/t', payload: payload(number) });
      });
      await assert.rejects(
        async () => {
          for (;;) await reader.next();
        },
        { kind: 'out-of-range', message: /event 1101 is no longer kept/ },
      );
    },
    { events: 100 },
  );
});

test('events go by age, also when no new ones come; the numbers go on', async (t) => {
  await using root = await tempDir(t);
  const oldNs = BigInt(Date.now() - 2000) * 1_000_000n;
  await withJournal(
    root.path,
    async (journal, db) => {
      db.change(() => {
        for (let number = 1; number <= 20_000; number += 1)
          journal.record('n', { topic: '/t', payload: payload(number) }, oldNs);
      });
      await journal.append('n', { topic: '/t', payload: payload(20_001) });
      journal.trim();
      assert.equal(journal.oldest(), 20_001);
      assert.equal(journal.last(), 20_001);
    },
    { ageMs: 1000 },
  );
  await withJournal(
    root.path,
    async (journal) => {
      journal.trim();
      assert.equal(journal.oldest(), 20_002);
      assert.equal((await journal.append('n', { topic: '/t', payload: payload(1) })).sequence, 20_002);
    },
    { ageMs: -1000 },
  );
});

test('a change that is rolled back leaves no event, and its number is used by the next', async (t) => {
  await using root = await tempDir(t);
  using db = await openDatabase(join(root.path, 'meta.db'), SILENT);
  using journal = new SqliteJournal(db);
  assert.throws(
    () =>
      db.change(() => {
        journal.record('n', { topic: '/t', payload: payload(1) });
        throw new Error('no');
      }),
    /no/,
  );
  assert.equal(journal.last(), 0);
  assert.equal((await journal.append('n', { topic: '/t', payload: payload(2) })).sequence, 1);
});

test('what waits for no flush may go with the power, but its numbers do not come again', async (t) => {
  await using root = await tempDir(t);
  const path = join(root.path, 'meta.db');
  const after = join(root.path, 'after', 'meta.db');
  const record = (journal: SqliteJournal, number: number) =>
    journal.passing(() => journal.record('one', { topic: '/a', payload: payload(number) })).sequence;
  {
    using db = await openDatabase(path, SILENT);
    using journal = new SqliteJournal(db, DEFAULT_RETENTION, 'aaaa-1');
    assert.equal(record(journal, 1), 1);
    // What is on the disk when the power goes: all but the next two.
    await mkdir(dirname(after));
    for (const end of ['', '-wal']) await copyFile(path + end, after + end);
    assert.deepEqual([record(journal, 2), record(journal, 3)], [2, 3]);
  }
  {
    using db = await openDatabase(path, SILENT);
    using journal = new SqliteJournal(db, DEFAULT_RETENTION, 'aaaa-1');
    assert.equal(record(journal, 4), 4, 'the same boot goes on without a gap');
  }
  using db = await openDatabase(after, SILENT);
  let first: number;
  {
    using journal = new SqliteJournal(db, DEFAULT_RETENTION, 'bbbb-2');
    first = record(journal, 5);
    assert.ok(first > 4, String(first));
    const all = await take(journal.subscribe({ from: 1, signal: new AbortController().signal }), 2);
    assert.deepEqual(all.map(numberOf), [1, 5]);
    const seen = await take(journal.subscribe({ from: 4, signal: new AbortController().signal }), 1);
    assert.deepEqual(seen.map(numberOf), [5], 'who has read up to 3 goes on');
  }
  using journal = new SqliteJournal(db, DEFAULT_RETENTION, 'bbbb-2');
  assert.equal(record(journal, 6), first + 1, 'a gap comes once a boot');
});

test('numbers are set aside in time, however many events wait for no flush', async (t) => {
  await using root = await tempDir(t);
  using db = await openDatabase(join(root.path, 'meta.db'), SILENT);
  using journal = new SqliteJournal(db, DEFAULT_RETENTION, 'aaaa-1');
  const reserved = () =>
    db.sql<{ value: number }>(`SELECT value FROM counters WHERE name = 'events reserved'`).get()?.value;
  for (let number = 1; number <= 3000; number += 1) {
    journal.passing(() => journal.record('one', { topic: '/a', payload: payload(number) }));
    assert.ok(journal.last() <= (reserved() ?? 0));
  }
});
