import { DaemonError } from '../base/errors.js';
import type { ContentStore } from '../core/content/content-store.js';
import type { Scoped } from '../core/namespaces/scope.js';
import { objectBytes, resolveRemote, type ObjectRequest } from '../core/remotes/fetch-object.js';
import { pushObject } from '../core/remotes/push-object.js';
import type { RemoteOptions, Remotes } from '../core/remotes/remotes.js';
import type { Call, CallScope, Incoming, ServiceImplementation } from '../rpc/handlers.js';
import { parseDigest } from '../spec/digest.js';
import { fromWirePlatform, toWireDescriptor } from './descriptors.js';
import { fromWireResolver } from './remote-options.js';
import type { StreamRegistry } from './stream-registry.js';

const DATA_BYTES_MAX = 1024 * 1024;

export interface RemotesServicePorts {
  readonly remotes: Remotes;
  readonly content: Scoped<ContentStore>;
  readonly streams: StreamRegistry;
}

/** wharfd.services.remotes.v1.RemotesService: looks into registries, and puts single objects there; stores nothing here. */
export function createRemotesService({
  remotes,
  content,
  streams,
}: RemotesServicePorts): ServiceImplementation<'wharfd.services.remotes.v1.RemotesService'> {
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
    async pushObject({ ref, digest, media_type: mediaType, options }, { scope, signal }) {
      const remote = fromWireOptions(options, streams, scope);
      const request = {
        name: ref,
        digest: parseDigest(digest),
        remote,
        signal,
        ...(mediaType !== '' && { mediaType }),
      };
      const { target, outcome } = await pushObject(remotes, content(scope), request);
      return { target: toWireDescriptor(target), existed: outcome !== 'pushed' };
    },
    async referrers({ ref, artifact_type: artifactType, options }, { scope, signal }) {
      const resolver = remotes.resolver(fromWireOptions(options, streams, scope));
      const filter = artifactType === '' ? {} : { artifactType };
      const { name, target, referrers } = await resolver.referrers(ref, { ...filter, signal });
      return {
        name,
        target: toWireDescriptor(target),
        referrers: referrers.map((each) => ({
          descriptor: toWireDescriptor(each),
          artifact_type: each.artifactType ?? '',
        })),
      };
    },
    async authenticate({ host, options }, { scope, signal }) {
      await remotes.resolver(fromWireOptions(options, streams, scope)).authenticate(parseHost(host), signal);
      return {};
    },
  };
}

function fromWireOptions(
  options: Incoming<'wharfd.services.remotes.v1.RemoteOptions'> | null,
  streams: StreamRegistry,
  scope: CallScope,
): RemoteOptions {
  const remote = fromWireResolver(options?.resolver, streams, scope);
  return options?.plain_http === true ? { ...remote, plainHttp: true } : remote;
}

function toObjectRequest(
  { ref, platform, options }: Incoming<'wharfd.services.remotes.v1.ResolveRequest'>,
  mediaTypes: readonly string[],
  streams: StreamRegistry,
  { scope, signal }: Call,
): ObjectRequest {
  return {
    name: ref,
    mediaTypes,
    ...(platform && { platform: fromWirePlatform(platform) }),
    remote: fromWireOptions(options, streams, scope),
    signal,
  };
}

/** A registry's name goes into addresses and paths; only what a reference could begin with does. */
function parseHost(host: string): string {
  const proper = /^[A-Za-z0-9[][\w.:[\]-]*$/.test(host) && URL.canParse(`https://${host}`);
  if (proper) return host;
  const quoted = JSON.stringify(host.slice(0, 256));
  throw new DaemonError('invalid-argument', `${quoted} is no host of a registry, such as registry.example:5000`);
}
