import { randomBytes } from 'node:crypto';
import { DaemonError, isKind } from '../../base/errors.js';
import { Teardown } from '../../base/teardown.js';
import { chainIdOf } from '../../spec/chain-id.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { Labels } from '../../spec/labels.js';
import type { Platform } from '../../spec/platform.js';
import type { ProcessOptions } from '../../spec/process-options.js';
import { buildSpec, withUser, type HostFacts } from '../../spec/runtime-spec-builder.js';
import { SPEC_TYPE_URL, type SpecMount } from '../../spec/runtime-spec.js';
import type { ContainerDraft } from '../containers/container-store.js';
import type { ContentStore } from '../content/content-store.js';
import type { OpaqueAny } from '../events/journal.js';
import { readImage, type StoredImage } from '../images/handlers/image-manifest.js';
import type { Image, ImageStore } from '../images/image-store.js';
import type { Mount } from '../kernel/mounts.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Rootfs } from '../rootfs/rootfs.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import { RUNTIME_NAME, type ExecutionPorts } from './parts.js';
import { checkRuntime } from './requests.js';
import type { ProcessRecord } from './task-store.js';
import type { RootfsView } from './rootfs-view.js';
import { runExtension } from './run-record.js';
import type { ProcessView, Tasks } from './tasks.js';

/** What a run is made with. */
export interface RunRequest {
  /** Empty: one is made up. */
  readonly id: string;
  /** Name of a stored image. */
  readonly image: string;
  /** Empty for the daemon's default. */
  readonly snapshotter: string;
  readonly runtime: { readonly name: string; readonly options?: OpaqueAny };
  /** A whole spec instead of one made of image and `process`. */
  readonly spec?: OpaqueAny;
  readonly process: ProcessOptions;
  readonly labels: Labels;
  readonly removeOnExit: boolean;
  /** The process starts when the first client attaches. */
  readonly attach: boolean;
  readonly stdin: boolean;
  readonly hostNetwork: boolean;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly SpecMount[];
}

/** Where the parts of a container come from. */
export interface RunPorts extends Pick<ExecutionPorts, 'containers' | 'tasks' | 'log' | 'bootId'> {
  readonly images: Scoped<ImageStore>;
  readonly content: Scoped<ContentStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly rootfs: Rootfs;
  readonly snapshots: (scope: Scope, snapshotter: string) => Snapshotter;
  readonly view: RootfsView;
  readonly host: HostFacts;
  readonly platform: Platform;
  readonly defaultSnapshotter: string;
}

/** What the name of a run is, with its parts checked, before anything is made. */
interface Plan {
  readonly scope: Scope;
  readonly id: string;
  readonly snapshotter: string;
  readonly request: RunRequest;
  readonly stored: StoredImage;
}

/**
 * Makes snapshot, container and task as one, and starts it (unless it waits for a client): all of it, or nothing is left and the id is
 * free. A lease of the daemon's own holds the snapshot until the container names it.
 *
 * @throws not-found: the image. already-exists: the id. invalid-argument: of the request or the image. What Tasks.create throws.
 */
export async function runContainer(
  scope: Scope,
  ports: RunPorts,
  tasks: Scoped<Tasks>,
  request: RunRequest,
): Promise<ProcessView> {
  const plan = await planRun(scope, ports, request);
  return await Teardown.build(async (undo) => {
    await reserveId(ports, plan, undo);
    await using lease = await temporaryLease(ports.leases(scope));
    const mounts = await prepareSnapshot({ ...scope, lease: lease.id }, ports, plan, undo);
    const spec = request.spec ?? (await specFor(ports, plan, mounts));
    const draft = draftOf(plan, spec);
    await ports.containers(scope).create(draft);
    undo.add(() => ports.containers(scope).delete(plan.id).catch(undefinedIfMissing));
    return await startTask(tasks(scope), plan, mounts, undo);
  });
}

async function planRun(scope: Scope, ports: RunPorts, request: RunRequest): Promise<Plan> {
  const id = request.id === '' ? `run-${randomBytes(6).toString('hex')}` : checkIdentifier(request.id, 'container id');
  checkRuntime(request.runtime.name || RUNTIME_NAME);
  const snapshotter = request.snapshotter || ports.defaultSnapshotter;
  await refuseTaken(scope, ports, id, snapshotter);
  const image = await findImage(ports.images(scope), request.image);
  const stored = await readImage(ports.content(scope), image.target, ports.platform);
  return { scope, id, snapshotter, request, stored };
}

