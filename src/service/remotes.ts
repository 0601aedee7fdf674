import { objectBytes, resolveRemote, type ObjectRequest } from '../core/remotes/fetch-object.js';
import type { Remotes } from '../core/remotes/remotes.js';
import type { Call, Incoming, ServiceImplementation } from '../rpc/handlers.js';
import { fromWirePlatform, toWireDescriptor } from './descriptors.js';
import { fromWireResolver } from './remote-options.js';
import type { StreamRegistry } from './stream-registry.js';

const DATA_BYTES_MAX = 1024 * 1024;

/** wharfd.services.remotes.v1.RemotesService: looks into registries, and stores nothing. */
export function createRemotesService(
  remotes: Remotes,
  streams: StreamRegistry,
): ServiceImplementation<'wharfd.services.remotes.v1.RemotesService'> {
  return {
    async resolve(request, call) {
      const { name, target } = await resolveRemote(remotes, toObjectRequest(request, [], streams, call));
      return { name, target: toWireDescriptor(target) };
    },
    async *fetchObject(request, call) {
      const resolved = await resolveRemote(remotes, toObjectRequest(request, request.media_types, streams, call));
      yield { target: toWireDescriptor(resolved.target) };
      for await (const bytes of objectBytes(resolved, call.signal)) {
        for (let at = 0; at < bytes.length; at += DATA_BYTES_MAX) {
          yield { data: Buffer.from(bytes.subarray(at, at + DATA_BYTES_MAX)) };
        }
      }
    },
  };
}

function toObjectRequest(
  { ref, platform, options }: Incoming<'wharfd.services.remotes.v1.ResolveRequest'>,
  mediaTypes: readonly string[],
  streams: StreamRegistry,
  { scope, signal }: Call,
): ObjectRequest {
  const remote = fromWireResolver(options?.resolver, streams, scope);
  return {
    name: ref,
    mediaTypes,
    ...(platform && { platform: fromWirePlatform(platform) }),
    remote: options?.plain_http === true ? { ...remote, plainHttp: true } : remote,
    signal,
  };
}
