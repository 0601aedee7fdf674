import { DaemonError } from '../base/errors.js';
import type { Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { isA, type WireAny } from '../rpc/messages.js';
import { messages } from '../rpc/whole.js';
import { parseListFilters, type FieldOf } from '../spec/filter.js';
import { VERSION } from '../spec/version.js';
import { toWirePlatform } from './descriptors.js';
import { RUNTIME_PLUGIN, type Plugin } from './plugins.js';
import type { ServerIdentity } from './server-identity.js';

/** What introspection tells of. */
export interface IntrospectionParts {
  readonly identity: ServerIdentity;
  readonly plugins: readonly Plugin[];
  /** The OCI runtime's `features` document as JSON, where it has one. */
  readonly features: () => Promise<string | undefined>;
}

/** The name under which our own monitor serves tasks; other runtimes are not asked about themselves. */
const RUNTIME = 'io.containerd.runc.v2';
const FEATURES_TYPE = 'types.containerd.io/opencontainers/runtime-spec/1/features/Features';

/** containerd.services.introspection.v1.Introspection. */
export function createIntrospectionService(
  parts: IntrospectionParts,
): ServiceImplementation<'containerd.services.introspection.v1.Introspection'> {
  const { identity } = parts;
  return {
    plugins({ filters }) {
      const fits = parseListFilters(filters);
      return Promise.resolve({ plugins: parts.plugins.filter((plugin) => fits(fieldsOf(plugin))).map(toWirePlugin) });
    },
    server: () =>
      Promise.resolve({
        uuid: identity.uuid,
        pid: String(identity.pid),
        pidns: identity.pidNamespace.toString(),
        deprecations: [],
      }),
    async pluginInfo({ type, id, options }) {
      const plugin = parts.plugins.find((one) => one.type === type && one.id === id);
      if (!plugin) throw new DaemonError('not-found', `plugin ${type}.${id}: not found`);
      const isRuntime = type === RUNTIME_PLUGIN.type && id === RUNTIME_PLUGIN.id;
      return { plugin: toWirePlugin(plugin), extra: isRuntime ? await runtimeInfo(options, parts.features) : null };
    },
  };
}

async function runtimeInfo(options: WireAny | null, features: IntrospectionParts['features']): Promise<WireAny> {
  const asked = isA(options, 'containerd.types.RuntimeRequest')
    ? messages.decode('containerd.types.RuntimeRequest', options.value)
    : undefined;
  const name = asked?.runtime_path === '' ? RUNTIME : (asked?.runtime_path ?? RUNTIME);
  if (name !== RUNTIME) {
    throw new DaemonError(
      'unimplemented',
      `runtime ${JSON.stringify(name)} cannot be asked about itself: only ${RUNTIME} can`,
    );
  }
  const json = await features();
  return messages.pack('containerd.types.RuntimeInfo', {
    name: RUNTIME,
    version: { version: VERSION },
    ...(asked?.options && { options: asked.options }),
    ...(json !== undefined && { features: { type_url: FEATURES_TYPE, value: Buffer.from(json) } }),
  });
}

function fieldsOf(plugin: Plugin): FieldOf {
  return ([field]) => (field === 'type' ? plugin.type : field === 'id' ? plugin.id : undefined);
}

function toWirePlugin(plugin: Plugin): Outgoing<'containerd.services.introspection.v1.Plugin'> {
  return {
    type: plugin.type,
    id: plugin.id,
    requires: [...(plugin.requires ?? [])],
    platforms: (plugin.platforms ?? []).map(toWirePlatform),
    exports: { ...plugin.exports },
    capabilities: [...(plugin.capabilities ?? [])],
    init_err: plugin.failure ?? null,
  };
}
