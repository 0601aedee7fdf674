import { DaemonError } from '../../base/errors.js';
import type { ImageProcess } from '../../spec/image-config.js';
import { buildSpec, withUser, type HostFacts } from '../../spec/runtime-spec-builder.js';
import { SPEC_TYPE_URL, type SpecMount } from '../../spec/runtime-spec.js';
import type { SpecOptions } from '../../spec/spec-options.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import { specJson } from '../../spec/spec-limits.js';
import { namespaceFile, parseNamespaces, type NamespacePlace, type SharedKind } from '../../spec/spec-namespaces.js';
import type { OpaqueAny } from '../events/journal.js';
import type { Mount } from '../kernel/mounts.js';
import type { Scope } from '../namespaces/scope.js';
import { CDI_DIRS, cdiEdits } from './cdi-devices.js';
import { HOST_DEVICES } from './host-devices.js';
import type { RootfsView } from './rootfs-view.js';
import type { Tasks } from './tasks.js';

/** What of a run's request its spec is made of. */
export interface SpecWishes {
  readonly process: ProcessOptions;
  readonly options: SpecOptions;
  readonly hostNetwork: boolean;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly SpecMount[];
}

/** What a spec is for. */
export interface SpecPlan {
  readonly scope: Scope;
  readonly id: string;
  readonly request: SpecWishes;
  /** Of its image; nothing for a root file system without one. */
  readonly image: ImageProcess;
}

/**
 * The spec of a container, with all that its image, its root file system and the machine tell.
 *
 * @param mounts Of the root file system, which is looked into for the user and changed for volumes.
 * @throws invalid-argument, failed-precondition: a wish that can't be.
 */
export async function specFor(
  ports: { readonly host: HostFacts; readonly view: RootfsView },
  tasks: Tasks,
  plan: SpecPlan,
  mounts: readonly Mount[],
): Promise<OpaqueAny> {
  const { scope, id, request, image } = plan;
  const { readonlyRootfs } = request;
  const cdi = cdiEdits(request.options.cdiDevices, CDI_DIRS);
  const options = { ...request.options, devices: [...cdi.devices, ...request.options.devices] };
  const process = { ...request.process, env: [...cdi.env, ...request.process.env] };
  const covered = new Set(request.mounts.map((mount) => mount.destination));
  const volumes = image.volumes.filter((volume) => !covered.has(volume));
  const spec = buildSpec({
    ...{ namespace: scope.namespace, id, image, process, options, readonlyRootfs },
    ...{ host: ports.host, devices: HOST_DEVICES, namespaces: await namespacesFor(tasks, request) },
    mounts: [...(readonlyRootfs ? volumes.map(memoryVolume) : []), ...cdi.mounts, ...request.mounts],
  });
  const user = await ports.view.prepare(mounts, { user: process.user || image.user, groups: options.groups }, volumes);
  return { typeUrl: SPEC_TYPE_URL, value: Buffer.from(specJson(withUser(spec, user))) };
}

async function namespacesFor(tasks: Tasks, request: SpecWishes): Promise<ReadonlyMap<SharedKind, NamespacePlace>> {
  const places = new Map<SharedKind, NamespacePlace>();
  if (request.hostNetwork) places.set('network', 'host');
  for (const [kind, wish] of parseNamespaces(request.options.namespaces)) {
    const joined =
      typeof wish === 'object' && 'container' in wish ? await joinedPlace(tasks, wish.container, kind) : wish;
    places.set(kind, joined);
  }
  return places;
}

async function joinedPlace(tasks: Tasks, container: string, kind: SharedKind): Promise<NamespacePlace> {
  const { pid, status } = await tasks.get(container, '');
  if (status !== 'stopped' && pid > 0) return { path: namespaceFile(pid, kind) };
  throw new DaemonError(
    'failed-precondition',
    `container ${container} does not run, so its ${kind} namespace can't be joined`,
  );
}

/** A volume stays writable above a read-only rootfs; it begins with what the image has there and ends with the container. */
function memoryVolume(destination: string): SpecMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'tmpcopyup'] };
}
