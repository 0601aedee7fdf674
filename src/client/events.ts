import { isKind } from '../base/errors.js';
import type { Incoming } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import { typeNameOf } from '../rpc/messages.js';
import { isoOfTimestamp } from '../rpc/time.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.journal.v1.JournalService';

/** Something that happened, as plain values. */
export interface ClientEvent {
  /** In the daemon's journal; grows by one with every event, over restarts too. */
  readonly number: number;
  /** RFC 3339, with nanoseconds. */
  readonly timestamp: string;
  readonly namespace: string;
  readonly topic: string;
  /** Message type of the payload. */
  readonly type: string;
  /** The payload by the names in the .proto; empty when we don't know the type. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The numbers of the events that the journal keeps; `newest + 1` for `oldest` when there is none. */
export interface JournalRange {
  readonly oldest: number;
  readonly newest: number;
}

/** Which events there are. To list and then watch: ask this, list, and read from `newest + 1`. */
export async function journalRange(session: Session, signal?: AbortSignal): Promise<JournalRange> {
  const { oldest, newest } = await session.service(SERVICE).current({}, signal ? { signal } : {});
  return { oldest: toSafeNumber(oldest), newest: toSafeNumber(newest) };
}

export interface EventsRequest {
  /** Number of the first one; from now on when missing. */
  readonly from?: number | undefined;
  /** Ends with the newest at the call, instead of going on until `signal`. */
  readonly untilNow?: boolean;
  /** In containerd's filter syntax, of all namespaces; any that fits suffices. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Told after every event, and now and then while the filters let nothing through: what to read from, should the connection break. */
  readonly onNext?: (next: number) => void;
}

/**
 * Events in the order of their numbers, each once.
 *
 * @throws out-of-range: `from` is no longer kept, or too far ahead. unavailable: the daemon went away; read on from the number after the
 * last one, once it is back.
 */
export async function* readEvents(session: Session, request: EventsRequest = {}): AsyncIterable<ClientEvent> {
  const { from = 0, untilNow = false, filters = [], signal, onNext } = request;
  const replies = session
    .service(SERVICE)
    .read(
      { from: fromInteger(from), follow: !untilNow, filters: [...filters] },
      { timeoutMs: 0, ...(signal ? { signal } : {}) },
    );
  for await (const { event, next } of replies) {
    if (event) yield toClientEvent(session, event);
    onNext?.(toSafeNumber(next));
  }
}

function toClientEvent(
  session: Session,
  { number, timestamp, namespace, topic, payload }: Incoming<'wharfd.services.journal.v1.Event'>,
): ClientEvent {
  return {
    number: toSafeNumber(number),
    timestamp: timestamp ? isoOfTimestamp(timestamp) : '',
    namespace,
    topic,
    type: typeNameOf(payload?.type_url ?? ''),
    fields: payload ? fieldsOf(session, payload) : {},
  };
}

function fieldsOf(session: Session, event: { type_url: string; value: Buffer }): Readonly<Record<string, unknown>> {
  try {
    return session.messages.decodePlain(typeNameOf(event.type_url), event.value);
  } catch (error) {
    // A foreign payload is shown without its fields.
    if (isKind(error, 'unimplemented') || isKind(error, 'invalid-argument')) return {};
    throw error;
  }
}
