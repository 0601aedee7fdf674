import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '../../src/base/errors.js';
import { ctr } from '../../src/cli/ctr/program.js';
import { journalRange, readEvents, type ClientEvent } from '../../src/client/events.js';
import { openSession } from '../../src/client/open-session.js';
import type { Session } from '../../src/client/session.js';
import { assertRejectsWithKind } from '../support/assert-kind.js';
import { runCommand } from '../support/cli.js';
import { openDaemon, type TestDaemon } from '../support/daemon.js';

const FULL = process.env['WHARFD_TEST_FULL'] === '1';
const KILLS = FULL ? 20 : 4;
const EVENTS_BETWEEN = FULL ? 200 : 40;
const READERS = 3;
/** Part of the events after which a reader leaves. */
const LEAVES = 0.05;
const LAST = 'last';

/** What a client may meet when the daemon ends under it. */
function isGone(error: unknown): boolean {
  return isKind(error, 'unavailable') || isKind(error, 'unknown') || isKind(error, 'canceled');
}

async function firstOf(events: AsyncIterable<ClientEvent>): Promise<ClientEvent | undefined> {
  for await (const event of events) return event;
  return undefined;
}

async function publish(session: Session, id: string): Promise<void> {
  const event = session.messages.pack('containerd.events.ContainerDelete', { id });
  await session.service('containerd.services.events.v1.Events').publish({ topic: '/test/event', event });
}

/** Reads from 1 to the event called LAST, leaving at random and coming back, whether the daemon is there or not. */
async function readThrough(daemon: TestDaemon, up: () => Promise<void>): Promise<ClientEvent[]> {
  const seen: ClientEvent[] = [];
  let next = 1;
  const onNext = (to: number) => {
    next = to;
  };
  while (seen.at(-1)?.fields['id'] !== LAST) {
    await up();
    using session = openSession({ address: daemon.address });
    try {
      for await (const event of readEvents(session, { from: next, filters: ['topic=="/test/event"'], onNext })) {
        seen.push(event);
        onNext(event.number + 1);
        if (event.fields['id'] === LAST || Math.random() < LEAVES) break;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return seen;
}

test(
  'three readers that come and go see every event once, over kills of the daemon',
  { timeout: 300_000 },
  async () => {
    await using daemon = await openDaemon();
    let running = Promise.resolve();
    const up = () => running;
    const readers = Array.from({ length: READERS }, () => readThrough(daemon, up));
    const acknowledged: string[] = [];
    for (let round = 0; round <= KILLS; round += 1) {
      const writers = [0, 1].map(async (writer) => {
        using session = openSession({ address: daemon.address });
        for (let at = 0; at < EVENTS_BETWEEN; at += 1) {
          const id = `${round}-${writer}-${at}`;
          try {
            await publish(session, id);
          } catch (error) {
            if (isGone(error)) return; // killed: this one may be there, or not
            throw error;
          }
          acknowledged.push(id);
          if (writer === 0 && at === EVENTS_BETWEEN / 2 && round < KILLS) {
            running = daemon.kill().then(() => daemon.start());
          }
        }
      });
      await Promise.all(writers);
      await running;
    }
    using session = openSession({ address: daemon.address });
    await publish(session, LAST);
    const { oldest, newest } = await journalRange(session);
    assert.equal(oldest, 1);
    const [first, ...others] = await Promise.all(readers);
    assert.ok(first);
    for (const other of others) assert.deepEqual(other, first);
    const ids = new Set(first.map(({ fields }) => fields['id']));
    assert.deepEqual(
      acknowledged.filter((id) => !ids.has(id)),
      [],
    );
    assert.equal(ids.size, first.length, 'an event came twice');

    const whole: number[] = [];
    for await (const { number } of readEvents(session, { from: 1, untilNow: true })) whole.push(number);
    assert.deepEqual(
      whole,
      Array.from({ length: newest }, (_, index) => index + 1),
    );

    const told = await runCommand(ctr, daemon, ['events', '--from', '2', '--until-now', '--json', 'topic~="^/test/"']);
    assert.equal(told.code, 0, told.stderr);
    const lines = told.stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as ClientEvent),
      first.filter(({ number }) => number >= 2),
    );
  },
);

test('events that are no longer kept are told by name of the oldest, over the socket and by ctr', async () => {
  await using daemon = await openDaemon({ config: { journal: { events: 10 } } });
  using session = openSession({ address: daemon.address });
  for (let at = 0; at < 40; at += 1) await publish(session, String(at));
  await daemon.stop();
  await daemon.start();
  const { oldest, newest } = await journalRange(session);
  assert.deepEqual([newest - oldest, newest >= 40], [9, true]);
  const gone = new RegExp(`event 1 is no longer kept, the oldest is ${oldest}`);
  await assertRejectsWithKind(firstOf(readEvents(session, { from: 1 })), 'out-of-range', gone);
  const told = await runCommand(ctr, daemon, ['events', '--from', '1']);
  assert.match(told.stderr, gone);
  assert.equal(told.code, 1);
  const ahead = firstOf(readEvents(session, { from: newest + 2, untilNow: true }));
  await assertRejectsWithKind(ahead, 'out-of-range', /too far ahead/);
});
