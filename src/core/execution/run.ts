import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { DaemonError, isKind, messageOf, undefinedIfMissing } from '../../base/errors.js';
import type { Leftovers } from '../../base/leftovers.js';
import { Teardown } from '../../base/teardown.js';
import { chainIdOf } from '../../spec/chain-id.js';
import { checkIdentifier } from '../../spec/identifier.js';
import type { Labels } from '../../spec/labels.js';
import type { Platform } from '../../spec/platform.js';
import { hostnameOf, type ProcessOptions } from '../../spec/process-options.js';
import { chosenHealthCheck, type HealthOptions } from '../../spec/health-check.js';
import type { ImageProcess } from '../../spec/image-config.js';
import type { HostFacts } from '../../spec/runtime-spec-builder.js';
import { userNamespaceOf } from '../../spec/runtime-spec-linux.js';
import type { SpecMount } from '../../spec/runtime-spec.js';
import type { SpecOptions } from '../../spec/spec-options.js';
import type { ContainerDraft } from '../containers/container-store.js';
import type { ContentStore } from '../content/content-store.js';
import { parseSignal } from '../../spec/signal-name.js';
import type { OpaqueAny } from '../events/journal.js';
import { mappingLabels } from '../kernel/mount-mapping.js';
import { readImage, type StoredImage } from '../images/handlers/image-manifest.js';
import type { Image, ImageStore } from '../images/image-store.js';
import type { Mount } from '../kernel/mounts.js';
import type { LeaseStore } from '../leases/lease-store.js';
import type { Scope, Scoped } from '../namespaces/scope.js';
import type { Volumes } from '../volumes/volumes.js';
import type { ContainerNetworks, NetworkFiles, PortMapping } from '../network/container-networks.js';
import type { Rootfs } from '../rootfs/rootfs.js';
import type { Snapshotter } from '../snapshots/snapshotter.js';
import type { LogLimits } from './logs.js';
import { RUNTIME_NAME, type ExecutionPorts } from './parts.js';
import { chosenShim } from './shims.js';
import type { ProcessRecord } from './task-store.js';
import type { RootfsView } from './rootfs-view.js';
import { runExtension, type RunRecord } from './run-record.js';
import { refuseTaken } from './taken-ids.js';
import { specFor } from './run-spec.js';
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
  /** It is removed by the next daemon, whether it runs or not: its owner is gone then. */
  readonly ephemeral?: boolean;
  /** The process starts when the first client attaches. */
  readonly attach: boolean;
  readonly stdin: boolean;
  readonly hostNetwork: boolean;
  readonly readonlyRootfs: boolean;
  readonly mounts: readonly SpecMount[];
  readonly options: SpecOptions;
  /** A directory of the host as the root file system, instead of an image's; empty for none. */
  readonly rootfs: string;
  /** Name of a network to connect it to; empty for none. */
  readonly network: string;
  readonly ports: readonly PortMapping[];
  readonly logLimits?: LogLimits;
  /** Nothing is started. */
  readonly createOnly?: boolean;
  /** Name or number; empty for the image's, or TERM. */
  readonly stopSignal?: string;
  readonly stopTimeoutMs?: number;
  readonly health?: HealthOptions;
}

/** What a run has made. */
export interface RunOutcome extends ProcessView {
  /** What is otherwise than was asked for. */
  readonly warnings: readonly string[];
}

/** Where the parts of a container come from. */
export interface RunPorts extends Pick<
  ExecutionPorts,
  'containers' | 'tasks' | 'logs' | 'log' | 'bootId' | 'findShim'
> {
  readonly images: Scoped<ImageStore>;
  readonly content: Scoped<ContentStore>;
  readonly leases: Scoped<LeaseStore>;
  readonly rootfs: Rootfs;
  readonly snapshots: (scope: Scope, snapshotter: string) => Snapshotter;
  readonly view: RootfsView;
  readonly networks: ContainerNetworks;
  readonly volumes: Pick<Volumes, 'bound'>;
  readonly host: HostFacts;
  readonly platform: Platform;
  readonly defaultSnapshotter: string;
  /** Of runs that could not be undone whole, by their names. */
  readonly leftovers: Leftovers;
  /** Undoes a run whose undoing went wrong; may be called again. */
  readonly undoAgain: (scope: Scope, record: ProcessRecord) => Promise<void>;
}

/** What the name of a run is, with its parts checked, before anything is made. */
interface Plan {
  readonly scope: Scope;
  readonly id: string;
  readonly snapshotter: string;
  readonly request: RunRequest;
  /** Undefined with a root file system of the caller's. */
  readonly stored: StoredImage | undefined;
  readonly image: ImageProcess;
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
): Promise<RunOutcome> {
  const plan = await planRun(scope, ports, request);
  return await whole(ports, plan, async (undo) => {
    await using lease = await temporaryLease(ports.leases(scope));
    const mounts = await prepareSnapshot({ ...scope, lease: lease.id }, ports, plan, undo);
    const { files, warnings } = await prepareNetwork(ports, plan, undo);
    const spec = request.spec ?? (await specFor(ports, tasks(scope), await mountsOf(ports, plan, files), mounts));
    const draft = draftOf(plan, spec);
    await ports.containers(scope).create(draft);
    undo.add(() => ports.containers(scope).delete(plan.id).catch(undefinedIfMissing));
    undo.add(() => ports.logs.remove({ namespace: scope.namespace, containerId: plan.id }));
    if (request.createOnly) {
      await ports.tasks(scope).delete(plan.id);
      return { ...notStarted(plan), warnings };
    }
    return { ...(await startTask(tasks(scope), plan, mounts, undo)), warnings };
  });
}

