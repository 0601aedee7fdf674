import { isKind } from '../base/errors.js';
import type { Envelope, EventPayload } from '../core/events/journal.js';
import { typeNameOf } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';
import type { FieldOf } from '../spec/filter.js';

/** What filters of a subscription can ask for: `namespace`, `topic`, and below `event` texts and maps of the event's own fields. */
export function fieldOfEnvelope(envelope: Envelope): FieldOf {
  return ([head, ...rest]) => {
    if (head === 'namespace') return present(envelope.namespace);
    if (head === 'topic') return present(envelope.topic);
    return head === 'event' ? fieldBelow(fieldsOf(envelope.payload), rest) : undefined;
  };
}

function fieldsOf(payload: EventPayload): Readonly<Record<string, unknown>> {
  if ('fields' in payload) return payload.fields;
  try {
    return messages.decodePlain(typeNameOf(payload.any.typeUrl), payload.any.value);
  } catch (error) {
    // Foreign types and broken bytes are passed on, and have no fields to ask for.
    if (isKind(error, 'unimplemented') || isKind(error, 'invalid-argument')) return {};
    throw error;
  }
}

function fieldBelow(fields: Readonly<Record<string, unknown>>, path: readonly string[]): string | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return undefined;
  const value = Object.hasOwn(fields, head) ? fields[head] : undefined;
  if (typeof value === 'string') return present(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const below = value as Readonly<Record<string, unknown>>;
  const entry = Object.hasOwn(below, rest.join('.')) ? below[rest.join('.')] : undefined;
  return typeof entry === 'string' ? present(entry) : fieldBelow(below, rest);
}

function present(text: string): string | undefined {
  return text === '' ? undefined : text;
}
