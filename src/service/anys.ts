import type { EventPayload, OpaqueAny } from '../core/events/journal.js';
import type { Incoming } from '../rpc/handlers.js';
import type { WireAny } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';

/** An Any of a request, kept byte for byte; undefined where there is none. */
export function fromWireAny(any: Incoming<'google.protobuf.Any'> | null | undefined): OpaqueAny | undefined {
  return any ? { typeUrl: any.type_url, value: any.value } : undefined;
}

/** The reverse of `fromWireAny`. */
export function toWireAny(any: OpaqueAny): WireAny;
export function toWireAny(any: OpaqueAny | undefined): WireAny | null;
export function toWireAny(any: OpaqueAny | undefined): WireAny | null {
  return any ? { type_url: any.typeUrl, value: Buffer.from(any.value) } : null;
}

/** An event's payload, encoded if it is one of our own. */
export function toWirePayload(payload: EventPayload): WireAny {
  if ('any' in payload) return toWireAny(payload.any);
  return { type_url: payload.type, value: messages.encodePlain(payload.type, payload.fields) };
}