/**
 * The spec that a container would have. What is made on the way goes again.
 *
 * @throws As runContainer.
 */
export async function specOfRun(
  scope: Scope,
  ports: RunPorts,
  tasks: Scoped<Tasks>,
  request: RunRequest,
): Promise<OpaqueAny> {
  const plan = await planRun(scope, ports, request);
  const undo = new Teardown();
  const record = await reserveId(ports, plan);
  try {
    await using lease = await temporaryLease(ports.leases(scope));
    const mounts = await prepareSnapshot({ ...scope, lease: lease.id }, ports, plan, undo);
    const { files } = await prepareNetwork(ports, plan, undo);
    return request.spec ?? (await specFor(ports, tasks(scope), await mountsOf(ports, plan, files), mounts));
  } finally {
    await undoRun(ports, plan, undo, record);
  }
}

/** Runs `make` under the plan's id: all that it makes, or nothing. */
async function whole<T>(ports: RunPorts, plan: Plan, make: (undo: Teardown) => Promise<T>): Promise<T> {
  const undo = new Teardown();
  const record = await reserveId(ports, plan);
  try {
    return await make(undo);
  } catch (cause) {
    await undoRun(ports, plan, undo, record);
    throw cause;
  }
}

/** Undoes what was made, the record last; what can't be undone now is undone later, at the latest by the next daemon. */
async function undoRun(ports: RunPorts, { scope, id }: Plan, undo: Teardown, record: ProcessRecord): Promise<void> {
  try {
    await undo.run();
    await ports.tasks(scope).delete(id).catch(undefinedIfMissing);
  } catch (error) {
    ports.leftovers.keep(runName(scope, id), () => ports.undoAgain(scope, record), error);
  }
}

function runName({ namespace }: Scope, id: string): string {
  return `run ${namespace}/${id}`;
}

async function planRun(scope: Scope, ports: RunPorts, request: RunRequest): Promise<Plan> {
  const id = request.id === '' ? `run-${randomBytes(6).toString('hex')}` : checkIdentifier(request.id, 'container id');
  await chosenShim(request.runtime.name || RUNTIME_NAME, ports.findShim);
  const snapshotter = request.snapshotter || ports.defaultSnapshotter;
  await ports.leftovers.clear(runName(scope, id));
  await refuseTaken(scope, ports, id, snapshotter);
  if (request.rootfs !== '') {
    await checkRootfs(request);
    return { ...{ scope, id, snapshotter: '', request, stored: undefined }, image: NO_IMAGE };
  }
  const image = await findImage(ports.images(scope), request.image);
  const stored = await readImage(ports.content(scope), image.target, ports.platform);
  return { scope, id, snapshotter, request, stored, image: stored.config.process };
}

const NO_IMAGE: ImageProcess = {
  ...{
    user: '',
    env: [],
    entrypoint: [],
    cmd: [],
    workingDir: '/',
    stopSignal: '',
    exposedPorts: [],
    volumes: [],
    labels: {},
  },
};

async function checkRootfs({ rootfs, image }: RunRequest): Promise<void> {
  if (image !== '')
    throw new DaemonError('invalid-argument', 'a container has an image or a root file system of its own, not both');
  const found = rootfs.startsWith('/') ? await stat(rootfs).catch(() => undefined) : undefined;
  if (!found?.isDirectory()) {
    throw new DaemonError(
      'invalid-argument',
      `root file system ${JSON.stringify(rootfs)} is no directory of the host, by its absolute path`,
    );
  }
}

/** The record of what is being made: a daemon that starts after a crash undoes it. */
async function reserveId(ports: RunPorts, { scope, id, snapshotter }: Plan): Promise<ProcessRecord> {
  const record: ProcessRecord = {
    ...{ containerId: id, execId: '', state: 'creating', pid: 0, stdin: '', stdout: '', stderr: '', terminal: false },
    details: { bootId: ports.bootId, ...(snapshotter !== '' && { snapshotter }) },
  };
  await ports.tasks(scope).create(record);
  return record;
}

async function findImage(images: ImageStore, name: string): Promise<Image> {
  const image = await images.get(name).catch(undefinedIfMissing);
  if (image) return image;
  throw new DaemonError('not-found', `image ${JSON.stringify(name)} not found: fetch it with "dist pull ${name}"`);
}

