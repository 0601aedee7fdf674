import { DaemonError } from '../base/errors.js';
import type { Incoming, Outgoing } from '../rpc/handlers.js';
import { dateOfTimestamp } from '../rpc/time.js';
import type { Session } from './session.js';

const SERVICE = 'wharfd.services.execution.v1.ExecutionService';

/** What `runContainer` is told; fields as in wharfd.services.execution.v1. */
export type RunRequest = Outgoing<'wharfd.services.execution.v1.RunRequest'>;
/** What a run says of its container's spec. */
export type SpecOptionsRequest = Outgoing<'wharfd.services.execution.v1.SpecOptions'>;
/** Limits of a container. */
export type ResourcesRequest = Outgoing<'wharfd.services.execution.v1.Resources'>;
/** What `execProcess` is told. */
export type ExecRequest = Outgoing<'wharfd.services.execution.v1.ExecRequest'>;

/** A container as a list shows it. */
export interface ContainerSummary {
  readonly id: string;
  readonly image: string;
  /** 0 when no process lives. */
  readonly pid: number;
  readonly status: 'defined' | 'created' | 'running' | 'paused' | 'stopped' | 'unknown';
  readonly exitStatus: number | undefined;
  /** Why nobody can know how it ended; `exitStatus` is 255 then. Undefined when that is known. */
  readonly exitUnknown: string | undefined;
  readonly createdAt: Date | undefined;
  /** Of one that runs and has a health check. */
  readonly health: ContainerHealth | undefined;
}

export interface ContainerHealth {
  /** starting, healthy or unhealthy. */
  readonly status: string;
  /** Failures in a row. */
  readonly failingStreak: number;
  /** The newest runs of the check, oldest first. */
  readonly probes: readonly {
    readonly start: Date | undefined;
    readonly end: Date | undefined;
    /** Undefined where it did not end in time, or could not be run. */
    readonly exitStatus: number | undefined;
    readonly output: string;
  }[];
}

/** Makes container, snapshot and task as one, and starts it. @throws already-exists: the id. not-found: the image. */
export async function runContainer(
  session: Session,
  request: RunRequest,
  signal?: AbortSignal,
): Promise<{
  readonly id: string;
  readonly pid: number;
  readonly spec: Uint8Array;
  readonly warnings: readonly string[];
}> {
  return session.service(SERVICE).run(request, optional(signal));
}

/** A container that dies with its owner. Disposing kills and removes it, as the end of this process would. */
export interface OwnedContainer extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  readonly warnings: readonly string[];
}

/**
 * As `runContainer`, of a container that is killed and removed when it is disposed, when the connection ends, or when the daemon restarts.
 *
 * @throws As runContainer.
 */
export async function runOwnedContainer(
  session: Session,
  request: RunRequest,
  signal?: AbortSignal,
): Promise<OwnedContainer> {
  const options = { timeoutMs: 0, ...optional(signal) };
  const replies = session.service(SERVICE).runOwned({ run: request }, options)[Symbol.asyncIterator]();
  const first = await replies.next();
  const run = first.done ? undefined : first.value.run;
  if (!run) throw new DaemonError('internal', 'the daemon did not tell what it has run');
  const { id, pid, warnings } = run;
  return {
    ...{ id, pid, warnings },
    [Symbol.asyncDispose]: async () => {
      await replies.return?.();
    },
  };
}

/** Adds a process to a running container. @throws not-found: the container. failed-precondition: it does not run. */
export async function execProcess(
  session: Session,
  request: ExecRequest,
  signal?: AbortSignal,
): Promise<{ readonly execId: string; readonly pid: number }> {
  const { exec_id: execId, pid } = await session.service(SERVICE).exec(request, optional(signal));
  return { execId, pid };
}

/** Starts a container that Run made and whose process does not run. @throws failed-precondition: it runs. */
export async function startContainer(session: Session, id: string, signal?: AbortSignal): Promise<void> {
  await session.service(SERVICE).start({ id }, optional(signal));
}

/** Asks a container to end, and kills it when that takes too long; without times and signals of its own, by those it was made with. */
export async function stopContainer(
  session: Session,
  request: {
    readonly id: string;
    readonly timeoutSeconds?: number | undefined;
    readonly stopSignal?: string | undefined;
  },
  signal?: AbortSignal,
): Promise<void> {
  const { id, timeoutSeconds: timeout, stopSignal = '' } = request;
  await session
    .service(SERVICE)
    .stop({ id, signal: stopSignal, ...(timeout !== undefined && { timeout }) }, optional(signal));
}

/** All containers, ordered by id. */
export async function listContainers(session: Session, signal?: AbortSignal): Promise<readonly ContainerSummary[]> {
  const { containers } = await session.service(SERVICE).list({}, optional(signal));
  return containers.map(toSummary);
}

