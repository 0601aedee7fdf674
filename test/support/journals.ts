import { journalRange, readEvents } from '../../src/client/events.js';
import { openSession } from '../../src/client/open-session.js';
import { Teardown } from '../../src/base/teardown.js';
import type { MetadataOptions } from '../../src/drivers/metadata-sqlite/metadata.js';
import type { JournalUnderTest } from '../suites/journal.js';
import { openSocketStores } from './socket-stores.js';
import { openLocalStores } from './stores.js';

const TYPE = 'containerd.events.ContainerDelete';

const optionsOf = (events: number): Partial<MetadataOptions> => ({
  collectDelayMs: 3_600_000,
  retention: { events, ageMs: 3_600_000 },
});

/** The journal of stores on disk. */
export async function openLocalJournal(root: string, events: number): Promise<JournalUnderTest> {
  const stores = await openLocalStores(root, optionsOf(events));
  const { journal } = stores.metadata;
  return {
    append: async (namespace, topic, id) => {
      await journal.append(namespace, { topic, payload: { type: TYPE, fields: { id } } });
    },
    range: () => Promise.resolve({ oldest: journal.oldest(), newest: journal.last() }),
    async *read(from, signal) {
      for await (const each of journal.subscribe({ ...(from === undefined ? {} : { from }), signal })) {
        const { sequence: number, namespace, topic, payload } = each;
        yield { number, namespace, topic, id: 'fields' in payload ? payload.fields['id'] : undefined };
      }
    },
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
}

/** The same by its service. */
export function openSocketJournal(root: string, events: number): Promise<JournalUnderTest> {
  return Teardown.build(async (down) => {
    const stores = down.own(await openSocketStores(root, optionsOf(events)));
    const session = down.own(openSession({ address: stores.channel.address }));
    return {
      append: async (namespace, topic, id) => {
        const event = session.messages.pack(TYPE, { id });
        await session.service('containerd.services.events.v1.Events').publish({ topic, event }, { namespace });
      },
      range: () => journalRange(session),
      async *read(from, signal) {
        for await (const { number, namespace, topic, fields } of readEvents(session, { from, signal })) {
          yield { number, namespace, topic, id: fields['id'] };
        }
      },
      [Symbol.asyncDispose]: () => down.run(),
    };
  });
}