async function prepareSnapshot(leased: Scope, ports: RunPorts, plan: Plan, undo: Teardown): Promise<readonly Mount[]> {
  const { id, snapshotter, stored, request } = plan;
  if (!stored) return [{ type: 'bind', source: request.rootfs, options: ['rbind', 'rw'] }];
  const chainId = chainIdOf(stored.config.diffIds) ?? '';
  const mapping = request.spec ? undefined : userNamespaceOf(request.options);
  const labels = mapping ? mappingLabels(mapping) : {};
  const prepare = () => ports.rootfs.prepare(leased, { key: id, chainId, snapshotter, labels });
  const mounts = await prepare().catch(async (cause: unknown) => {
    if (!isKind(cause, 'not-found')) throw cause;
    await ports.rootfs.unpackManifest(leased, stored.target.digest, { snapshotter });
    return await prepare();
  });
  undo.add(() => ports.snapshots(plan.scope, snapshotter).remove(id).catch(undefinedIfMissing));
  return mounts;
}

/** The files of the container's network, or of the container whose network it joins. */
async function prepareNetwork(
  ports: RunPorts,
  plan: Plan,
  undo: Teardown,
): Promise<{ files: NetworkFiles; warnings: readonly string[] }> {
  const { scope, id, request } = plan;
  const { networks } = ports;
  const { namespace } = scope;
  const [, joined] = /^container:(.+)$/.exec(request.options.namespaces['network'] ?? '') ?? [];
  if (joined !== undefined) return { files: await networks.filesOf({ namespace, containerId: joined }), warnings: [] };
  if (request.network === '') {
    if (request.ports.length === 0) return { files: {}, warnings: [] };
    throw new DaemonError('invalid-argument', 'ports can be published of a container with a network only');
  }
  const key = { namespace, containerId: id };
  undo.add(() =>
    networks.remove(key).catch((error: unknown) => {
      ports.log.error(
        { ...key, error: messageOf(error) },
        'the network of a run that failed stays until the next start',
      );
    }),
  );
  const hostname = request.process.hostname || hostnameOf(id);
  const { files, warning } = await networks.prepare(key, { name: request.network, ports: request.ports, hostname });
  return { files, warnings: warning === undefined ? [] : [warning] };
}

/** The plan with volumes as the directories that they are, and the files of its network. */
async function mountsOf({ volumes }: RunPorts, plan: Plan, files: NetworkFiles): Promise<Plan> {
  const mounts = await volumes.bound(plan.scope, plan.request.mounts);
  return withFiles({ ...plan, request: { ...plan.request, mounts } }, files);
}

function withFiles(plan: Plan, files: NetworkFiles): Plan {
  const own = new Set(plan.request.mounts.map(({ destination }) => destination));
  const mounts = Object.entries(files)
    .filter(([destination]) => !own.has(destination))
    .map(([destination, source]) => ({ destination, type: 'bind', source, options: ['rbind'] }));
  return { ...plan, request: { ...plan.request, mounts: [...mounts, ...plan.request.mounts] } };
}

function draftOf({ id, snapshotter, request, image }: Plan, spec: OpaqueAny): ContainerDraft {
  const { options } = request.runtime;
  return {
    ...{
      id,
      labels: request.labels,
      image: request.image,
      spec,
      snapshotter,
      snapshotKey: snapshotter === '' ? '' : id,
      sandbox: '',
    },
    runtime: { name: request.runtime.name || RUNTIME_NAME, ...(options && { options }) },
    extensions: runExtension(recordOf(request, image)),
  };
}

function recordOf(request: RunRequest, image: ImageProcess): RunRecord {
  const { removeOnExit, ephemeral, stdin, logLimits, stopTimeoutMs, rootfs } = request;
  const health = chosenHealthCheck(image.healthCheck, request.health);
  const stopSignal = request.stopSignal ? parseSignal(request.stopSignal) : imageSignal(image.stopSignal);
  return {
    ...{ removeOnExit, stdin },
    ...(ephemeral && { ephemeral }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(stopTimeoutMs !== undefined && { stopTimeoutMs }),
    ...(logLimits && { logLimits }),
    ...(rootfs !== '' && { rootfs }),
    ...(health && { health }),
  };
}

/** An image is not trusted to name one that there is: TERM is sent then. */
function imageSignal(text: string): number | undefined {
  try {
    return text === '' ? undefined : parseSignal(text);
  } catch {
    return undefined;
  }
}

function notStarted({ id, request }: Plan): ProcessView {
  const { terminal } = request.process;
  return {
    ...{ containerId: id, execId: '', status: 'created', pid: 0 },
    stdio: { stdin: '', stdout: '', stderr: '', terminal },
  };
}

async function startTask(tasks: Tasks, plan: Plan, mounts: readonly Mount[], undo: Teardown): Promise<ProcessView> {
  const { id, request } = plan;
  const { terminal } = request.process;
  const created = await tasks.create(id, {
    ...{ rootfs: mounts, stdio: { stdin: '', stdout: '', stderr: '', terminal }, socketStdio: true },
    ...{ startOnAttach: request.attach, noStdin: !request.stdin && !terminal, removeOnExit: request.removeOnExit },
    ...(request.logLimits && { logLimits: request.logLimits }),
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
