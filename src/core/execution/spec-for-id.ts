import { hostnameOf } from '../../spec/process-options.js';
import type { RuntimeSpec } from '../../spec/runtime-spec.js';
import type { OpaqueAny } from '../events/journal.js';

/** What a spec has of its container's id (host name, cgroup) becomes the new one's; all else stays as it is. */
export function specForId(spec: OpaqueAny, namespace: string, oldId: string, newId: string): OpaqueAny {
  const value = JSON.parse(Buffer.from(spec.value).toString()) as Partial<RuntimeSpec>;
  const hostname = value.hostname === hostnameOf(oldId) ? hostnameOf(newId) : value.hostname;
  const linux = value.linux && {
    ...value.linux,
    cgroupsPath: ownGroup(value.linux.cgroupsPath, namespace, oldId, newId),
  };
  const changed = { ...value, ...(hostname !== undefined && { hostname }), ...(linux && { linux }) };
  return { typeUrl: spec.typeUrl, value: Buffer.from(JSON.stringify(changed)) };
}

function ownGroup(path: string, namespace: string, oldId: string, newId: string): string {
  if (path === `/${namespace}/${oldId}`) return `/${namespace}/${newId}`;
  const [slice, unit] = [path.split(':')[0] ?? '', `:wharfd-${namespace}:`];
  return path === `${slice}${unit}${oldId}` ? `${slice}${unit}${newId}` : path;
}
