import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { tempDir } from '../support/temp-dir.js';

/** An event as the suite makes and sees it; `id` is all that the payload says. */
export interface SeenEvent {
  readonly number: number;
  readonly namespace: string;
  readonly topic: string;
  readonly id: unknown;
}

/** A journal, as its port or its service shows it. */
export interface JournalUnderTest extends AsyncDisposable {
  append(namespace: string, topic: string, id: string): Promise<void>;
  range(): Promise<{ readonly oldest: number; readonly newest: number }>;
  /** @param from Missing: from now on. */
  read(from: number | undefined, signal: AbortSignal): AsyncIterable<SeenEvent>;
}

/** How the suite comes by one that keeps at least `events`; a former one's events are found again. */
export type OpenJournal = (root: string, events: number) => Promise<JournalUnderTest>;

const PLENTY = 100_000;
const MANY = 1100;

async function take(events: AsyncIterable<SeenEvent>, count: number): Promise<SeenEvent[]> {
  const taken: SeenEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

/** What every journal has to do, for users of the port and of the service. */
export function journalSuite(name: string, open: OpenJournal): void {
  test(`${name}: events are numbered without gap, and read from any number, over restarts too`, async (t) => {
    const { path } = await tempDir(t);
    const { signal } = new AbortController();
    {
      await using journal = await open(path, PLENTY);
      assert.deepEqual(await journal.range(), { oldest: 1, newest: 0 });
      await journal.append('one', '/a', 'first');
      await journal.append('two', '/b', 'second');
      assert.deepEqual(await journal.range(), { oldest: 1, newest: 2 });
    }
    await using journal = await open(path, PLENTY);
    assert.deepEqual(await journal.range(), { oldest: 1, newest: 2 });
    await journal.append('one', '/c', 'third');
    const all: SeenEvent[] = [
      { number: 1, namespace: 'one', topic: '/a', id: 'first' },
      { number: 2, namespace: 'two', topic: '/b', id: 'second' },
      { number: 3, namespace: 'one', topic: '/c', id: 'third' },
    ];
    assert.deepEqual(await take(journal.read(1, signal), 3), all);
    assert.deepEqual(await take(journal.read(3, signal), 1), all.slice(2));
  });

  test(`${name}: list, then watch from the next number: nothing is missed, nothing comes twice`, async (t) => {
    const { path } = await tempDir(t);
    await using journal = await open(path, PLENTY);
    for (let at = 1; at <= 20; at += 1) await journal.append('n', '/t', `${at}`);
    const { newest } = await journal.range();
    const readers = [1, 2, 3].map(() => take(journal.read(newest + 1, new AbortController().signal), 100));
    for (let at = 21; at <= 120; at += 1) await journal.append('n', '/t', `${at}`);
    const expected = Array.from({ length: 100 }, (_, at) => newest + 1 + at);
    for (const seen of await Promise.all(readers)) {
      assert.deepEqual(
        seen.map(({ number }) => number),
        expected,
      );
      assert.deepEqual(
        seen.map(({ id }) => id),
        expected.map(String),
      );
    }
  });

  test(`${name}: without a number it begins at the call, and ends with the signal`, async (t) => {
    const { path } = await tempDir(t);
    await using journal = await open(path, PLENTY);
    await journal.append('n', '/t', 'before');
    const stop = new AbortController();
    const seen: SeenEvent[] = [];
    const reading = (async () => {
      for await (const event of journal.read(undefined, stop.signal)) {
        seen.push(event);
        if (seen.length === 3) stop.abort(new Error('enough'));
      }
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    // When the call has come through is not told: so events come until it has.
    while (!stop.signal.aborted) await journal.append('n', '/t', 'after');
    await reading;
    assert.deepEqual(
      seen.slice(0, 3).map(({ id, number }) => [id, number - (seen[0]?.number ?? 0)]),
      [
        ['after', 0],
        ['after', 1],
        ['after', 2],
      ],
    );
  });

  test(`${name}: numbers that are gone, or not there yet, are refused`, async (t) => {
    const { path } = await tempDir(t);
    await using journal = await open(path, 10);
    const { signal } = new AbortController();
    // It is cut down now and then, not with every event.
    await Promise.all(Array.from({ length: MANY }, (_, at) => journal.append('n', '/t', `${at}`)));
    const { oldest, newest } = await journal.range();
    assert.equal(newest, MANY);
    assert.ok(oldest > 1 && oldest <= MANY - 9, `oldest is ${oldest}`);
    await assertRejectsWithKind(take(journal.read(1, signal), 1), 'out-of-range', new RegExp(`${oldest}`));
    await assertRejectsWithKind(take(journal.read(MANY + 2, signal), 1), 'out-of-range');
    assert.equal((await take(journal.read(oldest, signal), 1))[0]?.number, oldest);
  });
}
