import type { Envelope, Journal } from '../core/events/journal.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { timestampOfNs } from '../rpc/time.js';
import { parseFilters } from '../spec/filter.js';
import { toWirePayload } from './anys.js';
import { fieldOfEnvelope } from './event-fields.js';

/** Events that filters leave out before the reader is told how far it is. */
const SILENT_EVENTS = 1000;

/** wharfd.services.journal.v1.JournalService: events by number. It tells of all namespaces and needs no namespace header. */
export function createJournalService(
  journal: Journal,
): ServiceImplementation<'wharfd.services.journal.v1.JournalService'> {
  return {
    current: () => Promise.resolve({ oldest: fromInteger(journal.oldest()), newest: fromInteger(journal.last()) }),
    async *read({ from, follow, filters }, call) {
      const filter = parseFilters(filters);
      const newest = journal.last();
      const first = toSafeNumber(from) === 0 ? newest + 1 : toSafeNumber(from);
      const events = journal.subscribe({ from: first, signal: call.signal });
      call.sendHeaders();
      if (!follow && first > newest) return;
      let silent = 0;
      for await (const envelope of events) {
        const last = !follow && envelope.sequence >= newest;
        const wanted = filter(fieldOfEnvelope(envelope));
        silent = wanted ? 0 : silent + 1;
        const next = fromInteger(envelope.sequence + 1);
        if (wanted) yield { event: toWireEvent(envelope), next };
        else if (last || silent % SILENT_EVENTS === 0) yield { next };
        if (last) return;
      }
    },
  };
}

function toWireEvent({
  sequence,
  timestampNs,
  namespace,
  topic,
  payload,
}: Envelope): Outgoing<'wharfd.services.journal.v1.Event'> {
  return {
    number: fromInteger(sequence),
    timestamp: timestampOfNs(timestampNs),
    namespace,
    topic,
    payload: toWirePayload(payload),
  };
}