/** Removes container, task and the snapshot made for it. @throws failed-precondition: it runs and `force` is not given. */
export async function removeContainer(
  session: Session,
  request: { readonly id: string; readonly force: boolean },
  signal?: AbortSignal,
): Promise<void> {
  await session.service(SERVICE).remove(request, optional(signal));
}

/** Gives a container whose process does not run another id. @throws not-found. already-exists. failed-precondition: it runs. */
export async function renameContainer(
  session: Session,
  request: { readonly id: string; readonly newId: string },
  signal?: AbortSignal,
): Promise<void> {
  await session.service(SERVICE).rename({ id: request.id, new_id: request.newId }, optional(signal));
}

/** Changes a container's limits; what is absent stays. @throws not-found. invalid-argument: a limit that can't be. */
export async function updateContainer(
  session: Session,
  request: { readonly id: string; readonly resources: ResourcesRequest },
  signal?: AbortSignal,
): Promise<void> {
  await session.service(SERVICE).update(request, optional(signal));
}

/** Sends a signal to a container's own process, to an exec, or to all of its processes. */
export async function killProcess(
  session: Session,
  request: { readonly id: string; readonly execId?: string; readonly signalNumber: number; readonly all?: boolean },
  signal?: AbortSignal,
): Promise<void> {
  await session.service('containerd.services.tasks.v1.Tasks').kill(
    {
      container_id: request.id,
      exec_id: request.execId ?? '',
      signal: request.signalNumber,
      all: request.all ?? false,
    },
    optional(signal),
  );
}

/** The stored record of a container; `spec` is the runtime spec as JSON, where it is one. */
export interface StoredContainer {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** Name of the runtime. */
  readonly runtime: string;
  readonly spec: unknown;
  readonly snapshotter: string;
  readonly snapshotKey: string;
  readonly createdAt: Date | undefined;
  readonly updatedAt: Date | undefined;
}

/** The stored record of a container and the state of its task. @throws not-found. */
export async function inspectContainer(
  session: Session,
  id: string,
  signal?: AbortSignal,
): Promise<{ readonly container: StoredContainer; readonly summary: ContainerSummary | undefined }> {
  const { container } = await session
    .service('containerd.services.containers.v1.Containers')
    .get({ id }, optional(signal));
  const { containers } = await session.service(SERVICE).list({ filters: [`id==${id}`] }, optional(signal));
  const [summary] = containers.map(toSummary);
  if (!container) throw new DaemonError('internal', `container ${id}: the daemon answered without a record`);
  return { container: toStored(container), summary };
}

function toStored(wire: Incoming<'containerd.services.containers.v1.Container'>): StoredContainer {
  return {
    id: wire.id,
    labels: wire.labels,
    image: wire.image,
    runtime: wire.runtime?.name ?? '',
    spec: wire.spec ? parseJson(wire.spec.value) : undefined,
    snapshotter: wire.snapshotter,
    snapshotKey: wire.snapshot_key,
    createdAt: dateOfTimestamp(wire.created_at),
    updatedAt: dateOfTimestamp(wire.updated_at),
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return bytes.toString('base64');
  }
}

function toSummary(wire: Incoming<'wharfd.services.execution.v1.ContainerSummary'>): ContainerSummary {
  const { id, image, pid, status, exit_status: exitStatus, exit_unknown: why, created_at: createdAt } = wire;
  return {
    id,
    image,
    pid,
    status: STATUSES[status] ?? 'unknown',
    exitStatus: status === 'CONTAINER_STATUS_STOPPED' ? (exitStatus ?? 0) : undefined,
    exitUnknown: why === '' ? undefined : why,
    createdAt: dateOfTimestamp(createdAt),
    health: wire.health ? toHealth(wire.health) : undefined,
  };
}

function toHealth(wire: Incoming<'wharfd.services.execution.v1.Health'>): ContainerHealth {
  const { status, failing_streak: failingStreak } = wire;
  const probes = wire.probes.map(({ start, end, exit_status: exitStatus, output }) => {
    return { start: dateOfTimestamp(start), end: dateOfTimestamp(end), exitStatus, output };
  });
  return { status, failingStreak, probes };
}

const STATUSES: Readonly<Record<string, ContainerSummary['status']>> = {
  CONTAINER_STATUS_DEFINED: 'defined',
  CONTAINER_STATUS_CREATED: 'created',
  CONTAINER_STATUS_RUNNING: 'running',
  CONTAINER_STATUS_PAUSED: 'paused',
  CONTAINER_STATUS_STOPPED: 'stopped',
};

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
