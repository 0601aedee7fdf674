import { DaemonError } from '../base/errors.js';
import type { Envelope, Journal, OpaqueAny } from '../core/events/journal.js';
import { checkTopic } from '../core/events/topic.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { nsOfTimestamp, timestampOfNs } from '../rpc/time.js';
import { parseSubscriptionFilters } from '../spec/filter.js';
import { checkIdentifier } from '../spec/identifier.js';
import { fromWireAny, toWirePayload } from './anys.js';
import { fieldOfEnvelope } from './event-fields.js';

/** Events that were journalled before any client could listen, by their numbers: from the first to the last. */
export interface MissedEvents {
  readonly from: number;
  readonly to: number;
}

/**
 * containerd.services.events.v1.Events. Subscribe tells of all namespaces and needs no namespace header.
 *
 * @param missed What a new subscription is told first, for clients that come back after a restart of the daemon: they would never
 * learn otherwise of what ended meanwhile.
 */
export function createEventsService(
  journal: Journal,
  missed: () => MissedEvents | undefined = () => undefined,
): ServiceImplementation<'containerd.services.events.v1.Events'> {
  return {
    async publish({ topic, event }, { scope }) {
      await journal.append(scope.namespace, { topic: checkTopic(topic), payload: { any: anyOf(event) } });
    },
    async forward({ envelope }) {
      if (!envelope) throw new DaemonError('invalid-argument', 'envelope is missing: invalid argument');
      const namespace = checkIdentifier(envelope.namespace, 'event envelope has invalid namespace');
      const topic = checkTopic(envelope.topic);
      const timestampNs = nsOfTimestamp(envelope.timestamp);
      if (timestampNs === undefined) {
        throw new DaemonError('invalid-argument', 'timestamp must be set on forwarded event: invalid argument');
      }
      await journal.append(namespace, { topic, payload: { any: anyOf(envelope.event) } }, timestampNs);
    },
    async *subscribe({ filters }, call) {
      const filter = parseSubscriptionFilters(filters);
      const now = journal.last();
      const late = missed();
      const events = journal.subscribe({ ...(late && { from: late.from }), signal: call.signal });
      call.sendHeaders();
      for await (const envelope of events) {
        const isOld = envelope.sequence <= now && !(late && envelope.sequence <= late.to);
        if (!isOld && filter(fieldOfEnvelope(envelope))) yield toWireEnvelope(envelope);
      }
    },
  };
}

function anyOf(event: Incoming<'google.protobuf.Any'> | null): OpaqueAny {
  return fromWireAny(event) ?? { typeUrl: '', value: new Uint8Array() };
}

function toWireEnvelope(envelope: Envelope): Outgoing<'containerd.types.Envelope'> {
  const { timestampNs, namespace, topic, payload } = envelope;
  return { timestamp: timestampOfNs(timestampNs), namespace, topic, event: toWirePayload(payload) };
}
