import type { OpaqueAny } from '../core/events/journal.js';
import type { Incoming } from '../rpc/handlers.js';
import type { WireAny } from '../rpc/messages.js';

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