async function refuseTaken(scope: Scope, ports: RunPorts, id: string, snapshotter: string): Promise<void> {
  if (await ports.containers(scope).get(id).catch(undefinedIfMissing)) {
    throw new DaemonError(
      'already-exists',
      `container ${id} already exists: remove it with "ctr delete ${id}", or choose another id`,
    );
  }
  if (await ports.snapshots(scope, snapshotter).stat(id).catch(undefinedIfMissing)) {
    throw new DaemonError(
      'already-exists',
      `snapshot ${id} of no container already exists in ${snapshotter}: choose another id`,
    );
  }
}

/** The record of what is being made: a daemon that starts after a crash undoes it. */
async function reserveId(ports: RunPorts, { scope, id, snapshotter }: Plan, undo: Teardown): Promise<void> {
  const record: ProcessRecord = {
    ...{ containerId: id, execId: '', state: 'creating', pid: 0, stdin: '', stdout: '', stderr: '', terminal: false },
    details: { bootId: ports.bootId, snapshotter },
  };
  await ports.tasks(scope).create(record);
  undo.add(async () => {
    await ports.tasks(scope).delete(id).catch(undefinedIfMissing);
  });
}

async function findImage(images: ImageStore, name: string): Promise<Image> {
  const image = await images.get(name).catch(undefinedIfMissing);
  if (image) return image;
  throw new DaemonError('not-found', `image ${JSON.stringify(name)} not found: fetch it with "dist pull ${name}"`);
}

async function prepareSnapshot(leased: Scope, ports: RunPorts, plan: Plan, undo: Teardown): Promise<readonly Mount[]> {
  const { id, snapshotter, stored } = plan;
  const chainId = chainIdOf(stored.config.diffIds) ?? '';
  const prepare = () => ports.rootfs.prepare(leased, { key: id, chainId, snapshotter });
  const mounts = await prepare().catch(async (cause: unknown) => {
    if (!isKind(cause, 'not-found')) throw cause;
    await ports.rootfs.unpackManifest(leased, stored.target.digest, { snapshotter });
    return await prepare();
  });
  undo.add(() => ports.snapshots(plan.scope, snapshotter).remove(id).catch(undefinedIfMissing));
  return mounts;
}

async function specFor(ports: RunPorts, plan: Plan, mounts: readonly Mount[]): Promise<OpaqueAny> {
  const { scope, id, request, stored } = plan;
  const image = stored.config.process;
  const covered = new Set(request.mounts.map((mount) => mount.destination));
  const volumes = image.volumes.filter((volume) => !covered.has(volume));
  const spec = buildSpec({
    ...{ namespace: scope.namespace, id, image, process: request.process, host: ports.host },
    ...{ hostNetwork: request.hostNetwork, readonlyRootfs: request.readonlyRootfs },
    mounts: [...(request.readonlyRootfs ? volumes.map(memoryVolume) : []), ...request.mounts],
  });
  const user = await ports.view.prepare(mounts, request.process.user || image.user, volumes);
  return { typeUrl: SPEC_TYPE_URL, value: Buffer.from(JSON.stringify(withUser(spec, user))) };
}

/** A volume stays writable above a read-only rootfs; it begins with what the image has there and ends with the container. */
function memoryVolume(destination: string): SpecMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'tmpcopyup'] };
}

function draftOf({ id, snapshotter, request }: Plan, spec: OpaqueAny): ContainerDraft {
  const { options } = request.runtime;
  return {
    ...{ id, labels: request.labels, image: request.image, spec, snapshotter, snapshotKey: id, sandbox: '' },
    runtime: { name: request.runtime.name || RUNTIME_NAME, ...(options && { options }) },
    extensions: runExtension({ removeOnExit: request.removeOnExit }),
  };
}

async function startTask(tasks: Tasks, plan: Plan, mounts: readonly Mount[], undo: Teardown): Promise<ProcessView> {
  const { id, request } = plan;
  const { terminal } = request.process;
  const created = await tasks.create(id, {
    ...{ rootfs: mounts, stdio: { stdin: '', stdout: '', stderr: '', terminal }, socketStdio: true },
    ...{ startOnAttach: request.attach, noStdin: !request.stdin && !terminal, removeOnExit: request.removeOnExit },
    reserved: true,
  });
  undo.add(async () => {
    await tasks.delete(id).catch(undefinedIfMissing);
  });
  return request.attach ? created : await tasks.start(id, '');
}

/** A lease that a restart of the daemon ends. */
async function temporaryLease(leases: LeaseStore): Promise<AsyncDisposable & { readonly id: string }> {
  const id = `run-${randomBytes(8).toString('hex')}`;
  await leases.create({ id, labels: {} }, true);
  return { id, [Symbol.asyncDispose]: () => leases.delete(id) };
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isKind(error, 'not-found')) throw error;
}
