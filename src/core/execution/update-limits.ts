import { isKind } from '../../base/errors.js';
import type { HostFacts } from '../../spec/runtime-spec-builder.js';
import type { ResourceOptions } from '../../spec/spec-options.js';
import { resourcesOf } from '../../spec/spec-resources.js';
import type { ContainerStore } from '../containers/container-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import { HOST_DEVICES } from './host-devices.js';
import { parseJson } from './requests.js';
import type { Tasks } from './tasks.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * Changes limits of a container: first of its task, so that what the kernel refuses changes nothing, then of the spec that it is started
 * with again.
 */
export async function updateLimits(
  scope: Scope,
  ports: { readonly containers: Scoped<ContainerStore>; readonly host: HostFacts },
  tasks: Tasks,
  { id, resources }: { readonly id: string; readonly resources: ResourceOptions },
): Promise<void> {
  const containers = ports.containers(scope);
  const container = await containers.get(id);
  const { devices: _devices, pids, ...limits } = resourcesOf(resources, [], ports.host.cgroups, HOST_DEVICES.find);
  const wanted = { ...limits, ...(resources.pids !== undefined && { pids }) };
  const task = await tasks.get(id, '').catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
  if (task && task.status !== 'stopped') await tasks.update(id, Buffer.from(JSON.stringify(wanted)));
  if (!container.spec) return;
  const spec = merged(parseJson(container.spec.value, 'spec of the container') as Json, {
    linux: { resources: wanted },
  });
  const { typeUrl } = container.spec;
  await containers.update({ ...container, spec: { typeUrl, value: Buffer.from(JSON.stringify(spec)) } }, ['spec']);
}

/** Objects of both, the second's values before the first's. */
function merged(base: Json, change: Json): Json {
  const both = Object.entries(change).map(([key, value]) => {
    const old = base[key];
    return [key, isObject(old) && isObject(value) ? merged(old, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(both) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
