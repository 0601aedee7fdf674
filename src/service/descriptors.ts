import { DaemonError } from '../base/errors.js';
import type { Mount } from '../core/kernel/mounts.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { fromInteger, toSafeNumber } from '../rpc/int64.js';
import type { Descriptor } from '../spec/descriptor.js';
import { parseDigest } from '../spec/digest.js';
import { normalizePlatform, type Platform } from '../spec/platform.js';

/** A descriptor as containerd.types has it; platform and URLs don't go over the wire. */
export function toWireDescriptor(descriptor: Descriptor): Outgoing<'containerd.types.Descriptor'> {
  const { mediaType, digest, size, annotations = {} } = descriptor;
  return { media_type: mediaType, digest, size: fromInteger(size), annotations: { ...annotations } };
}

/**
 * The descriptor in a request.
 *
 * @param what Names the field in the error.
 * @throws invalid-argument: it is missing, its digest is none, or its size is below zero.
 */
export function fromWireDescriptor(
  wire: Incoming<'containerd.types.Descriptor'> | null | undefined,
  what = 'descriptor',
): Descriptor {
  if (!wire) throw new DaemonError('invalid-argument', `${what} is missing: invalid argument`);
  const size = toSafeNumber(wire.size);
  if (size < 0) throw new DaemonError('invalid-argument', `${what} has the size ${size}: invalid argument`);
  const annotations = wire.annotations;
  return {
    mediaType: wire.media_type,
    digest: parseDigest(wire.digest),
    size,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

/** A platform as containerd.types has it. */
export function toWirePlatform(platform: Platform): Outgoing<'containerd.types.Platform'> {
  const { os, architecture, variant = '', osVersion = '', osFeatures = [] } = platform;
  return { os, architecture, variant, os_version: osVersion, os_features: [...osFeatures] };
}

/** The platform in a request, in its one spelling. */
export function fromWirePlatform(wire: Incoming<'containerd.types.Platform'>): Platform {
  const { os, architecture, variant, os_version: osVersion, os_features: osFeatures } = wire;
  return normalizePlatform({
    os,
    architecture,
    ...(variant === '' ? {} : { variant }),
    ...(osVersion === '' ? {} : { osVersion }),
    ...(osFeatures.length === 0 ? {} : { osFeatures }),
  });
}

/** A mount as containerd.types has it. */
export function toWireMount({ type, source, target, options }: Mount): Outgoing<'containerd.types.Mount'> {
  return { type, source, target: target ?? '', options: [...options] };
}

/** The mount in a request. */
export function fromWireMount(wire: Incoming<'containerd.types.Mount'>): Mount {
  const { type, source, target, options } = wire;
  return { type, source, options, ...(target === '' ? {} : { target }) };
}
