import { isoOfTimestamp } from '../rpc/time.js';
import { typeNameOf } from '../rpc/messages.js';
import type { Session } from './session.js';

/** Something that happened, as plain values. */
export interface ClientEvent {
  /** RFC 3339, with nanoseconds. */
  readonly timestamp: string;
  readonly namespace: string;
  readonly topic: string;
  /** Message type of the payload. */
  readonly type: string;
  /** The payload by the names in the .proto; empty when we don't know the type. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Everything that happens from now on, in all namespaces that the filters let through, until `signal`. */
export async function* subscribeEvents(
  session: Session,
  filters: readonly string[],
  signal?: AbortSignal,
): AsyncIterable<ClientEvent> {
  const envelopes = session
    .service('containerd.services.events.v1.Events')
    .subscribe({ filters: [...filters] }, signal ? { signal, timeoutMs: 0 } : { timeoutMs: 0 });
  for await (const { timestamp, namespace, topic, event } of envelopes) {
    yield {
      timestamp: timestamp ? isoOfTimestamp(timestamp) : '',
      namespace,
      topic,
      type: typeNameOf(event?.type_url ?? ''),
      fields: event ? fieldsOf(session, event) : {},
    };
  }
}

function fieldsOf(session: Session, event: { type_url: string; value: Buffer }): Readonly<Record<string, unknown>> {
  try {
    return session.messages.decodePlain(typeNameOf(event.type_url), event.value);
  } catch {
    // A foreign payload is shown without its fields.
    return {};
  }
}
