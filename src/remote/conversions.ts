import { DaemonError } from '../base/errors.js';
import type { OpaqueAny } from '../core/events/journal.js';
import type { Mount } from '../core/kernel/mounts.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import type { WireAny } from '../rpc/messages.js';
import type { Descriptor } from '../spec/descriptor.js';
import { parseDigest } from '../spec/digest.js';

export function toWireDescriptor(descriptor: Descriptor): Outgoing<'containerd.types.Descriptor'> {
  const { mediaType, digest, size, annotations = {} } = descriptor;
  return { media_type: mediaType, digest, size: fromInteger(size), annotations: { ...annotations } };
}

export function fromWireDescriptor(wire: Incoming<'containerd.types.Descriptor'> | null): Descriptor {
  const { media_type, digest, size, annotations } = answered(wire, 'descriptor');
  return {
    mediaType: media_type,
    digest: parseDigest(digest),
    size: toSafeNumber(size),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

export function fromWireMount({ type, source, target, options }: Incoming<'containerd.types.Mount'>): Mount {
  return { type, source, options, ...(target !== '' && { target }) };
}

export function toWireAny(any: OpaqueAny | undefined): WireAny | null {
  return any ? { type_url: any.typeUrl, value: Buffer.from(any.value) } : null;
}

export function fromWireAny(any: Incoming<'google.protobuf.Any'> | null | undefined): OpaqueAny | undefined {
  return any ? { typeUrl: any.type_url, value: any.value } : undefined;
}

/** What a daemon must not leave out of its answer. */
export function answered<T>(value: T | null | undefined, what: string): T {
  if (value !== null && value !== undefined) return value;
  throw new DaemonError('internal', `the daemon has answered without the ${what}`);
}
